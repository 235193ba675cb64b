# What kut.sh and kut_vmx.sh have in common: which tests are wanted, how one is run, what came of it, the sum.
set -u
export vmxray=${VMXRAY:-o/vmxray}
mkdir -p "$logs"

wanted() { # NAME [PATTERN...]
	local name=$1 pattern
	shift
	[[ $# -gt 0 ]] || return 0
	for pattern; do
		# shellcheck disable=SC2053 # a pattern is meant
		[[ $name == $pattern ]] && return 0
	done
	return 1
}

skip() { # NAME WHY
	echo "ok $1 # SKIP $2"
}

machine() { # LOG SECONDS OPTION...: the machine that the suite's run script starts with QEMU
	timeout -k 5 "${TIMEOUT:-$2}" "$vmxray" -no-reboot -nodefaults -device pc-testdev \
		-device isa-debug-exit,iobase=0xf4,iosize=0x4 -display none -serial stdio -device pci-testdev \
		"${@:3}" >"$1" 2>&1 </dev/null
}

# report_summary() of the suite ends with status 0, 1 or 77 >> 1; isa-debug-exit makes 2 * status + 1 of it. A check that
# KVM is expected to fail counts as a failure when it holds (XPASS), as it does on processors.
verdict() { # NAME LOG STATUS
	local name=$1 log=$2 status=$3 why beyond
	beyond=$(grep -ac '^XPASS' "$log")
	why=$(grep -aE '^(FAIL|ABORT|Unhandled|Assert|VM-Exit failure|vmxray:)' "$log" | head -n 1 | tr -d '\r')
	case $status:$why in
	1:) echo "ok $name" ;;
	3:) ((beyond)) && echo "ok $name - and $beyond checks that KVM is known to fail" || echo "not ok $name - status 3" ;;
	77:*) skip "$name" "$(sed -n 's/\r//; s/^SKIP: //p; /not available$/p' "$log" | head -n 1)" ;;
	124:* | 137:*) echo "not ok $name - took longer than it may" ;;
	*) echo "not ok $name - status $status${why:+, $why}" ;;
	esac
}

run_each() { # lines on standard input, for run()
	local passed failed skipped
	export -f run verdict skip machine "$@"
	xargs -d '\n' -r -P "${JOBS:-1}" -I{} bash -c 'run "$1"' kut {} | tee "$logs/summary"
	failed=$(grep -c '^not ok' "$logs/summary")
	skipped=$(grep -c '^ok .*# SKIP' "$logs/summary")
	passed=$(($(grep -c '^ok' "$logs/summary") - skipped))
	echo "$passed passed, $failed failed, $skipped skipped"
	((failed == 0 && passed > 0))
}
