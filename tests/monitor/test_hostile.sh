#!/bin/bash
# Names and text that others wrote never reach a terminal raw: a symbol, a source file, a command line, names of files, memory
# of the guest, lines of a script. What may come out of vmxray beside the guest's own serial output is text: no control
# character but newlines and tabs.
. "$(dirname "$0")/lib.bash"

# Red colour, the title of the window, a C1 control as one byte and as UTF-8, backspaces, an override of direction.
evil=$'\e[31m\e]0;owned\a\x9b5m\xc2\x9b6m\b\b\xe2\x80\xaex'
fits() { # FILE...: no line has a control character, nor what is no UTF-8
	! LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f-\xff]' "$@"
}
clean() { # NAME [PATTERN: of what must be there, escaped]
	fits "$dir/out" "$dir/err" && { [[ -z ${2:-} ]] || grep -qaF -e "$2" "$dir/out" "$dir/err"; }
	claim $? "$1" "status $status: $(LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f-\xff]' "$dir/out" "$dir/err" | head -n 3 | cat -v); $(head -c 600 "$dir/err" | cat -v)"
}

# A kernel with a symbol, a source file and a section of that name: a name of the same length is replaced in the file.
plain=$(tr -c x x <<<"$evil" | head -c "$(printf %s "$evil" | LC_ALL=C wc -c)" | LC_ALL=C tr x Q)
sed "s/^\tmov \$stack, %esp/\t.globl $plain\n$plain:\n&/; s/^\t.text/\t.file \"$plain\"\n\t.text/" tests/monitor/guest.S >"$dir/$plain.S"
gcc -g -m32 -nostdlib -static -Wl,-Ttext=0x200000 -Wl,--build-id=none -DGUEST_spin "$dir/$plain.S" -o "$dir/plain" || exit 2
LC_ALL=C sed "s/$plain/${evil//\//\\/}/g" "$dir/plain" >"$dir/kernel$evil"
mv "$dir/$plain.S" "$dir/$evil.S"
kernel=$dir/kernel$evil
[[ $(LC_ALL=C grep -caF "$evil" "$kernel") -gt 0 ]]
claim $? 'the kernel has a hostile symbol'

commands=("symbols $kernel" symbols "trace instructions=$dir/trace" 'run-to 3' trace 'trace stop' where 'x/5i rip' 'disas' 'break rip + 4' 'info breakpoints' continue 'print/a rip' 'x/2a rip' list
	"x/s rip" "print $evil" "$evil" "echo $evil" "write phys:0x1000, \"$evil\"" 'x/s phys:0x1000' 'x/20c phys:0x1000'
	"find phys:0x1000, 64, \"$evil\"" "source $evil" "symbols $evil" "export $dir/$evil/x" "trace exits=$dir/$evil/x" "trace $evil=x"
	"break $evil.c:3" "list $evil:1" "catch $evil" "info $evil"
	"set $evil = 1" "help $evil" "vmcs $evil" "why $evil" "watch rip, $evil" "until $evil" "export $dir/exported$evil" 'info device' stats quit)
printf '%s\n' "${commands[@]}" >"$dir/script$evil"
vmxray -kernel "$kernel" -append "$evil" -serial null -x "$dir/script$evil" -steps 1000 </dev/null
clean 'a script of hostile lines, about hostile symbols and memory' '\x1b[31m\x1b]0;owned\x07\x9b5m\xc2\x9b6m\x08\x08\xe2\x80\xaex'
[[ $(grep -cF '<\x1b[31m' "$dir/out") -gt 5 ]]
claim $? 'the symbol stands there, escaped' "$(grep -F '>' "$dir/out" | head -n 3 | cat -v)"
fits "$dir/trace" && grep -qF '\x1b[31m' "$dir/trace"
claim $? 'a trace of lines has it escaped too' "$(head -n 3 "$dir/trace" | cat -v)"
vmxray -kernel "$kernel" -serial null -steps 1000 -monitor stdio <<<"$(printf '%s\n' "${commands[@]}")"
clean 'the same from a pipe'

for options in "-kernel $dir/$evil" "-kernel $kernel -initrd $evil" "-$evil" "-kernl$evil" "$evil" "-m $evil" "-smp $evil" "-cpu $evil" \
	"-cpu max,+$evil" "-machine $evil" "-device $evil" "-device isa-debug-exit,$evil=1" "-device pc-testdev,id=$evil,x$evil" "-fw_cfg $evil" \
	"-fw_cfg opt/$evil,file=$evil" "-serial $evil" "-kernel $kernel -serial file:/$evil/x" "-debugcon $evil" "-display $evil" "-rtc $evil" \
	"-seed $evil" "-kernel $kernel -trace exits=/$evil/x" "-kernel $kernel -trace $evil=x" "-gdb $evil" "-kernel $kernel -gdb unix:/$evil/x" \
	"-kernel $kernel -gdb tcp:$evil:1" "-kernel $kernel -monitor unix:/$evil/x" "-kernel $kernel -x $evil" "-steps $evil" "-rows $evil" \
	"-global=$evil -hash=$evil"; do
	IFS=' ' read -r -d '' -a words <<<"$options"
	vmxray "${words[@]}" </dev/null
	clean "refused: ${options//[^ -~]/?}"
done

# Over the socket, and while the line is completed.
socket=$(mktemp -u "${TMPDIR:-/tmp}/hostile-XXXXXX")
trap 'rm -f "$socket"' EXIT
"$VMXRAY" -kernel "$kernel" -serial null -monitor "unix:$socket" </dev/null >/dev/null 2>&1 &
talk "$socket"
hear
for command in "symbols $kernel" 'x/3i rip' "$evil"; do
	tell "$command"
	hear
	printf '%s\n' "$heard"
done >"$dir/out"
tell quit
hang_up
wait
: >"$dir/err"
clean "a client of the monitor's socket"

if ! has_terminal; then
	echo "ok completion $no_terminal"
	exit 0
fi
echo "symbols $kernel" >"$dir/names"
export HOME=$PWD/$dir PAGER=cat TERM=dumb NO_COLOR=1 # a dumb terminal is told nothing but carriage returns, bells and bracketed paste
typist() {
	until_true holds "$dir/screen" '(vmxray) '
	printf 'print \t\t\t'
	until_true holds "$dir/screen" '_start'
	printf '\3symbols %s/ker\t\t\t%s/plai\t' "$dir" "$dir"
	until_true holds "$dir/screen" 'symbols '
	printf '\3quit\r'
	until_true holds "$dir/screen" status=
}
rm -f "$dir/screen"
timeout --kill-after=5 60 script -qefc "$VMXRAY -kernel $dir/plain -serial null -x $(printf %q "$dir/names") -S; echo status=\$?" "$dir/screen" >/dev/null < <(typist)
! LC_ALL=C grep -qaP '\x1b\[31m|\x1b\]|\x9b|\x0e' "$dir/screen"
claim $? 'completion shows no hostile symbol or file raw' "$(cat -v "$dir/screen" | tail -n 5)"
