#!/bin/bash
# Runs the VMX tests of kvm-unit-tests one by one: kut_vmx.sh DIR [NAME...]
#
# DIR is a checkout of kvm-unit-tests that has been built (./configure && make).  NAME is a test's name or a pattern
# with spaces written as _; without one all tests run, as x86/vmx.c and x86/vmx_tests.c list them.  Prints TAP as
# tests/run.sh reads it, and at the end `N passed, N failed, N skipped`.
#
#   VMXRAY   the program (o/vmxray)        LOGS     where each test's output goes (o/kut_vmx)
#   JOBS     how many at a time (1)        TIMEOUT  seconds a test may take (900)
set -u
[[ $# -ge 1 && -f $1/x86/vmx.flat ]] || {
	echo "usage: $0 DIR [NAME...]   (no ${1:-DIR}/x86/vmx.flat: build kvm-unit-tests first)" >&2
	exit 2
}
dir=$1
shift
vmxray=${VMXRAY:-o/vmxray}
logs=${LOGS:-o/kut_vmx}
mkdir -p "$logs"

names() {
	sed -n 's/.*test_wanted("\([^"]*\)".*/\1/p' "$dir/x86/vmx.c"
	sed -n '/^struct vmx_test vmx_tests/,/^};/{
		s/^[[:space:]]*{ "\([^"]*\)".*/\1/p
		s/^[[:space:]]*TEST(\(.*\)),.*/\1/p
	}' "$dir/x86/vmx_tests.c" | tr ' ' _
}

wanted() {
	local name=$1 pattern
	shift
	[[ $# -gt 0 ]] || return 0
	for pattern; do
		# shellcheck disable=SC2053 # a pattern is meant
		[[ $name == $pattern ]] && return 0
	done
	return 1
}

# What x86/unittests.cfg asks for.
options() {
	case $1 in
	nmi_hlt | vmx_eoi_bitmap_ioapic_scan_test | vmx_posted_interrupts_test | vmx_apic_passthrough_thread_test | \
		vmx_init_signal_test | vmx_sipi_signal_test) echo -smp 2 -m 2048 ;;
	ept_access*) echo -m 2560 ;;
	*) echo -m 1024 ;;
	esac
}

# Tests whose outcome says nothing of a processor.
not_for_us() {
	case $1 in
	atomic_switch_overflow_msrs_test)
		echo "513 MSRs in a list are undefined (SDM Vol. 3D, A.6); for the suite too this is a test of KVM only"
		;;
	esac
}

# report_summary() of the suite ends with status 0, 1 or 77 >> 1; isa-debug-exit makes 2 * status + 1 of it.  A check
# that KVM is expected to fail counts as a failure when it passes (XPASS), as it does on processors.
verdict() {
	local name=$1 log=$2 status=$3 why beyond
	why=$(grep -aE '^(FAIL|ABORT|Unhandled|Assert|VM-Exit failure)' "$log" | head -n 1 | tr -d '\r')
	beyond=$(grep -ac '^XPASS' "$log")
	grep -aq '^SUMMARY: ' "$log" || why+=" (it did not come to its summary)"
	case $status:$why in
	1:) echo "ok $name" ;;
	3:) echo "ok $name - and $beyond checks that KVM is known to fail" ;;
	77:*) echo "ok $name # SKIP $(sed -n 's/\r//; s/^SKIP: //p' "$log" | head -n 1)" ;;
	124:* | 137:*) echo "not ok $name - took longer than ${TIMEOUT:-900} s" ;;
	*) echo "not ok $name - status $status${why:+, $why}" ;;
	esac
}

run() {
	local name=$1 log=$logs/${1//\//-}.log why
	why=$(not_for_us "$name")
	[[ -z $why ]] || {
		echo "ok $name # SKIP $why"
		return
	}
	# shellcheck disable=SC2046 # words
	timeout -k 5 "${TIMEOUT:-900}" "$vmxray" -no-reboot -nodefaults -device pc-testdev \
		-device isa-debug-exit,iobase=0xf4,iosize=0x4 -display none -serial stdio -device pci-testdev \
		$(options "$name") -kernel "$dir/x86/vmx.flat" -append "$name" >"$log" 2>&1 </dev/null
	verdict "$name" "$log" $?
}

export -f run verdict options not_for_us
export dir vmxray logs
names | while read -r name; do
	wanted "$name" "$@" && echo "$name"
done | xargs -d '\n' -P "${JOBS:-1}" -I{} bash -c 'run {}' | tee "$logs/summary"
failed=$(grep -c '^not ok' "$logs/summary")
skipped=$(grep -c '^ok .*# SKIP' "$logs/summary")
passed=$(($(grep -c '^ok' "$logs/summary") - skipped))
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0))
