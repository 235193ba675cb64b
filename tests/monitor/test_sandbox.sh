#!/bin/bash
# The jail of a run: on unless it is turned off or cannot be had; what it refuses and leaves is test_jail's, and that all
# else works under it is what the other tests here show, which run in it.
. "$(dirname "$0")/lib.bash"

spin=$(guest spin)
unfiltered=$(tool tool_unfiltered)

refused 'neither on nor off' 'sandbox maybe: write on or off' -kernel "$spin" -sandbox maybe
refused 'what QEMU would let through' 'write on or off' -kernel "$spin" -sandbox on,spawn=allow
vmxray -kernel "$spin" -steps 1000 -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny </dev/null
ends 'the words of QEMU that refuse' 6

quiet_run() { # NAME PROGRAM...: the run says nothing about the jail
	local name=$1
	shift
	"$@" -kernel "$spin" -steps 1000 </dev/null >/dev/null 2>"$dir/err"
	status=$? err=$(<"$dir/err")
	[[ $status == 6 && $err == '' ]]
	claim $? "$name" "status $status: $err"
}
told_run() { # NAME PROGRAM...: it says why there is none, and goes on
	local name=$1
	shift
	"$@" -kernel "$spin" -steps 1000 -sandbox on </dev/null >/dev/null 2>"$dir/err"
	status=$? err=$(<"$dir/err")
	[[ $status == 6 && $err == 'vmxray: -sandbox on: '*'; the run goes on without the jail' ]]
	claim $? "$name" "status $status: $err"
}

if [[ ${SAN:-}${COV:-} ]]; then
	told_run 'a build with sanitizers or counters has no jail, and says so when it is asked for' "$VMXRAY"
	quiet_run 'and is silent otherwise' "$VMXRAY"
	exit
fi
"$unfiltered" /bin/true || { echo 'ok the jail # SKIP this kernel or container takes no filter of system calls'; exit; }

told_run 'where no filter can be had the run says so when it is asked for' "$unfiltered" "$VMXRAY"
[[ $err == *'takes no filter of system calls here (Function not implemented)'* || $err == *'(Invalid argument)'* ]]
claim $? 'with the reason' "$err"
quiet_run 'and is silent otherwise' "$unfiltered" "$VMXRAY"

# What the kernel says of the running process, once the guest is at work.
mode_of() { # ARGUMENT...
	rm -f "$dir/serial"
	"$VMXRAY" -kernel "$spin" -serial "file:$dir/serial" "$@" </dev/null >/dev/null 2>&1 &
	local vmxray=$!
	until_true holds "$dir/serial" world
	mode=$(grep -E '^(Seccomp|NoNewPrivs):' "/proc/$vmxray/status" | tr -d '\n\t ')
	kill -KILL "$vmxray"
	wait "$vmxray" 2>/dev/null
}
mode_of
[[ $mode == NoNewPrivs:1Seccomp:2 ]]
claim $? 'a run is in its jail' "$mode"
mode_of -sandbox on
[[ $mode == NoNewPrivs:1Seccomp:2 ]]
claim $? '-sandbox on' "$mode"
mode_of -sandbox off
[[ $mode == NoNewPrivs:0Seccomp:0 ]]
claim $? '-sandbox off' "$mode"

# With a script the guest runs before the sockets have clients: it is in the jail already.
echo 'step 3
symbols '"$spin"'
symbols export '"$dir/exported"'
trace exits='"$dir/trace"'
trace off' >"$dir/script"
socket=$(mktemp -u "${TMPDIR:-/tmp}/sandbox-test-XXXXXX") # paths of sockets must be short
trap 'rm -f "$socket"' EXIT
name=localhost # which not every chroot knows
getent hosts $name >/dev/null || name=127.0.0.1
for door in "-gdb unix:$socket" "-gdb tcp:$name:0" "-monitor unix:$socket" '-monitor none'; do
	vmxray -kernel "$spin" -x "$dir/script" $door -steps 3M </dev/null
	[[ $status == 6 && $err != *jail* ]]
	claim $? "a script, and ${door%%:*}" "status $status: $err; $out"
	[[ ! -e $socket ]]
	claim $? "${door%%:*} leaves no socket"
done
