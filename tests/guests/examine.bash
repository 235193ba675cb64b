# For scripts that boot guests and examine what the machine said. The caller sets `log`, `machine` and a function
# `examine STATUS`, which adds to `bad` what is not as it should be.
bad=()

# What a kernel says when something went wrong in it, at whatever level; what init says.
troubles='Kernel panic|BUG:|Oops|WARNING: CPU|general protection fault|segfault|unchecked MSR|Call Trace|rcu: INFO'
troubles+='|FAILED|\] kvm.*(unsupported|unhandled|disabled by|not supported|failed)|KVM internal error'

must() { # COUNT PATTERN WHY: so many lines are like this
	local count
	count=$(tr -d '\r' <"$log" | grep -acE "$2")
	((count == $1)) || bad+=("$3 ($count lines of $1)")
}

trouble() { # lines that tell of some
	local line
	while read -r line; do
		bad+=("$line")
	done < <(tr -d '\r' <"$log" | grep -aE "$troubles" | head -n 5)
}

run_and_examine() { # NAME [OPTION...]
	echo "$VMXRAY ${machine[*]@Q} ${*:2}"
	"$VMXRAY" "${machine[@]}" --stats "${@:2}" 2>&1 </dev/null | tee "$log"
	examine "${PIPESTATUS[0]}"
	if ((${#bad[@]} == 0)); then
		echo "$1: all is well"
		exit 0
	fi
	printf '%s\n' "${bad[@]/#/$1: }"
	echo "$1: the whole output is in $log"
	exit 1
}
