#!/bin/bash
# Direct boots on -machine pc and q35; long_chipset.sh has the other processors, and interrupts through the 8259s.
. "$(dirname "$0")/chipset.bash"
boot pc 1
boot q35 4
