#!/bin/bash
# Signals: each one that ends a run gives its account and its status, also while a client is idle or does not read, a pipe is
# full, a kernel does not come. Stopped and continued, the terminal is as it was before and in between.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/ending.bash"

spin=$(guest spin) flood=$(guest flood) wait=$(guest wait)
client=$(tool tool_client)
socket=$(mktemp -u "${TMPDIR:-/tmp}/signals-test-XXXXXX") # paths of sockets must be short
fifo=$dir/fifo
rm -f "$fifo" "$dir/fifo2"
mkfifo "$fifo" "$dir/fifo2"
others=()
trap 'rm -f "$socket"; kill "${others[@]}" 2>/dev/null' EXIT


for signal in INT TERM HUP QUIT ALRM PIPE XCPU XFSZ; do
	begin -kernel "$spin" "${account[@]}" -trace "io=$dir/trace" -serial "file:$dir/serial"
	until_true holds "$dir/serial" world || until_true running R
	sleep 0.1
	ends_by "SIG$signal ends a run with its account" $signal
	[[ $(tail -n 1 "$dir/trace") == *' port 0x3fd '* || $(wc -l <"$dir/trace") -gt 10 ]]
	claim $? "SIG$signal: the trace is there" "$(tail -n 2 "$dir/trace")"
done
begin -kernel "$spin" "${account[@]}"
until_true holds "$dir/out" world
kill -TERM $vmxray
ends_by 'the same signal twice at once, as some send it' TERM
(
	ulimit -S -t 1
	vmxray -kernel "$spin" "${account[@]}" </dev/null
	[[ $status == $((128 + $(kill -l XCPU))) && $err == hash*'million steps/s'* ]]
	claim $? 'the limit of processor time ends a run with its account' "status $status: $err"
)

# ---- others who are idle --------------------------------------------------------------------------------------------

sleep 1000 <>"$fifo" >/dev/null & # opens it, and never reads
others+=($!)
rm -f "$dir/err"
env --default-signal "$VMXRAY" -kernel "$flood" "${account[@]}" </dev/null >"$fifo" 2>"$dir/err" &
vmxray=$!
until_true waits_in_vain
ends_by 'a full pipe as standard output' TERM 'standard output: cannot be written after [0-9]+ bytes: no room; nobody reads it.*hash .*million steps/s'
begin -kernel "$spin" "${account[@]}" -trace "instructions=$fifo"
until_true waits_in_vain
ends_by 'a full pipe as a trace' TERM 'fifo: cannot be written after [0-9]+ bytes: no room; nobody reads it.*hash .*million steps/s'
begin -kernel "$spin" "${account[@]}" -trace "instructions=$fifo" # full from its first byte
until_true waits_in_vain
ends_by 'a full pipe as a trace, SIGHUP' HUP
env --default-signal "$VMXRAY" -kernel "$spin" -steps 100M --hash-every 10 </dev/null >/dev/null 2>"$fifo" &
vmxray=$!
until_true waits_in_vain
: >"$dir/err"
ends_by 'a full pipe as standard error' TERM '^$'
begin -kernel "$dir/fifo2"
until_true running S
ends_by 'a kernel that does not come' TERM '^(vmxray: .*fifo2: cannot be (opened|read): Interrupted system call.*)?$'

client_ends_by() { # WHO SIGNAL OPTION ARGUMENT WHAT-HE-SAYS: who comes, idle without words, else without reading
	local who=$1 last=$2 says=$5
	begin -kernel "$spin" "${account[@]}" "$3" "$4"
	if [[ $says ]]; then
		yes "$says" | "$client" "$socket" deaf 2>/dev/null &
	else
		"$client" "$socket" idle &
	fi
	others+=($!)
	until_true waits_in_vain
	ends_by "$who" "$last"
}
client_ends_by 'an idle client of the socket' TERM -monitor "unix:$socket,server,nowait" ''
client_ends_by 'a client of the socket that does not read' QUIT -monitor "unix:$socket,server,nowait" 'x /100000x 0'
client_ends_by 'an idle client of gdb' TERM -gdb "unix:$socket" ''
client_ends_by 'a client of gdb that does not read' TERM -gdb "unix:$socket" '$m0,4000#c0'
begin -kernel "$spin" "${account[@]}" -gdb "unix:$socket" -S
until_true [ -S "$socket" ]
ends_by 'gdb that does not come' INT
begin -kernel "$spin" "${account[@]}" -monitor "unix:$socket" -S
until_true [ -S "$socket" ]
ends_by "a client of the monitor's socket that does not come" INT
exec 8<>"$fifo"
rm -f "$dir/err"
env --default-signal "$VMXRAY" -kernel "$spin" "${account[@]}" -monitor stdio <"$dir/fifo2" >/dev/null 2>"$dir/err" &
vmxray=$!
exec 9>"$dir/fifo2"
until_true waits_in_vain
ends_by 'a pipe of commands that brings none' TERM
exec 9>&-
rm -f "$dir/err"
env --default-signal "$VMXRAY" -kernel "$wait" "${account[@]}" <"$dir/fifo2" >/dev/null 2>"$dir/err" &
vmxray=$!
exec 9>"$dir/fifo2"
until_true waits_in_vain
ends_by 'a guest that waits for keys' ALRM
exec 9>&-

# ---- which signal it was --------------------------------------------------------------------------------------------

worked() { # HUNDREDTHS of a second of processor time
	[[ $(cut -d ' ' -f 14 "/proc/$vmxray/stat") -ge $1 ]]
}
rm -f "$dir/err"
env --default-signal "$VMXRAY" -kernel "$spin" -serial null "${account[@]}" -monitor stdio -record "$dir/recorded,checkpoints=0" \
	< <(printf '%s\n' continue 'print 6 * 7'; sleep 30) >"$dir/out" 2>"$dir/err" &
vmxray=$!
until_true worked 120
ends_by 'commands from a pipe' TERM
holds "$dir/out" 'The run is over: SIGTERM ended it.'
claim $? 'the monitor says which signal ended the run' "$(<"$dir/out")"
vmxray -replay "$dir/recorded" -serial null -monitor stdio <<<continue
[[ $out == *'The recording ends here (SIGTERM ended it)'* ]]
claim $? 'and so does what was recorded' "status $status: $out $err"
for history in 0 512M; do
	begin -replay "$dir/recorded,at=end" -history $history -serial null "${account[@]}"
	until_true worked 40
	ends_by "on the way to where a replay is opened, with -history $history" TERM 'SIGTERM ended it on the way, at step [0-9]+ of [0-9]+.*hash'
done

# ---- the port that it got -------------------------------------------------------------------------------------------

begin -kernel "$spin" -gdb tcp::0
until_true holds "$dir/err" 'waits there for gdb'
port=$(sed -n 's/^vmxray: -gdb tcp::\([0-9]*\): waits there for gdb$/\1/p' "$dir/err")
said=$(printf '+$qSupported#37' | timeout 20 "$client" "${port:-1}" | head -c 20)
[[ $said == '+$PacketSize='* ]]
claim $? '-gdb tcp::0 says which port it got, and listens there' "$(<"$dir/err") $said"
kill -KILL $vmxray
wait $vmxray 2>/dev/null

# ---- on a terminal --------------------------------------------------------------------------------------------------

if ! has_terminal; then
	echo "ok on a terminal $no_terminal"
	exit 0
fi
job=$(tool tool_job)
for last in TERM HUP QUIT PIPE SEGV; do
	timeout --kill-after=5 120 "$job" "$(kill -l $last)" "$VMXRAY" -kernel "$wait"
done
timeout --kill-after=5 120 "$job" 15 "$VMXRAY" -kernel "$spin" -S # readline has the terminal
