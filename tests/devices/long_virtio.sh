#!/bin/bash
# A minute of random rings and registers for the devices of virtio: see test_virtio.c.
exec timeout 600 "${O:-o}/tests/devices/test_virtio" 1000
