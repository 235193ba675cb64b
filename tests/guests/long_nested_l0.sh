#!/bin/bash
# Guests of guests, with parameters of the lowest level's kvm-intel off.
. "$(dirname "$0")/nested.bash"
without_each 0
