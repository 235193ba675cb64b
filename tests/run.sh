#!/bin/bash
# Runs tests and adds up what they say: run.sh TEST...   (programs and scripts that print TAP)
#
#   ok NAME               passed
#   ok NAME # SKIP why    cannot be tested here; counted apart
#   not ok NAME - why     failed
#   1..N                  the plan, at the end; a program must print one, a script may
#
# A test that crashes, runs out of time, breaks its plan, prints nothing, or exits non-zero without a `not ok` counts as
# one failure more.  Two run at a time (JOBS=).  Each one's output goes to $O/tests/NAME.log.  A test runs at most
# TIMEOUT seconds (600; 3600 with LONG=1).  TESTS="word -word" runs those whose name has one of the words, and none of
# the words after a minus.  The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 2

O=${O:-o}
export O GUESTS=${GUESTS:-o/guests} VMXRAY=${VMXRAY:-$O/vmxray} CC=${CC:-gcc} SAN=${SAN:-} COV=${COV:-} LONG=${LONG:-}
jobs=${JOBS:-2}
timeout=${TIMEOUT:-$([[ $LONG ]] && echo 3600 || echo 600)}

name_of() { # o/tests/cpu/test_decode -> cpu/test_decode
	local name=${1#"$O"/}
	name=${name#tests/}
	echo "${name%.sh}"
}

wanted() {
	local word is_wanted=0
	for word in ${TESTS:-}; do
		[[ $word == -* ]] || is_wanted=1
	done
	for word in ${TESTS:-}; do
		case $word in
		-*) [[ $1 != *"${word#-}"* ]] || return 1 ;;
		*) [[ $1 != *"$word"* ]] || is_wanted=0 ;;
		esac
	done
	return $is_wanted
}

# Writes NAME.log and NAME.result: passed, failed, skipped, seconds; prints a line, and the failures.
run_one() {
	local test=$1 name log status start end
	name=$(name_of "$test")
	log=$O/tests/$name.log
	mkdir -p "${log%/*}"
	local path=$test
	[[ $path == /* ]] || path=./$path
	start=${EPOCHREALTIME/./}
	{ timeout --kill-after=10 "$timeout" "$path" >"$log" 2>&1 </dev/null; } 2>/dev/null
	status=$?
	end=${EPOCHREALTIME/./}

	local passed failed skipped claims plan why=()
	failed=$(grep -c '^not ok ' "$log")
	skipped=$(grep -c '^ok .*# SKIP' "$log")
	claims=$(grep -c '^ok ' "$log")
	passed=$((claims - skipped))
	claims=$((claims + failed))
	plan=$(sed -n 's/^1\.\.\([0-9][0-9]*\)$/\1/p' "$log" | tail -n 1)

	if ((status == 124 || status == 137)); then
		why+=("took longer than $timeout s")
	elif ((status > 128)); then
		why+=("died of signal $((status - 128)) ($(kill -l $((status - 128))))")
	elif ((status != 0 && failed == 0)); then
		why+=("exited with $status although nothing failed")
	elif ((claims == 0)); then
		why+=("printed no result")
	elif [[ $test != *.sh && -z $plan ]]; then
		why+=("ended before done_testing()")
	elif [[ -n $plan ]] && ((plan != claims)); then
		why+=("planned $plan results and printed $claims")
	fi
	((${#why[@]})) && failed=$((failed + 1))

	echo "$passed $failed $skipped" >"$O/tests/$name.result"
	local tenths=$(((end - start) / 100000)) verdict=PASS
	((failed)) && verdict=FAIL
	{
		printf '%s  %-36s %4d ok' "$verdict" "$name" "$passed"
		((failed)) && printf ', %d failed' "$failed"
		((skipped)) && printf ', %d skipped' "$skipped"
		printf '  %d.%d s\n' $((tenths / 10)) $((tenths % 10))
		if ((failed)); then
			grep -B 12 '^not ok ' "$log" | sed 's/^/      /' | head -n 120
			for why in "${why[@]}"; do
				echo "      $name $why; its last lines:"
				tail -n 15 "$log" | sed 's/^/      | /'
			done
			echo "      all of it: $log"
		fi
		grep '^ok .*# SKIP' "$log" | sed 's/^ok \(.*\) # SKIP/      skipped: \1:/'
	} | (flock 9; cat) 9>>"$O/tests/lock"
}

mkdir -p "$O/tests"
find "$O/tests" -name '*.result' -delete
names=()
for test; do
	name=$(name_of "$test")
	wanted "$name" || continue
	names+=("$name")
	while (($(jobs -rp | wc -l) >= jobs)); do
		wait -n
	done
	run_one "$test" &
done
wait

passed=0 failed=0 skipped=0
for name in "${names[@]}"; do
	if read -r p f s <"$O/tests/$name.result"; then
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	else
		failed=$((failed + 1))
	fi
done 2>/dev/null
((skipped)) && echo "$skipped skipped"
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
