#!/bin/bash
# A real window under Xvfb: typed at, its picture compared with what the machine has, in the recording replayed and gone
# back in. Without a display of the host the run goes on and says so.
. "$(dirname "$0")/lib.bash"

kernel=$(guest typing)
debug_exit='-device isa-debug-exit,iobase=0xf4,iosize=0x04'
unset DISPLAY WAYLAND_DISPLAY
vmxray -kernel "$kernel" -display sdl -steps 1000 -serial null </dev/null
[[ $status == 6 && $err == *'-display sdl: '*'the run goes on without it'* ]]
claim $? 'without a display of the host the run goes on, and says so' "status $status; $err"
vmxray -kernel "$kernel" -display sdl -vga none -steps 1000 -serial null </dev/null
[[ $status == 6 && $err == *'has no display'* ]]
claim $? 'and without one of the machine' "status $status; $err"

for program in Xvfb xdotool; do
	type -P $program >/dev/null && continue
	echo "ok a window # SKIP $program is not here"
	exit
done
[[ -e /usr/lib/x86_64-linux-gnu/libSDL2-2.0.so.0 ]] || { echo 'ok a window # SKIP SDL2 is not here'; exit; }

rm -rf "$dir/screen" "$dir/number"
mkdir -p "$dir/screen"
Xvfb -displayfd 3 -screen 0 1280x1024x24 -fbdir "$dir/screen" 3>"$dir/number" >"$dir/xvfb.log" 2>&1 &
xvfb=$!
trap 'kill $xvfb $run 2>/dev/null' EXIT
run=
until_true test -s "$dir/number"
export DISPLAY=:$(<"$dir/number")
compare=$(tool tool_window)

rm -f "$dir/typed" "$dir/record"
timeout --kill-after=5 120 "$VMXRAY" -kernel "$kernel" $debug_exit -display sdl -monitor none -serial "file:$dir/typed" \
	-record "$dir/record" -hash </dev/null >"$dir/run.out" 2>"$dir/run.err" &
run=$!
window() { id=$(xdotool search --name '^vmxray' 2>/dev/null | head -n 1) && [[ $id ]]; }
until_true window
claim $? 'there is a window' "$(<"$dir/run.err")"
alive() { kill -0 "$run" 2>/dev/null; }
running() { [[ $(xdotool getwindowname "$id" 2>/dev/null) == *'step '*running* ]]; }
until_true running
claim $? 'its title has the step and what the machine does' "$(xdotool getwindowname "$id" 2>/dev/null)"
xdotool windowfocus --sync "$id" mousemove --window "$id" 300 200
for key in a F5 shift Up 7; do
	xdotool key "$key"
done
got() { ! alive || holds "$dir/typed" "$1"; }
until_true got 1e3f2a4808
[[ $(<"$dir/typed") == 1e3f2a4808 ]]
claim $? 'the machine gets what is typed' "$(<"$dir/typed")"
xdotool click 1
grabbed() { ! alive || [[ $(xdotool getwindowname "$id" 2>/dev/null) == *'lets the mouse go'* ]]; }
until_true grabbed
claim $? 'a click grabs the mouse' "$(xdotool getwindowname "$id" 2>/dev/null)"
xdotool key ctrl+alt+g
freed() { ! alive || ! grabbed; }
until_true freed
claim $? 'Ctrl-Alt-G lets it go' "$(xdotool getwindowname "$id" 2>/dev/null)"
until_true got 1e3f2a48081d38
claim $? 'and the machine got the keys before G alone' "$(<"$dir/typed")"
xdotool mousemove 5 5 # out of the picture
sleep 0.5
eval "$(xdotool getwindowgeometry --shell "$id")"
cp "$dir/screen/Xvfb_screen0" "$dir/seen"
xdotool key Escape
wait "$run"
[[ $? == 1 && $(<"$dir/run.err") == hash* ]]
claim $? 'ESC is typed too: the guest ends' "$(<"$dir/run.err")"

printf '%s\n' 'goto end' "screendump $dir/end.ppm" 'goto 1000' "screendump $dir/before.ppm" 'goto end' \
	"screendump $dir/again.ppm" "screendump $dir/again.png" quit >"$dir/script"
"$VMXRAY" -replay "$dir/record" -serial null -S -x "$dir/script" </dev/null >"$dir/replay.out" 2>"$dir/replay.err"
said=$("$compare" "$dir/seen" "$dir/end.ppm" "$X" "$Y")
claim $? 'what was seen is the picture of the recording, replayed' "$said; $(tail -n 3 "$dir/replay.out" | tr '\n' ';')"
cmp -s "$dir/end.ppm" "$dir/again.ppm" && ! cmp -s "$dir/end.ppm" "$dir/before.ppm"
claim $? 'it is the same after going back and forth, and was another before' "$(ls -l "$dir"/*.ppm)"
"$VMXRAY" -replay "$dir/record" -serial null -hash </dev/null >/dev/null 2>"$dir/hash"
[[ $(grep ^hash "$dir/hash") == $(grep ^hash "$dir/run.err") ]]
claim $? 'the replay, without a window, has the same hash' "$(cat "$dir/hash" "$dir/run.err")"
