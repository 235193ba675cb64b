#!/bin/bash
# Signals while a stream is a pipe that nobody reads, and somebody is at the monitor's socket or at gdb's: each of them who came
# before or comes after, idle or without reading what he is sent. The run ends by the signal, soon, with its account where that
# can be told; the trace has whole lines, the terminal is as it was.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/ending.bash"

flood=$(guest flood) client=$(tool tool_client)
sockets=$(mktemp -d "${TMPDIR:-/tmp}/pipes-test-XXXXXX") # paths of sockets must be short
others=()
trap 'rm -rf "$sockets"; kill "${others[@]}" 2>/dev/null' EXIT

full_pipe() { # a new one, which somebody holds open and never reads
	rm -f "$pipe"
	mkfifo "$pipe"
	sleep 1000 <>"$pipe" >/dev/null &
	others+=($!)
}
# The guest writes for ever, and the stream that it fills is the pipe.
start() { # STREAM ARGUMENT...
	local stream=$1
	shift
	rm -f "$dir"/{out,err,trace}
	full_pipe
	: >"$dir/err"
	set -- "$VMXRAY" -kernel "$flood" -no-reboot "${account[@]}" -trace "io=$dir/trace" "$@"
	case $stream in
	output) env --default-signal "$@" </dev/null >"$pipe" 2>"$dir/err" & ;;
	errors) env --default-signal "$@" -hash-every 10 </dev/null >"$dir/out" 2>"$pipe" & ;;
	both) env --default-signal "$@" -hash-every 1000 </dev/null >"$pipe" 2>&1 & ;;
	esac
	vmxray=$!
}
come() { # DOOR MANNER
	case $1-$2 in
	monitor-idle) "$client" "$socket" quiet <<<continue ;;
	monitor-deaf) (echo continue; exec yes 'x /100000x 0') | "$client" "$socket" deaf ;;
	gdb-idle) printf '+$c#63' | "$client" "$socket" quiet ;;
	gdb-deaf) yes '+$s#73$m0,4000#c0' | "$client" "$socket" deaf ;;
	esac >/dev/null 2>&1 &
	others+=($!)
}
declare -A told=([output]='standard output: cannot be written after [0-9]+ bytes: no room; nobody reads it.*hash .*million steps/s'
	[errors]='^$' [both]='^$')
numbers=(TERM HUP QUIT PIPE)

whole() { # NAME: what was traced
	[[ -s $dir/trace && $(tail -c 1 "$dir/trace" | od -An -tx1) == ' 0a' ]] && tail -n 1 "$dir/trace" | grep -q ' port 0x3f'
	claim $? "$1: the trace ends with a whole line" "$(tail -n 2 "$dir/trace")"
	[[ $stream == errors ]] || return
	[[ -s $dir/out ]] && ! tr -d y <"$dir/out" | grep -q .
	claim $? "$1: the guest's output is there" "$(head -c 100 "$dir/out")"
}

combination() { # WHERE MANNER STREAM ORDER SIGNAL
	local where=$1 manner=$2 stream=$3 order=$4 name="$3 full, a client of $1 that is $2 came $4" expected=${told[$3]}
	local dir=$dir/$where-$manner-$stream-$order socket=$sockets/$where-$manner-$stream-$order
	local pipe=$dir/pipe
	mkdir -p "$dir"
	case $where in
	monitor) start $stream -monitor "unix:$socket,server,nowait" ;;
	gdb) start $stream -gdb "unix:$socket" ;;
	esac
	until_true [ -S "$socket" ]
	[[ $order == after ]] || come $where $manner
	until_true waits_in_vain
	[[ $order == before ]] || come $where $manner
	sleep 0.1
	[[ $stream-$manner-$order != output-deaf-before ]] || expected='hash .*million steps/s' # he may block it first
	ends_by "$name" $5 "$expected"
	whole "$name"
	kill "${others[@]}" 2>/dev/null
}

turn=0
for where in monitor gdb; do
	for manner in idle deaf; do
		for stream in output errors both; do
			for order in before after; do
				while (($(jobs -rp | wc -l) >= 8)); do wait -n; done
				said=$dir/$where-$manner-$stream-$order.said
				(trap - EXIT; combination $where $manner $stream $order "${numbers[turn % ${#numbers[@]}]}" >"$said" 2>&1) &
				all[turn++]=$said
			done
		done
	done
done
wait
cat "${all[@]}"

# ---- on a terminal --------------------------------------------------------------------------------------------------

if ! has_terminal; then
	echo "ok on a terminal $no_terminal"
	exit 0
fi
job=$(tool tool_job) pipe=$dir/pipe
full_pipe
for last in TERM QUIT; do
	timeout --kill-after=5 120 "$job" "$(kill -l $last)" /bin/sh -c "exec '$VMXRAY' -kernel '$flood' >'$pipe'" |
		sed 's/ok SIG/ok a full pipe, SIG/'
done
