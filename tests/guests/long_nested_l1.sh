#!/bin/bash
# Guests of guests, with parameters of the guest's kvm-intel off.
. "$(dirname "$0")/nested.bash"
without_each 1
all_is_well 'ept=0 at both levels' 'kvm0=ept=0 kvm1=ept=0'
