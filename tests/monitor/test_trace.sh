#!/bin/bash
# Traces of the teaching hypervisor's run: they agree with the counts of --stats, and change nothing.
. "$(dirname "$0")/lib.bash"

machine=(-kernel "$O/turtles.elf" -append depth=2 -m 64 -nographic -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4)
run() { timeout --kill-after=5 120 "$VMXRAY" "${machine[@]}" "$@"; }
exec </dev/null

run --hash --stats >"$dir/free.out" 2>"$dir/free.err"
run --hash -trace exits,entries="$dir/t.txt" -trace exits,entries,events="$dir/t.json" -trace exits="$dir/t.folded" \
	-trace exits="$dir/t.stat" -trace all="$dir/all.stat" >"$dir/traced.out" 2>"$dir/traced.err"
claim $? 'a traced run ends as it should' "status $?"

[[ -n $(grep '^hash ' "$dir/free.err") && $(grep '^hash ' "$dir/free.err") == $(grep '^hash ' "$dir/traced.err") ]]
claim $? 'a traced run has the hash of a free one' "$(grep '^hash ' "$dir/traced.err")"

# level, reason and count, as --stats has them
sed -nE 's/^ +([12])  ([A-Z_]+) +([0-9]+) .*/\1 \2 \3/p' "$dir/free.err" | sort >"$dir/counts"
sed -nE 's/^[0-9]+ [0-9]+ 0 L([0-9]) VM exit ([A-Z_]+) from level \1, .*/\1 \2/p' "$dir/t.txt" | sort | uniq -c |
	awk '{ print $2, $3, $1 }' | sort >"$dir/text"
[[ -s $dir/counts ]] && cmp -s "$dir/counts" "$dir/text"
claim $? 'as text: every VM exit once' "$(diff "$dir/counts" "$dir/text" | head -n 3 | tr '\n' ';')"

table() { awk '/^VM exits of level/ { level = $5 + 0 } $2 ~ /^[0-9]+$/ { print level, $1, $2 }' "$1" | sort; }
table "$dir/t.stat" | cmp -s - "$dir/counts"
claim $? 'as a table: the same counts' "$(table "$dir/t.stat" | diff "$dir/counts" - | head -n 3 | tr '\n' ';')"
table "$dir/all.stat" | cmp -s - "$dir/counts"
claim $? 'whatever else is traced' "$(head -n 3 "$dir/all.stat")"

# Reason, count and mean, as `exits cost` has them; the one that is open when the run ends is in the trace alone.
printf '%s\n' continue 'exits cost' | run -S 2>/dev/null |
	awk '$1 ~ /^[A-Z_]+$/ && NF == 8 && $2 ~ /^[0-9]+$/ { print $1, $2, $4 }' | sort >"$dir/cost"
awk '/^VM exits of level/ { level = $5 + 0 } level == 2 && $2 ~ /^[0-9]+$/ { printf "%s %d %.1f\n", $1, $2, $7 }' "$dir/t.stat" |
	sort >"$dir/stat"
different=$(join "$dir/cost" "$dir/stat" | awk '$2 != $4 || $3 != $5 { n++; open += $4 - $2 } END { print n + 0, open + 0 }')
[[ $(wc -l <"$dir/cost") -gt 8 && $(wc -l <"$dir/cost") == "$(wc -l <"$dir/stat")" && $different == '1 1' ]]
claim $? 'as a table: counts and means of exits cost' "$different; $(diff "$dir/cost" "$dir/stat" | head -n 4 | tr '\n' ';')"

cycles=$(sed -nE 's/^cycles +([0-9]+)$/\1/p' "$dir/free.err")
sum=$(awk '{ sum += $NF } END { print sum }' "$dir/t.folded")
[[ -n $cycles && $sum == "$cycles" ]]
claim $? 'folded: all cycles of the run, each once' "$sum of $cycles"
grep -qE '^cpu0;L2 CPUID payload;L1 VMRESUME enter_guest;L0 runs [0-9]+$' "$dir/t.folded"
claim $? 'folded: what L0 does for L1 for an exit of L2, with the functions' "$(grep CPUID "$dir/t.folded" | head -n 3 | tr '\n' ';')"

grep -qE '^[0-9]+ [0-9]+ 0 L2 VM exit CPUID from level 2, .*, at RIP 0x[0-9a-f]+ <payload\+0x[0-9a-f]+>$' "$dir/t.txt"
claim $? 'text: names of functions' "$(grep -m 1 CPUID "$dir/t.txt")"
grep -q '"name":"L2 CPUID","args":{[^}]*"function":"payload"' "$dir/t.json"
claim $? 'json: names of functions' "$(grep -m 1 CPUID "$dir/t.json")"

# Slices of a track end in the order in which they began, none is left open, and time does not go back.
nesting='match($0, /"ph":"[BE]"/) { phase = substr($0, RSTART + 6, 1)
	match($0, /"tid":[0-9]+/); track = substr($0, RSTART + 6, RLENGTH - 6)
	match($0, /"ts":[0-9]+/); time = substr($0, RSTART + 5, RLENGTH - 5) + 0
	if (time < last[track]) bad = "time goes back: " $0
	last[track] = time
	depth[track] += phase == "B" ? 1 : -1; slices++
	if (depth[track] < 0) bad = "ends twice: " $0 }
	END { for (t in depth) if (depth[t]) bad = "track " t " left open"
	      print (bad ? bad : (slices > 1000) ? "nested" : slices " slices") }'
[[ $(awk "$nesting" "$dir/t.json") == nested ]]
claim $? 'json: slices are nested' "$(awk "$nesting" "$dir/t.json")"
[[ $(grep -c '"ph":"B".*"tid":0,.*"name":"L2 CPUID"' "$dir/t.json") == $(awk '$1 == 2 && $2 == "CPUID" { print $3 }' "$dir/counts") ]]
claim $? 'json: a slice for each VM exit' "$(grep -c 'L2 CPUID' "$dir/t.json")"
grep -q '"ph":"B".*"name":"L2 EPT_VIOLATION","args":{"step":[0-9]*,"level":2,.*"exit qualification":"0x[0-9a-f]*".*"guest-physical address"' "$dir/t.json"
claim $? 'json: the slice of a VM exit has its qualification and addresses' "$(grep -m 1 'L2 EPT' "$dir/t.json")"
said=$("$(tool tool_json)" <"$dir/t.json")
claim $? 'json: it is JSON' "$said"
[[ $(head -c 1 "$dir/t.json") == '[' && $(tail -n 1 "$dir/t.json") == ']' && $(grep -c '^{.*[^,]$' "$dir/t.json") == 1 ]]
claim $? 'json: an array' "$(tail -n 2 "$dir/t.json")"

# In the monitor: limits, and the end of a trace before that of the run.
printf '%s\n' 'symbols '"$O"'/turtles.elf' "trace cpuid=$dir/level.txt level 2" "trace instructions=$dir/range.txt from payload to payload+0x20" \
	'trace' 'run-to 760000' 'trace stop' 'continue' | run -S >"$dir/monitor.out" 2>&1
[[ -s $dir/level.txt ]] && ! grep -v '^#' "$dir/level.txt" | grep -qv ' L2 CPUID '
claim $? 'only one level' "$(head -n 3 "$dir/level.txt" | tr '\n' ';')"
[[ $(grep -c '<payload' "$dir/range.txt") -gt 3 ]] && ! grep -v '^#' "$dir/range.txt" | grep -qv '<payload.*> '
claim $? 'only a range of addresses' "$(head -n 3 "$dir/range.txt" | tr '\n' ';')"
[[ $(tail -n 1 "$dir/range.txt" | cut -d ' ' -f 1) -le 760000 ]]
claim $? 'no more after trace stop' "$(tail -n 1 "$dir/range.txt")"
grep -q "trace 1: cpuid to $dir/level.txt, 0 so far" "$dir/monitor.out"
claim $? 'trace alone lists them' "$(grep trace "$dir/monitor.out" | head -n 3 | tr '\n' ';')"

# However often it is stopped on the way, each instruction is in the trace once.
traced() { # FILE COMMAND...
	printf '%s\n' "run-to 150000" "trace instructions,branches,memory=$dir/$1" "${@:2}" 'run-to 260000' quit | run -S >"$dir/stopped.out" 2>&1
}
traced whole.txt
mapfile -t places < <(sed -nE 's/^[0-9]+ [0-9]+ 0 L0 ([0-9a-f]{16}) .*/0x\1/p' "$dir/whole.txt" | awk 'NR % 100 == 20' | sort -u)
stops=()
for place in "${places[@]}"; do stops+=("break $place" step 'step 3' continue 'step 2' "break $place" where continue step); done
traced pieces.txt step 'step 2' 'run-to 150007' 'watch ecx' continue continue continue delete "${stops[@]}" delete stepexit next next
[[ $(wc -l <"$dir/whole.txt") -gt 22000 && $(grep -c '^step' "$dir/stopped.out") -gt 50 ]] && cmp -s "$dir/whole.txt" "$dir/pieces.txt"
claim $? 'stops leave no gap, and no instruction is there twice' \
	"$(grep -c '^step' "$dir/stopped.out") stops; $(diff "$dir/whole.txt" "$dir/pieces.txt" | head -n 3 | tr '\n' ';')"

refused() { # NAME WANTED ARGUMENT...
	local name=$1 wanted=$2 said
	shift 2
	said=$(run "$@" 2>&1)
	[[ $? == 1 && $said == *"$wanted"* && $(wc -l <<<"$said") == 1 ]]
	claim $? "$name" "$said"
}
refused 'a word that is none' 'trace bogus: nothing of that name' -trace "bogus=$dir/x"
refused 'no file' 'to where' -trace exits
refused 'a file that cannot be written' 'No such file' -trace "exits=$dir/no/where"
