#!/bin/bash
# Layout and mistakes of the C sources: clang-format by .clang-format, cppcheck. Changes nothing; exits 1 on findings.
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

cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --enable=warning,portability -j 2 -I. \
	--suppress=missingInclude --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=syntaxError \
	cpu vmx devices monitor && echo "cppcheck: nothing found" || status=1
exit $status
