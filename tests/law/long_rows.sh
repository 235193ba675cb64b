#!/bin/bash
# Every instruction row is executed by a test that knows what must come of it: the tests below are run again, and say which
# rows they executed (tests/rows.c). Tests of random code are not asked.
set -u
cd "$(dirname "$0")/../.." || exit 2
O=${O:-o}
rows=$PWD/$O/tests/law/rows.list
mkdir -p "${rows%/*}"
: >"$rows"

failed=
for test in "$O"/tests/{insn,vector,float,cpu,system,vmx}/test_*; do
	[[ -x $test && $test != *.* && $test != */test_random ]] || continue
	ROWS=$rows timeout 600 "$test" >/dev/null 2>&1 || failed+=" ${test#"$O/tests/"}"
done
if [[ -z $failed ]]; then echo 'ok the tests pass'; else echo "not ok the tests pass - failed:$failed"; fi

all=$(grep -c . < <(sed -n 's/^row\t//p' "$rows" | sort -u))
missing=$(comm -23 <(sed -n 's/^row\t//p' "$rows" | sort -u) <(sed -n 's/^executed\t//p' "$rows" | sort -u))
if ((all > 1000)); then echo "ok there are $all rows"; else echo "not ok there are rows - $all"; fi
if [[ -z $missing ]]; then
	echo "ok all $all rows are executed"
else
	echo "not ok all rows are executed - $(grep -c . <<<"$missing") are not"
	sed 's/^/# /' <<<"$missing"
fi
