#!/bin/bash
# The monitor in front of a person, and on a socket: Ctrl-A c, Ctrl-C, completion, history, colour, clients that come,
# interrupt and leave.
. "$(dirname "$0")/lib.bash"

debug_exit='-device isa-debug-exit,iobase=0xf4,iosize=0x04'
echo=$(guest echo) spin=$(guest spin)
# SHELL: script runs it; dash dies of the Ctrl-C that vmxray answers, bash goes on as vmxray does.
export HOME=$PWD/$dir PAGER=cat TERM=dumb SHELL=$BASH
rm -f "$dir/.vmxray_history"

if has_terminal; then
	# Runs vmxray on a terminal of its own, on which a typist types; what the screen shows is in $screen.
	on_terminal() { # TYPIST ARGUMENT...
		local typist=$1
		shift
		rm -f "$dir/screen" "$dir/pid"
		timeout --kill-after=5 120 script -qefc "sh -c 'echo \$\$ >$dir/pid; exec $VMXRAY $*'; echo status=\$?" "$dir/screen" >/dev/null < <($typist)
		screen=$(tr -d '\r' <"$dir/screen")
	}
	shows() { until_true holds "$dir/screen" "$1"; }
	prompts() { grep -aoF '(vmxray) ' "$dir/screen" | wc -l; }
	more_prompts() { (($(prompts) > $1)); }
	runs() { [[ $(cut -d ' ' -f 3 "/proc/$(<"$dir/pid")/stat") == R ]]; }
	taken() { (($(grep -ac $'continue\r$' "$dir/screen") > $1)); }
	types() { # LINE [ARGUMENT...], as for printf: which is answered, and a prompt follows
		local before=$(prompts)
		printf "$@"
		until_true more_prompts "$before"
	}
	lets_go() { # the guest runs
		local before=$(grep -ac $'continue\r$' "$dir/screen")
		printf 'continue\r'
		until_true taken "$before"
		until_true runs
	}
	over() { until_true holds "$dir/screen" status=; }

	typist() {
		shows hello
		printf '\1c'
		shows 'cpu 0  level 0'
		printf 'print ea\t == ea\t\r' # the first one is unique, eax
		shows '$1 = 0x1'
		printf 'info regi\t\r'
		shows RFLAGS
		printf nonsense
		shows nonsense
		types '\3'
		lets_go
		types '\3'
		shows Interrupted
		types 'step\r'
		types '\r'
		printf '\1c'
		until_true runs
		types '\1c'
		printf 'p 4711\rquit\r'
		over
	}
	on_terminal typist -kernel "$spin"
	[[ $screen == *'$1 = 0x1'*RFLAGS*Interrupted.*'$2 = 0x1267'*status=0* ]]
	claim $? 'Ctrl-A c gives the prompt and goes back, Ctrl-C stops a guest that was let go' "${screen//$'\n'/;}"
	[[ $screen != *'no such command'* ]]
	claim $? 'Ctrl-C at the prompt forgets the line' "${screen//$'\n'/;}"
	[[ $screen == *$'\e[1mstep'* ]]
	claim $? 'colour on a terminal' "${screen//$'\n'/;}"
	steps=$(grep -aoE 'step [0-9]+' <<<"$screen" | tail -n 4 | head -n 3 | cut -d' ' -f2 | tr '\n' ' ')
	read -r a b c <<<"$steps"
	[[ $((a + 1)) == "$b" && $((b + 1)) == "$c" ]]
	claim $? 'Enter repeats a step' "$steps"

	typist() {
		shows 'level 0'
		types '\20\20\r' # Ctrl-P twice: p 4711 again
		printf '\4'
		over
	}
	NO_COLOR=1 on_terminal typist -kernel "$spin" -S
	[[ $screen == *'$1 = 0x1267'*status=0* ]]
	claim $? 'history is kept between runs; Ctrl-D leaves' "${screen//$'\n'/;}"
	[[ $screen != *$'\e[1m'* ]]
	claim $? 'NO_COLOR' "${screen//$'\n'/;}"

	typist() {
		shows 'level 0'
		types 'trace exits=%s\r' "$dir/.vmxray_history"
		types 'print 5\r'
		printf '\4'
		over
	}
	on_terminal typist -kernel "$spin" -S
	[[ $screen == *'.vmxray_history: '*'writes'*' already'* && $(tail -n 2 "$dir/.vmxray_history") == $'trace exits='*$'\nprint 5' &&
		$(stat -c %a "$dir/.vmxray_history") == 600 && $(grep -c 4711 "$dir/.vmxray_history") == 2 ]]
	claim $? 'the file of lines typed earlier is no file for others, and keeps its lines' "${screen//$'\n'/;} $(<"$dir/.vmxray_history")"
	rm "$dir/.vmxray_history"
	ln -s "$dir/elsewhere/missing" "$dir/.vmxray_history"
	on_terminal typist -kernel "$spin" -S
	[[ $screen == *' = 0x5'*status=0* && ! -e $dir/elsewhere ]]
	claim $? 'one that cannot be had is done without' "${screen//$'\n'/;}"
	rm "$dir/.vmxray_history"

	typist() {
		shows 'level 0'
		lets_go
		printf 'typed'
		shows typed
		types '\3'
		shows Interrupted
		lets_go
		printf q
		shows 'The run is over'
		printf 'info registers\rquit\r'
		over
	}
	on_terminal typist -kernel "$echo" $debug_exit -S
	[[ $screen == *typed*Interrupted*'The run is over: the guest wrote 0 to isa-debug-exit'*RFLAGS*status=1* ]]
	claim $? 'keys reach a guest that was let go; when it is gone its state can be looked at' "${screen//$'\n'/;}"

	typist() {
		shows 'level 0'
		printf 'step -\t 0\r'
		shows 'step 1 '
		printf '\r'
		shows 'step 2 '
		printf 'source %s/monitor-fi\t\r' "$dir"
		shows 'from the file'
		printf 'help\r'
		shows 'P:  step'
		printf 'quit\r'
		over
	}
	echo 'echo from the file' >"$dir/monitor-file"
	NO_COLOR=1 PAGER='sed s/^/P:/' on_terminal typist -kernel "$spin" -S
	[[ $screen == *'P:  step '*'P:  quit'* ]]
	claim $? 'what is longer than the screen goes through $PAGER' "${screen//$'\n'/;}"
	[[ $screen == *$'\n''from the file'* ]]
	claim $? 'Tab completes names of files' "${screen//$'\n'/;}"
	[[ $(grep -acE 'step -l +0' <<<"$screen") == 1 && $screen == *'step 1 '*'step 2 '* ]]
	claim $? 'Tab completes options, and Enter repeats them with the step' "${screen//$'\n'/;}"

	# Lines pasted at once: as a terminal marks them (bracketed paste), and as they come where none does (a dumb one).
	pasted='print 21 + 21\rstep\r\rprint 6 * 8\rprint 11111 * 5'
	typist() {
		shows 'level 0'
		types '\e[200~%b\e[201~\r' "$pasted"
		shows 55555
		types '\20\20\r' # Ctrl-P twice: each is a line of its own in the history
		printf '\4'
		over
	}
	TERM=xterm on_terminal typist -kernel "$spin" -S
	plain=$(sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g' <<<"$screen")
	steps=$(grep -aoE '^step [0-9]+' <<<"$plain" | sort -u | tr '\n' ' ')
	[[ $plain == *'(vmxray) print 21 + 21'$'\n''$1 = 0x2a '*'(vmxray) step'$'\n'*'(vmxray) print 6 * 8'$'\n''$2 = 0x30'*55555*'$4 = 0x30'* &&
		$steps == 'step 0 step 1 ' && $plain != *'no such command'* ]]
	claim $? 'lines pasted at once are several commands; an empty one repeats nothing' "steps $steps; ${plain//$'\n'/;}"
	typist() {
		shows 'level 0'
		printf "${pasted/\\r\\r/\\r}\r"
		shows 55555
		printf '\4'
		over
	}
	NO_COLOR=1 on_terminal typist -kernel "$spin" -S
	[[ $screen == *'$1 = 0x2a '*'step 1 '*'$2 = 0x30'*55555* && $screen != *'no such command'* ]]
	claim $? 'so they are where the terminal does not mark them' "${screen//$'\n'/;}"

	# exits loop, first of all: what is known does not depend on who looks on.
	typist() {
		shows hello
		printf '\1c'
		shows 'level 0'
		types 'exits loop\r'
		printf 'quit\r'
		over
	}
	on_terminal typist -kernel "$spin"
	[[ $screen == *'there was no VM exit yet'* ]]
	claim $? 'exits loop where there was no VM exit says so' "${screen//$'\n'/;}"
	typist() {
		shows 'without progress' # of -why
		printf '\1c'
		shows 'level 0'
		types 'exits loop\r'
		printf 'quit\r'
		over
	}
	on_terminal typist -kernel "$O/turtles.elf" -append 'depth=1\ bug=loop' -m 64
	said=${screen#*exits loop}
	[[ $said == *'level 1: VM exit EPT_VIOLATION '*' times in a row without progress'*'from step 1'*hint:* ]]
	claim $? 'exits loop right after Ctrl-A c knows the loop from its first step' "${screen//$'\n'/;}"

	# Help fits the screen, breaks at words, and is not cut off.
	fits() { # COLUMNS
		rm -f "$dir/screen"
		timeout --kill-after=5 60 script -qefc "stty cols $1 rows 999; NO_COLOR=1 $VMXRAY -kernel $spin -S; $VMXRAY -help; echo status=done" "$dir/screen" >/dev/null < <(
			shows 'level 0'
			types 'help\r'
			types 'help watch\r'
			printf '\4'
			until_true holds "$dir/screen" status=done
		)
		screen=$(tr -d '\r' <"$dir/screen")
		wide=$(sed '1,/^(vmxray) help$/d; /^Script/d' <<<"$screen" | awk -v most="$1" 'length > most && / / && !/[|]/ && !/^usage/ { print length ": " $0 }')
		words=$(tr -s ' \n' ' ' <<<"$screen")
		[[ -z $wide && $words == *'A condition is asked before the write: value is what is written, old what it replaces.'* ]] &&
			[[ $words == *'to the instruction, constant or device that made it.'* ]] && # the longest sentence of the list
			[[ $words == *'failed VM entries, triple faults and loops explain themselves on stderr'* ]]
	}
	for columns in 60 90 150; do
		fits "$columns"
		claim $? "help fits $columns columns" "$wide"
	done

	# Ctrl-C ends whatever goes through the past, and leaves the machine where it was, in the present and in the past.
	interrupts() { # COMMAND: that takes seconds
		local before=$(prompts)
		printf '%s\r' "$1"
		until_true runs
		sleep 0.2
		printf '\3'
		until_true more_prompts "$before"
		types 'history\r'
	}
	typist() {
		shows 'level 0'
		types 'run-to 100000000\r'
		types 'watch rax if rax == 0x123456789\r'
		interrupts 'first rax == 0x123456789'
		interrupts 'reverse-continue'
		types 'goto 80000000\r'
		for command in 'last rax == 0x123456789' 'reverse-continue' 'reverse-step -l 1' 'reverse-stepexit' 'reverse-finish' 'values rbx'; do
			interrupts "$command"
		done
		printf 'quit\r'
		over
	}
	on_terminal typist -kernel "$spin" -S -m 16
	[[ $(grep -aci 'interrupted' <<<"$screen") == 8 && $(grep -ac 'It is step 100000000 now' <<<"$screen") == 2 &&
		$(grep -ac 'It is step 80000000 now' <<<"$screen") == 6 ]]
	claim $? 'Ctrl-C ends searches and ways back, and leaves the machine where it was' "${screen//$'\n'/;}"

	# A script ends with the command that is interrupted; hits that passed on the way are to be ignored again.
	printf '%s\n' 'first rax == 0x123456789' 'echo not reached' >"$dir/script"
	typist() {
		shows 'level 0'
		types 'run-to 100000000\r'
		types 'break rip\r'
		types 'ignore 1 100000000\r'
		interrupts 'reverse-continue'
		types 'info breakpoints\r'
		interrupts "source $dir/script"
		printf 'quit\r'
		over
	}
	on_terminal typist -kernel "$spin" -S -m 16
	[[ $screen == *Interrupted.*'info breakpoints'*'ignoring the next 100000000'*'first rax'*interrupted* && $screen != *'not reached'* ]]
	claim $? 'Ctrl-C ends a script, and gives the hits that passed back' "${screen//$'\n'/;}"

	# A search that lasts shows how far it is; then the line is gone.
	typist() {
		shows 'level 0'
		types 'run-to 100000000\r'
		types 'first rax == 0x123456789\r'
		printf 'quit\r'
		over
	}
	on_terminal typist -kernel "$spin" -S -m 16
	[[ ${screen#*first rax} =~ [0-9]+\ of\ 99\ million\ steps\ looked\ through.*'It holds at no step' ]]
	claim $? 'a long search shows its progress' "${screen//$'\n'/;}"

	# A silent guest for more than two seconds: the line of progress; it goes when the guest writes or is left.
	typist() {
		shows MIPS
		printf '\1x'
		over
	}
	on_terminal typist -kernel "$spin"
	[[ $screen =~ world.*step\ [0-9]+\ \ cpu\ 0\ \ level\ 0\ \ [0-9.]+\ MIPS$'\e[K'.*status=0 ]]
	claim $? 'a long run shows its progress, and wipes it out' "${screen//$'\n'/;}"
	typist() {
		shows drives
		printf '\1x'
		over
	}
	truncate -s 100K "$dir/disc.iso"
	on_terminal typist -kernel "$(guest disc)" -cdrom "$dir/disc.iso"
	[[ $screen =~ MIPS\ \ drives:\ [0-9.]+\ MBytes$'\e[K'.*status=0 ]]
	claim $? 'what drives move in the meantime is in it' "${screen//$'\n'/;}"
	typist() {
		shows MIPS
		printf '\1x'
		over
	}
	head -c 65520 /dev/zero >"$dir/loop.rom"
	printf '\xeb\xfe%14s' >>"$dir/loop.rom"
	on_terminal typist -machine plain -bios "$dir/loop.rom" -display none
	[[ $screen =~ MIPS\ \ firmware$'\e[K'.*status=0 ]]
	claim $? 'and that firmware runs' "${screen//$'\n'/;}"
	typist() {
		shows hello
		sleep 3.5
		printf '\1x'
		over
	}
	on_terminal typist -kernel "$spin" "2>$dir/err"
	[[ $screen == *status=0* && $screen != *MIPS* && ! -s $dir/err ]]
	claim $? 'not where stderr is a file' "$(<"$dir/err")"
else
	echo "ok on a terminal $no_terminal"
fi

# ---- a socket -------------------------------------------------------------------------------------------------------

socket=$(mktemp -u "${TMPDIR:-/tmp}/prompt-test-XXXXXX") # paths of sockets must be short
trap 'rm -f "$socket"' EXIT
conversation() {
	talk "$socket"
	hear
	echo "first ${heard%% *}"
	tell 'print 6 * 7'
	hear
	echo "second $heard"
	printf 'echo %9000s\nprint 6 * 8\n' '' | tr ' ' x | sed 's/^echox/echo /; s/^printx6x.x8/print 6 * 8/' >&"$talk_to"
	hear
	local long=${heard//[^x]/}
	hear
	echo "long $((${#long} > 1000 && ${#long} < 5000)) $heard"
	tell continue
	until_true running # on its own again
	tell 'print 1'
	hear
	echo "third ${heard%% *}"
	hear
	echo "then $heard"
	hang_up
	talk "$socket"
	hear
	echo "fourth ${heard%% *}"
	tell quit
	hear || echo "fifth $heard."
	hang_up
}
running() { [[ $(cut -d ' ' -f 3 "/proc/$vmxray/stat") == R ]]; }
for stopped in '' -S; do
	[[ $stopped ]] && words=,server,nowait || words=
	"$VMXRAY" -kernel "$spin" -monitor "unix:$socket$words" $stopped </dev/null >/dev/null 2>&1 &
	vmxray=$!
	out=$(conversation)
	wait "$vmxray"
	status=$?
	[[ $status == 0 && $out == $'first step\nsecond $1 = 0x2a'*$'\nlong 1 $2 = 0x30'*$'\nthird Interrupted.'*$'\nthen $3 = 0x1'*$'\nfourth step\nfifth .' ]]
	claim $? "a client on a socket stops the guest, lets it run, interrupts it, leaves, comes back ($stopped)" "status $status: $out"
	[[ ! -e $socket ]]
	claim $? "the socket is gone afterwards ($stopped)"
done
# Who leaves at once, without a word: the guest runs on, and whoever comes next is greeted.
"$VMXRAY" -kernel "$spin" -serial null -monitor "unix:$socket" </dev/null >/dev/null 2>&1 &
vmxray=$!
talk "$socket"
client=$TALK_PID
hear
tell continue
until_true running
kill -KILL "$client" # with all of its side closed
wait "$client" 2>/dev/null
hang_up
sleep 0.5
until_true running
claim $? 'the guest runs on when a client of the socket is gone during continue' "$(cut -d ' ' -f 3 "/proc/$vmxray/stat")"
talk "$socket"
client=$TALK_PID
( sleep 10; kill "$client" ) 2>/dev/null & # who is not greeted
hear
first=$heard
tell quit
hear
hang_up
[[ $first == 'step '* ]]
claim $? 'and the next client is greeted' "$first"
kill "$vmxray" 2>/dev/null
wait "$vmxray"
refused 'a socket where none can be' 'cannot listen there' -kernel "$spin" -monitor unix:/nonexistent/socket
refused 'a monitor somewhere else' 'write stdio, unix:PATH .* or none' -kernel "$spin" -monitor tcp:1
refused 'a socket that others listen at' 'write stdio, unix:PATH' -kernel "$spin" -monitor unix:s,server=off
refused 'a gdb that waits' 'write tcp::PORT, .* or unix:PATH' -kernel "$spin" -gdb tcp::1,wait
