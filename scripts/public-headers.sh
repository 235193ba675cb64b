#!/bin/bash
# The headers that programs which embed the library may include, and what these include in turn: public-headers.sh GEN-FOLDER
#
# The doors are the machine, who remembers its past, and what explains it, with what their comments send a reader to: stopping out
# of an observer, timing models and what they count, memory through other roots. What is private to a room stays here.
set -eu -o pipefail
doors=$(ls devices/machine/{machine,machine_boot,machine_input,machine_observe,position}.h devices/history/*.h devices/recording/*.h devices/snapshot/*.h \
	cpu/processor/observing.h cpu/state/timing.h cpu/timing/model.h cpu/memory/peek.h \
	monitor/explain/*.h monitor/vmcs/*.h monitor/faults/*.h monitor/causes/*.h | grep -v _private)
read -ra compiler <<<"${CC:-gcc}" # may be several words
for door in $doors; do echo "#include \"$door\""; done | "${compiler[@]}" -std=gnu2x -I. -I"$1" -x c -MM - |
	tr ' \\' '\n\n' | grep -E '^(cpu|vmx|devices|monitor)/' | sort -u
