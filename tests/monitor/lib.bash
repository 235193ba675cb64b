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

# A tool of tests/monitor, compiled; prints its path.
tool() { # NAME
	local file=$dir/$1
	[[ $file -nt tests/monitor/$1.c ]] || gcc -std=gnu2x -O1 "tests/monitor/$1.c" -o "$file" || exit 2
	echo "$PWD/$file"
}

# Whether a pseudo-terminal can be had. What needs one is skipped where none can: in a chroot without devpts.
has_terminal() {
	type -P script >/dev/null && [[ $(script -qec 'stty size >/dev/null && echo fine' /dev/null </dev/null 2>/dev/null) == fine* ]]
}
no_terminal='# SKIP no pseudo-terminal can be had here (script, of package bsdutils, and devpts)'

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

# A conversation with the monitor on a socket, or with whatever listens there.
talk() { # SOCKET
	coproc TALK { exec "$(tool tool_client)" "$1"; } 2>/dev/null
	exec {talk_from}<&"${TALK[0]}" {talk_to}>&"${TALK[1]}"
	eval "exec ${TALK[0]}<&- ${TALK[1]}>&-"
}
hang_up() {
	exec {talk_from}<&- {talk_to}>&-
}
tell() { printf '%s\n' "$*" >&"$talk_to"; }
# What is said up to the next prompt is in heard, without that. False: there is no prompt any more.
hear() {
	local piece=''
	heard=''
	while IFS= read -r -t 60 -d ')' -u "$talk_from" piece; do
		heard+=$piece
		if [[ $heard == *'(vmxray' ]]; then
			heard=${heard%'(vmxray'}
			IFS= read -r -t 60 -n 1 -u "$talk_from" piece
			return 0
		fi
		heard+=')'
	done
	heard+=$piece
	return 1
}
