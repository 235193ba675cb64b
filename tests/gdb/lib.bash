# For the scripts here: the hypervisor, sessions of gdb with it, claims about what gdb printed.
. "$(dirname "${BASH_SOURCE[0]}")/../claim.bash"
dir=$O/tests/gdb/${0##*/}.files # two scripts run at a time
mkdir -p "$dir"
socket=$(mktemp -u "${TMPDIR:-/tmp}/gdb-test-XXXXXX") # paths of sockets must be short
trap 'rm -f "$socket"; [[ -z ${vmxray:-} ]] || kill "$vmxray" 2>/dev/null' EXIT

hypervisor=$dir/hypervisor
gcc -g -O1 -nostdlib -static -fno-pic -no-pie -mno-red-zone -mgeneral-regs-only -fcf-protection=none \
	-fno-stack-protector -Wl,-Ttext=0x200000 -Wl,--build-id=none -o "$hypervisor" tests/gdb/tool_hypervisor.c || exit 2
machine=(-kernel "$hypervisor" -m 64 -nographic -device isa-debug-exit,iobase=0xf4,iosize=4 --hash)

# gdb's commands that take the guest as its second inferior.
attach_guest() {
	printf '%s\n' "add-inferior -exec $hypervisor" 'inferior 2' 'attach 2' 'set schedule-multiple on'
}

# Starts the machine, stopped, waiting for gdb.
start() { # OPTIONS...
	rm -f "$socket"
	timeout 300 "$VMXRAY" "${machine[@]}" -S -gdb "unix:$socket" "$@" </dev/null >"$dir/out" 2>&1 &
	vmxray=$!
	for ((turn = 0; turn < 1500; turn++)); do
		[[ ! -S $socket ]] && kill -0 "$vmxray" 2>/dev/null || return 0
		sleep 0.1
	done
}

# One gdb session with the commands on standard input; what it prints is in said. The first command that fails ends it.
session() {
	commands
	said=$(timeout 90 gdb -nx -batch -x "$dir/commands" 2>&1)
}

# The same, but commands may fail.
typed() {
	commands
	said=$(timeout 90 gdb -nx -q -ex 'set prompt' <"$dir/commands" 2>&1)
}

commands() {
	{
		printf '%s\n' 'set pagination off' 'set confirm off' 'set width 0' 'set tcp connect-timeout 20' \
			'set remotetimeout 30' "file $hypervisor" "target extended-remote $socket"
		cat
	} >"$dir/commands"
}

# Waits for the machine to end; sets status and hash.
finish() {
	wait "$vmxray"
	status=$?
	vmxray=
	hash=$(grep '^hash' "$dir/out")
}

says() { # NAME PATTERN: an extended regular expression that a line of the session matches
	grep -qE -e "$2" <<<"$said"
	claim $? "$1" "gdb said: $(tail -n 12 <<<"$said" | tr '\n' ';')"
}
