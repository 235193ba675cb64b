#!/bin/bash
# Layout and mistakes of the C sources: clang-format by .clang-format, clang-tidy by .clang-tidy, cppcheck. Changes nothing; exits 1 on findings.
set -u
cd "$(dirname "$0")/.." || exit 2
mapfile -t sources < <(find cpu vmx devices monitor tests -name '*.[ch]' | sort)
status=0

badly=0
for source in "${sources[@]}"; do
	count=$(clang-format --dry-run "$source" 2>&1 | grep -c 'warning: code should be clang-formatted')
	((count)) || continue
	echo "$source: $count places not as clang-format would have them"
	badly=$((badly + 1))
done
echo "clang-format: $badly of ${#sources[@]} files differ"
((badly)) && status=1

# A crash of clang-tidy itself is not a finding; a file it cannot finish is named.
tidy() { # FILE
	local found status
	found=$(clang-tidy --quiet "$1" -- -std=gnu2x -I. -I"${O:-o}/gen" 2>/dev/null)
	status=$?
	((status <= 1)) || echo "$1: clang-tidy could not finish (status $status)"
	[[ -z $found ]] || printf '%s\n' "$found" | grep -E -A 3 '(warning|error):'
}
export -f tidy
found=$(printf '%s\n' {cpu,vmx,devices,monitor}/*/*.c | xargs -P "$(nproc)" -I {} bash -c 'tidy {}')
[[ -z $found ]] || printf '%s\n' "$found"
found=$(grep -cE '(warning|error):' <<<"$found")
echo "clang-tidy: $found findings"
((found)) && status=1

# Not asked for: returnDanglingLifetime (takes a host pointer for the flag that came beside it), identicalInnerCondition
# (does not like `if (*p) return *p;`).
cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --enable=warning,portability -j 2 -I. \
	--suppress=missingInclude --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=syntaxError --suppress=returnDanglingLifetime --suppress=identicalInnerCondition \
	cpu vmx devices monitor && echo "cppcheck: nothing found" || status=1
exit $status
