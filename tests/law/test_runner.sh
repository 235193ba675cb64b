#!/bin/bash
# The runner of the tests counts what it should, above all what went wrong.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tests/x"

says() { # NAME EXPECTED-LAST-LINE EXPECTED-STATUS: runs the test on standard input, as a program or a script by its name
	local file=$work/tests/x/$1 last status
	{ echo '#!/bin/bash'; cat; } >"$file"
	chmod +x "$file"
	last=$(O=$work TESTS='' TIMEOUT=2 tests/run.sh "$file" 2>&1)
	status=$?
	last=${last##*$'\n'}
	if [[ $last == "$2" && $status == "$3" ]]; then
		echo "ok $1: $2"
	else
		echo "not ok $1 - expected '$2' and status $3, got '$last' and status $status"
	fi
}

says test_good '2 passed, 0 failed' 0 <<<'echo ok a; echo ok b; echo 1..2'
says test_bad '1 passed, 1 failed' 1 <<<'echo ok a; echo "not ok b - why"; echo 1..2; exit 1'
says test_bad_but_zero '0 passed, 1 failed' 1 <<<'echo "not ok a"; echo 1..1'
says test_no_plan '1 passed, 1 failed' 1 <<<'echo ok a'
says test_wrong_plan '1 passed, 1 failed' 1 <<<'echo ok a; echo 1..2'
says test_silent '0 passed, 1 failed' 1 <<<':'
says test_crash '1 passed, 1 failed' 1 <<<'echo ok a; kill -SEGV $$'
says test_status '1 passed, 1 failed' 1 <<<'echo ok a; echo 1..1; exit 3'
says test_slow '1 passed, 1 failed' 1 <<<'echo ok a; echo 1..1; exec sleep 9'
says test_script.sh '1 passed, 0 failed' 0 <<<'echo ok a'
says test_skip.sh '1 passed, 0 failed' 0 <<<'echo ok a; echo "ok b # SKIP why"'
says test_only_skip.sh '0 passed, 0 failed' 1 <<<'echo "ok b # SKIP why"'

printf '#!/bin/bash\necho ok a\n' >"$work/tests/x/test_one.sh"
printf '#!/bin/bash\necho ok a; echo not ok b\n' >"$work/tests/x/test_two.sh"
chmod +x "$work"/tests/x/*.sh
for wanted in 'one:1 passed, 0 failed' '-two:1 passed, 0 failed' 'x/:2 passed, 1 failed' 'three:0 passed, 0 failed'; do
	last=$(O=$work TESTS=${wanted%%:*} tests/run.sh "$work"/tests/x/test_{one,two}.sh 2>&1)
	if [[ ${last##*$'\n'} == "${wanted#*:}" ]]; then
		echo "ok TESTS=${wanted%%:*} picks"
	else
		echo "not ok TESTS=${wanted%%:*} - ${last##*$'\n'}"
	fi
done
