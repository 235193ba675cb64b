#!/bin/bash
# Serial input from pipes, files and a terminal; signals; the terminal restored on every way out.
. "$(dirname "$0")/lib.bash"

debug_exit='-device isa-debug-exit,iobase=0xf4,iosize=0x04'
echo=$(guest echo) wait=$(guest wait)
long=$(seq 1 200 | tr '\n' ' ')

for guest in "$echo" "$wait"; do
	name=${guest##*/}
	printf '%sq' "$long" >"$dir/typed"
	vmxray -kernel "$guest" $debug_exit <"$dir/typed"
	[[ $status == 1 && $out == "$long" ]]
	claim $? "$name: input from a file" "status $status: $out $err"
	vmxray -kernel "$guest" $debug_exit --hash < <(sleep 0.3; printf 'ab'; sleep 0.3; printf 'cq')
	[[ $status == 1 && $out == abc ]]
	claim $? "$name: input from a pipe that takes its time" "status $status: $out $err"
	rm -f "$dir/out"
	vmxray -kernel "$guest" $debug_exit < <(printf 'a\1\1b'; until_true holds "$dir/out" b; printf '\1x')
	[[ $status == 0 && $out == $'a\1b' ]]
	claim $? "$name: Ctrl-A Ctrl-A sends one, Ctrl-A x leaves" "status $status: $out $err"
	vmxray -kernel "$guest" $debug_exit < <(printf '\1hq')
	[[ $status == 1 && $err == *'Ctrl-A x '* ]]
	claim $? "$name: Ctrl-A h helps" "status $status: $out $err"
done

vmxray -kernel "$(guest late)" $debug_exit <"$dir/typed"
[[ $status == 1 && $out == $'hello\nworld\n'"$long" ]]
claim $? 'late: input waits until the guest listens' "status $status: $out $err"

# Two runs with the same file are the same run.
vmxray -kernel "$wait" $debug_exit --hash <"$dir/typed"
first=$err
vmxray -kernel "$wait" $debug_exit --hash --single-step <"$dir/typed"
[[ $err == "$first" && $first == hash* ]]
claim $? 'the same input from a file, single-stepped: the same hash' "$first; $err"

vmxray -kernel "$wait" </dev/null
ends 'waiting for input that cannot come' 4
[[ $err == *'waits for input for ever'* ]]
claim $? 'and it says so' "$err"

# Waiting for a person costs no processor time.
vmxray -kernel "$wait" $debug_exit --stats < <(sleep 2; printf q)
used=$(awk '/^processor time/ { print $3 }' <<<"$err")
awk -v used="${used:-9}" 'BEGIN { exit !(used < 0.5) }'
claim $? 'two seconds of waiting take less than half a second of processor time' "$used s"

for signal in INT TERM HUP; do
	rm -f "$dir/out"
	# bash starts background programs with SIGINT ignored
	env --default-signal=$signal "$VMXRAY" -kernel "$(guest spin)" --stats --hash </dev/null >"$dir/out" 2>"$dir/err" &
	until_true holds "$dir/out" world
	kill -$signal $!
	wait $! 2>/dev/null
	status=$? expected=$((128 + $(kill -l $signal)))
	[[ $status == "$expected" && $(<"$dir/err") == hash*'million steps/s'* ]]
	claim $? "SIG$signal ends the run with the statistics so far" "status $status: $(<"$dir/err")"
done
timeout 20 "$VMXRAY" -kernel "$(guest echo)" < <(yes) 2>"$dir/err" | head -c 100 >"$dir/out"
status=${PIPESTATUS[0]}
[[ $status != 124 && $(wc -c <"$dir/out") == 100 ]]
claim $? 'when nobody reads the output any more, the run ends' "status $status: $(<"$dir/err")"

# ---- on a terminal --------------------------------------------------------------------------------------------------

if ! has_terminal; then
	echo "ok on a terminal $no_terminal"
	exit 0
fi
# Runs a shell line on a terminal of its own, on which a typist types. The screen goes to $dir/screen. The settings of the
# terminal go to before, during (when it has become raw) and after.
on_terminal() { # LINE LINE-WHEN-RAW TYPIST
	rm -f "$dir"/{screen,before,during,now,after}
	timeout --kill-after=5 90 script -qefc "exec 3<&0; stty -a >$dir/before
		( while sleep 0.1; do stty -a <&3 >$dir/now; cmp -s $dir/before $dir/now || break; done
		mv $dir/now $dir/during; $2 ) &
		$1; stty -a >$dir/after" "$dir/screen" >/dev/null < <($3)
}
is_raw() { [[ -e $dir/during ]]; }
is_over() { [[ -e $dir/after ]]; }
types_and_leaves() {
	until_true is_raw
	printf 'hello'
	until_true holds "$dir/screen" hello
	printf '\3\1x'
	until_true is_over
}
types_nothing() { until_true is_over; }
restored() { # NAME
	[[ -s $dir/during ]] && cmp -s "$dir/before" "$dir/after" && ! cmp -s "$dir/before" "$dir/during"
	claim $? "$1" "$(diff "$dir/before" "$dir/after" | head -n 4)"
}

on_terminal "$VMXRAY -kernel $wait $debug_exit; echo status=\$?" : types_and_leaves
grep -q 'status=0' "$dir/screen"
claim $? 'on a terminal keys reach the guest, Ctrl-C too, and Ctrl-A x leaves' "$(tr -d '\r' <"$dir/screen" | tr '\n' ';')"
restored 'the terminal is as it was'
for signal in TERM HUP SEGV ABRT; do
	on_terminal "sh -c 'echo \$\$ >$dir/pid; exec $VMXRAY -kernel $wait'" "kill -$signal \$(cat $dir/pid)" types_nothing
	restored "the terminal is as it was after SIG$signal"
done
