#!/bin/bash
# Limits of the host: of the stack, of memory, of open files, of the size of files, of processor time. Whatever is too little, an
# error says what and what to do, and the status is not 0; or all goes well.
. "$(dirname "$0")/lib.bash"

kernel=$(guest spin)
if [[ ${SAN:-} ]]; then
	echo 'ok limits # SKIP sanitizers need more than these'
	exit 0
fi
limited() { # ULIMIT-OPTION VALUE ARGUMENT...: sets status and err
	sh -c 'ulimit "$1" "$2" && shift 2 && exec "$@"' - "$1" "$2" "$VMXRAY" -kernel "$kernel" "${@:3}" \
		</dev/null >"$dir/out" 2>"$dir/err"
	status=$? err=$(<"$dir/err")
}
explained() { # PATTERN
	[[ $status == 1 && $err == vmxray:* && $err != *$'\n'* && $err =~ $1 ]]
}
for kbytes in 64 128 255; do
	limited -s $kbytes -steps 1000
	explained "the stack may have $kbytes KBytes only, and 256 are needed: raise its limit \(ulimit -s\)"
	claim $? "a stack of $kbytes KBytes" "status $status: $err"
done
printf 'symbols %s\nprint %s1%s\ninfo registers\nquit\n' "$kernel" "$(printf '%900s' | tr ' ' '(')" "$(printf '%900s' | tr ' ' ')')" >"$dir/script"
limited -s 256 -serial null -S -x "$dir/script"
[[ $status == 1 && $(<"$dir/out") == *'nested too deep'*RFLAGS* ]]
claim $? 'a stack of 256 KBytes does for the monitor' "status $status: $err"

wrong=() short=0 fine=0
for ((kbytes = 8000; kbytes < 500000; kbytes = kbytes * 5 / 4)); do
	limited -v $kbytes -steps 1000 -m 64 -initrd README.md -trace "io=$dir/trace"
	if [[ $status == 6 ]]; then
		((fine++))
	elif explained 'not enough memory' || [[ $status == 127 && $err == *'shared'* ]]; then
		((short++))
	else
		wrong+=("$kbytes KBytes: status $status, $err; ")
	fi
done
((short && fine && ${#wrong[@]} == 0))
claim $? "of address spaces $short are too small, which is told, and $fine are large enough" "${wrong[*]}"
limited -v 60000 -m 1G
explained 'not enough memory for the machine: ask for less with -m, or raise the limit \(ulimit -v\)'
claim $? 'a machine too large for the limit of memory' "status $status: $err"

wrong=() short=0 fine=0
for ((files = 3; files < 12; files++)); do
	limited -n $files -steps 1000 -serial "file:$dir/serial" -trace "io=$dir/trace" -trace "exits=$dir/exits" -gdb tcp::0
	if [[ $status == 6 ]]; then
		((fine++))
	elif explained 'Too many open files; raise the limit of open files \(ulimit -n\)' || [[ $status == 127 ]]; then
		((short++))
	else
		wrong+=("$files files: status $status, $err; ")
	fi
done
((short && fine && ${#wrong[@]} == 0))
claim $? "of limits of open files $short are too small, which is told, and $fine are large enough" "${wrong[*]}"
