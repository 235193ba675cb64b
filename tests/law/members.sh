#!/bin/bash
# Counts how often a test outside a struct's own folder reaches into it, file by file: members.sh DIR
#
#   FILE COUNT    members of struct cpu (outside the tests of cpu), struct vmx (outside those of vmx), struct machine
#                 (outside those of devices, in files that have one)
#
# Such a test breaks when the struct changes, although what it tests did not. It reaches members by functions (tests/door.h,
# the readers of cpu/processor/register.h, vmx_... and machine_...), or by the names of the state tables (tests/field.h).
set -eu
export LC_ALL=C
cd "$1"
find tests -mindepth 2 -maxdepth 2 -name '*.[ch]' | sort | xargs -r awk '
	function reaches(pattern,    text, count) {
		text = $0
		while (match(text, pattern)) { count++; text = substr(text, RSTART + RLENGTH) }
		return count + 0
	}
	FNR == 1 { split(FILENAME, part, "/"); folder = part[2] }
	{ sub(/\/\/.*/, "") }
	folder !~ /^(cpu|system|insn|vector|float|decode|silicon)$/ {
		count[FILENAME] += reaches("(^|[^a-z_])((inside_)?cpu(s?\\[[^]]*\\]|\\([^()]*\\))?)->")
	}
	folder != "vmx" { count[FILENAME] += reaches("(^|[^a-z_])(vmx|vmx_of\\([^()]*\\)|bench_vmx\\([^()]*\\))->") }
	/struct machine \*/ { has_machine[FILENAME] = 1 }
	folder !~ /^(devices|mutants|silicon)$/ { of_machine[FILENAME] += reaches("(^|[^a-z_])(m|machine)->") }
	END {
		for (file in of_machine) if (file in has_machine) count[file] += of_machine[file]
		for (file in count) if (count[file]) print file, count[file]
	}' | sort
