# For the scripts here: claims, guests, runs.
. "$(dirname "${BASH_SOURCE[0]}")/../claim.bash"
dir=$O/tests/monitor/${0##*/}.files  # two scripts run at a time
mkdir -p "$dir"

# The multiboot image of one guest in guest.S; prints its path.
guest() { # NAME
	local file=$dir/$1
	[[ $file -nt tests/monitor/guest.S ]] || gcc -m32 -nostdlib -static -Wl,-Ttext=0x200000 -Wl,--build-id=none \
		-DGUEST_"$1" tests/monitor/guest.S -o "$file" || exit 2
	echo "$file"
}

# Runs vmxray with stdin as it is; sets status, out, err.
vmxray() {
	timeout --kill-after=5 60 "$VMXRAY" "$@" >"$dir/out" 2>"$dir/err"
	status=$?
	out=$(<"$dir/out") err=$(<"$dir/err")
}

# The run ended with this status.
ends() { # NAME STATUS
	[[ $status == "$2" ]]
	claim $? "$1: status $2" "status $status; ${err//$'\n'/; }"
}

# Refused: one line that matches, status 1, nothing on stdout.
refused() { # NAME PATTERN ARGUMENT...
	local name=$1 pattern=$2
	shift 2
	vmxray "$@" </dev/null
	[[ $status == 1 && $out == '' && $err == vmxray:* && $err != *$'\n'* && $err =~ $pattern ]]
	claim $? "$name" "status $status; stdout: $out; stderr: ${err//$'\n'/; }"
}

# Waits, at most 30 seconds, for a command to be true; for what cannot be told by time on a busy machine.
until_true() { # COMMAND...
	local turn
	for ((turn = 0; turn < 300; turn++)); do
		"$@" && return
		sleep 0.1
	done
	return 1
}
holds() { # FILE TEXT
	[[ -e $1 ]] && grep -qF -e "$2" "$1"
}
