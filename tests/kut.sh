#!/bin/bash
# Runs what x86/unittests.cfg of kvm-unit-tests lists and flats that it does not list, except VMX (that is
# kut_vmx.sh): kut.sh [-l] DIR [NAME...]
#
# DIR is a checkout of kvm-unit-tests that has been built (./configure && make, or ./configure --arch=i386 && make).
# NAME is a test's name in unittests.cfg, or a pattern; without one all run. -l lists the names. Prints TAP as
# tests/run.sh reads it, each skipped test with its reason, and at the end `N passed, N failed, N skipped`.
#
#   VMXRAY   the program (o/vmxray)        LOGS     where each test's output goes (o/kut)
#   JOBS     how many at a time (1)        TIMEOUT  seconds a test may take (10 times what
#                                                   unittests.cfg allows under KVM, or 900)
set -u
list=
[[ ${1:-} != -l ]] || {
	list=1
	shift
}
[[ $# -ge 1 && -f $1/x86/unittests.cfg ]] || {
	echo "usage: $0 [-l] DIR [NAME...]   (no ${1:-DIR}/x86/unittests.cfg: DIR is a checkout of kvm-unit-tests)" >&2
	exit 2
}
dir=$1
shift
logs=${LOGS:-o/kut}
. "${0%/*}/kut.bash"
arch=$(sed -n 's/^ARCH=//p' "$dir/config.mak" 2>/dev/null)
# Read by the suite's getenv() from a module: no device that belongs to KVM's or QEMU's own tests.
printf 'TEST_DEVICE=0\n' >"$logs/no_test_device"

# One line a test: name|file|smp|qemu_params|test_args|groups|arch|timeout|check
tests() {
	awk -v OFS='|' '
		function put() { if (name != "") print name, v["file"], v["smp"], v["qemu_params"], v["test_args"], v["groups"],
		                                       v["arch"], v["timeout"], v["check"] }
		/^\[/ { put(); delete v; name = $0; gsub(/^\[|\].*$/, "", name) }
		/^[a-z_]+ *=/ { key = $1; value = $0; sub(/^[^=]*= */, "", value); gsub(/^["\047]|["\047]$/, "", value)
		                v[key] = value }
		END { put() }' "$dir/x86/unittests.cfg"
	local flat
	for flat in "$dir"/x86/*.flat; do
		flat=${flat##*/}
		[[ ! -f $dir/x86/$flat ]] || grep -q "^file *= *$flat" "$dir/x86/unittests.cfg" || echo "${flat%.flat}|$flat|||||||"
	done
}

# Tests that ask for something else than a processor and a PC as Intel made them.
not_for_us() { # NAME GROUPS CHECK
	case $1 in
	asyncpf | hypercall | kvmclock_test | vmexit_vmcall) echo "needs KVM's hypercalls" ;;
	vmware_backdoors) echo "needs the VMware back door of KVM" ;;
	syscall) echo "is for AMD: on Intel's processors SYSCALL is undefined outside 64-bit mode" ;;
	init) echo "needs a BIOS: it resets the PC and expects to be loaded again" ;;
	s3) echo "needs a BIOS and sleep state S3" ;;
	intel_iommu) echo "needs VT-d" ;;
	pcid-asymmetric) echo "needs a processor with INVPCID and without PCID, which is refused" ;;
	*_fep | *-fep) echo "needs KVM's forced emulation" ;;
	*)
		case " $2 " in
		*' vmx '*) echo "is run by kut_vmx.sh" ;;
		*' svm '*) echo "needs SVM" ;;
		*' hyperv '*) echo "needs the enlightenments of Hyper-V" ;;
		*) [[ $3 != *allow_smaller_maxphyaddr* ]] || echo "needs a parameter of KVM" ;;
		esac
		;;
	esac
}

# The features that -cpu adds or takes away, as far as vmxray knows them; la57 is offered on request only.
cpu() { # NAME PARAMETERS
	local word features=''
	for word in $(sed -n 's/.*-cpu [^, ]*,\([^ ]*\).*/\1/p' <<<"$2" | tr ',' ' '); do
		case $word in
		-[a-z]*) grep -qx "  ${word#-}" "$logs/features" && features+=,$word ;;
		esac
	done
	[[ $1 != la57 ]] || features+=,+la57
	[[ -z $features ]] || echo "-cpu server$features"
}

memory() { sed -n 's/.*\(-m [0-9]*[a-zA-Z]*\).*/\1/p' <<<"$1"; }

run() { # a line of tests()
	local name file smp parameters arguments groups for_arch seconds check why log options=()
	IFS='|' read -r name file smp parameters arguments groups for_arch seconds check <<<"$1"
	why=$(not_for_us "$name" "$groups" "$check")
	[[ -n $why || -z $for_arch || $for_arch == "$arch" ]] || why="is for a build for $for_arch"
	[[ -n $why || -f $dir/x86/$file ]] || why="x86/$file was not built"
	[[ -z $why ]] || {
		skip "$name" "$why"
		return
	}
	log=$logs/$name.log
	[[ -z $arguments ]] || options+=(-append "$arguments")
	# Without the test device apic.flat leaves KVM's hypercall out.
	[[ $file != apic.flat ]] || options+=(-initrd "$logs/no_test_device")
	# It halts until the tick of a BIOS.
	[[ $file != realmode.flat ]] || options+=(-machine plain,bios-tick=on)
	# shellcheck disable=SC2046 # words
	machine "$log" $((10 * ${seconds:-90})) -smp "${smp:-1}" $(cpu "$name" "$parameters") $(memory "$parameters") \
		-kernel "$dir/x86/$file" "${options[@]}"
	verdict "$name" "$log" $?
}

"$vmxray" -cpu help >"$logs/features" || exit 2
export dir logs arch
selected() {
	tests | while read -r line; do
		! wanted "${line%%|*}" "$@" || echo "$line"
	done
}
[[ ! $list ]] || {
	selected "$@" | cut -d '|' -f 1
	exit 0
}
selected "$@" | run_each not_for_us cpu memory
