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

# ---- going back while it is shown -----------------------------------------------------------------------------------

rm -f "$dir/keys" "$dir/screen"
mkfifo "$dir/keys"
head -c 65536 /dev/zero | tr '\0' '\364' | { head -c 65520; printf '\353\376'; head -c 14; } >"$dir/rom" # jmp to itself
TERM=xterm LC_ALL=C.UTF-8 timeout --kill-after=5 100 script -qefc "'$VMXRAY' -bios '$dir/rom' -display curses" \
	"$dir/screen" <"$dir/keys" >/dev/null 2>&1 &
run=$!
exec 5>"$dir/keys"
until_true holds "$dir/screen" 'no picture yet'
claim $? 'before a mode is set there is no picture, and it is said' "$(cat -v "$dir/screen")"
sleep 2 # far enough for the way back to take longer than a picture does
printf '\001c' >&5
until_true holds "$dir/screen" '(vmxray)'
printf 'reverse-step 10\r' >&5
until_true holds "$dir/screen" 'past: the end is step'
claim $? 'a picture that is due does not interrupt the way back' "$(cat -v "$dir/screen" | tail -n 3)"
printf 'goto 1000\r' >&5
until_true holds "$dir/screen" 'step 1000'
claim $? 'nor that to a step' "$(cat -v "$dir/screen" | tail -n 3)"
printf 'quit\r' >&5
wait "$run"
! holds "$dir/screen" interrupted
claim $? 'nothing was interrupted' "$(cat -v "$dir/screen" | tail -n 9)"
