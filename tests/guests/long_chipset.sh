#!/bin/bash
# As test_chipset.sh: more processors, or fewer, and no I/O APIC.
. "$(dirname "$0")/chipset.bash"
boot pc 4
boot q35 1
boot pc 1 noapic
boot q35 1 noapic
