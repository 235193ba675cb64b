#!/bin/bash
# OVMF on both machines.
LONG=1 exec "$(dirname "$0")/test_firmware.sh"
