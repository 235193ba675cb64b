#!/bin/bash
# The display's characters on a terminal: what the guest writes is seen, what is typed becomes keys, Ctrl-A c leads to
# the monitor and continue back. Without a terminal the run goes on and says so.
. "$(dirname "$0")/lib.bash"

kernel=$(guest typing)
vmxray -kernel "$kernel" -display curses -steps 1000 </dev/null
[[ $status == 6 && $err == *'-display curses: '*'the run goes on without it'* ]]
claim $? 'without a terminal the run goes on, and says so' "status $status; $err"
has_terminal || { echo "ok a terminal $no_terminal"; exit; }

rm -f "$dir/keys" "$dir/screen"
mkfifo "$dir/keys"
TERM=xterm LC_ALL=C.UTF-8 timeout --kill-after=5 100 script -qefc \
	"'$VMXRAY' -kernel '$kernel' -display curses -device isa-debug-exit,iobase=0xf4,iosize=4" "$dir/screen" \
	<"$dir/keys" >/dev/null 2>&1 &
run=$!
exec 5>"$dir/keys"
until_true holds "$dir/screen" $'\e[?1049h'
sleep 0.5
printf 'aB' >&5
until_true holds "$dir/screen" 1e2a30
claim $? 'keys by what is printed on them; the text in its colours' "$(cat -v "$dir/screen")"
grep -qF $'\e[44m1e2a30' "$dir/screen"
claim $? 'on blue' "$(cat -v "$dir/screen")"
printf '\eOA' >&5
until_true holds "$dir/screen" 48
claim $? 'and keys that print nothing' "$(cat -v "$dir/screen")"
printf '\001c' >&5
until_true holds "$dir/screen" '(vmxray)'
claim $? 'Ctrl-A c: the prompt' "$(cat -v "$dir/screen" | tail -n 3)"
printf 'info keyboard\r' >&5
until_true holds "$dir/screen" 'PS/2 keyboard, scan code set 2'
claim $? 'which has the terminal' "$(cat -v "$dir/screen" | tail -n 3)"
printf 'continue\r' >&5
sleep 1
printf '\e' >&5
until_true holds "$dir/screen" 'The run is over'
printf 'quit\r' >&5
wait "$run"
ended=$?
[[ $ended == 1 && $(<"$dir/screen") == *continue*1e2a3048*over* ]]
claim $? 'back on the display, all of it is drawn again; ESC ends the guest' "status $ended; $(cat -v "$dir/screen" | tail -n 3)"
