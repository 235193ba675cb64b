#!/bin/bash
# A file that a source or a page names is there: files move, and what is said about them must move too.
. "$(dirname "$0")/../claim.bash"

# FILE...: which of the files below name paths that are nowhere, neither from the root nor from their own folder.
missing() {
	local file path
	grep -roHE '\b(cpu|vmx|devices|monitor|tests|docs|scripts)(/[a-z_0-9-]+)+\.(c|h|def|sh|md|awk|mk)\b' "$@" | sort -u | while IFS=: read -r file path; do
		[[ -e $path || -e ${file%/*}/$path ]] || echo "$file names $path"
	done
}

lost=$(missing cpu vmx devices monitor docs scripts README.md)
[[ -z $lost ]]
claim $? "every file that a source or a page names is there" "$lost"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo '// as cpu/state/state.h and cpu/state/nowhere.h say' >"$work/a.c"
[[ $(missing "$work/a.c") == "$work/a.c names cpu/state/nowhere.h" ]]
claim $? "one that is not there is told"
