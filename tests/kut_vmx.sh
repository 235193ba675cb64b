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
logs=${LOGS:-o/kut_vmx}
. "${0%/*}/kut.bash"

names() {
	sed -n 's/.*test_wanted("\([^"]*\)".*/\1/p' "$dir/x86/vmx.c"
	sed -n '/^struct vmx_test vmx_tests/,/^};/{
		s/^[[:space:]]*{ "\([^"]*\)".*/\1/p
		s/^[[:space:]]*TEST(\(.*\)),.*/\1/p
	}' "$dir/x86/vmx_tests.c" | tr ' ' _
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

# What is said at the end.
last_words() {
	case $1 in
	exit_monitor_from_l2_test) echo '^Calling exit(0) from l2' ;; # which ends the machine, as it should
	*) echo '^SUMMARY: ' ;;
	esac
}

run() { # a test's name
	local name=$1 log=$logs/${1//\//-}.log why status
	why=$(not_for_us "$name")
	[[ -z $why ]] || {
		skip "$name" "$why"
		return
	}
	# shellcheck disable=SC2046 # words
	machine "$log" 900 $(options "$name") -kernel "$dir/x86/vmx.flat" -append "$name"
	status=$?
	grep -aq "$(last_words "$name")" "$log" || echo 'ABORT: it did not come to its end' >>"$log"
	verdict "$name" "$log" $status
}

export dir logs
names | while read -r name; do
	! wanted "$name" "$@" || echo "$name"
done | run_each options not_for_us last_words
