#!/bin/bash
# Guests of guests with two processors at all levels, and one level deeper.
. "$(dirname "$0")/nested.bash"
all_is_well 'two processors' 'smp=2' -smp 2
all_is_well 'two processors, the guests have one' '' -smp 2
# Three KVMs. Without VMCS shadowing in the middle: it costs L1 a VMWRITE or VMREAD, all of them exits, for each field.
LEVELS=3 all_is_well 'a guest of the third level' 'kvm1=enable_shadow_vmcs=0'
