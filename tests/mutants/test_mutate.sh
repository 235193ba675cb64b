#!/bin/bash
# What `make mutants` stands on: a planted source is changed, the copy is built, and each of its mutants answers otherwise
# than the original, except the one that cannot: ~1 shifted by 4 is ~0 shifted by 4.
. "$(dirname "$0")/../claim.bash"
here=$PWD/tests/mutants
work=$(mktemp -d)
read -ra compiler <<<"${CC:-gcc}" # may be several words
trap 'rm -rf "$work"' EXIT

mkdir -p "$work"/{source,tree}
cat >"$work/rooms" <<<'row ROW 2
file rows.def planted
file planted.c planted'
cat >"$work/source/rows.def" <<<'ROW(first, x > 3 && x < 9, 7)
ROW(second, BITS(5, 4), 7)
ROW(third, !(x & 1), 7)'
cat >"$work/source/planted.c" <<'END'
#include <stdio.h>
#define BITS(high, low) ((~0ull >> (63 - (high))) & (~0ull << (low)))
#define word(x) ((x) == 5)
static int same(unsigned x) { return x < 1; }
int main(void) {
    enum { UNCHANGED = 3 };
    for (unsigned x = 0; x < 12; x++) {
#define ROW(name, when, constant) printf("%s %llu %d ", #name, (unsigned long long)(when), constant);
#include "rows.def"
        printf("%d %d %d\n", word(x), same(x), UNCHANGED);
    }
    return 0;
}
END
"${compiler[@]}" -std=gnu2x -I. -o "$work/mutate" "$here"/*.c
claim $? 'the tool is built'
"$work/mutate" "$work/rooms" "$work/source" "$work/tree" >"$work/list"
claim $? 'it changes the planted sources'

count=$(wc -l <"$work/list")
sed "s/MUTANTS_ALL/$((count + 1))/" "$here/choose.h" >"$work/tree/mutant.h"
cp "$here/choose.c.in" "$work/tree/choose.c"
(cd "$work/tree" && "${compiler[@]}" -std=gnu2x -w -I. -include mutant.h -o "$work/changed" planted.c choose.c)
claim $? 'the copy is built'
(cd "$work/source" && "${compiler[@]}" -std=gnu2x -w -I. -o "$work/original" planted.c && "$work/original" >"$work/expected")
MUTANT_REACHED=$work/reached "$work/changed" | cmp -s - "$work/expected"
claim $? 'without a choice it does what the original does'
[[ $(wc -l <"$work/reached") == "$count" ]]
claim $? 'it notes what it reached'

survivors=$(while IFS=$'\t' read -r number _ _ context original changed; do
	(set -o pipefail; MUTANT=$number "$work/changed" | cmp -s - "$work/expected") && echo "$context: $original -> $changed"
done <"$work/list")
[[ $survivors == 'BITS: 0ull ->  1 ' ]]
claim $? "all $count mutants are noticed but the one that is the same" "$survivors"
for change in 'first	x > 3	x >= 3' 'first	x < 9	x <= 9' 'first	x > 3 && x < 9	x > 3' 'first	x > 3 && x < 9	x > 3 || x < 9' \
	'second	BITS(5, 4)	BITS( 6 , 4)' 'second	BITS(5, 4)	BITS(5, 3 )' 'third	!(x & 1)	(x & 1)' 'word	(x) == 5	(x) != 5' \
	'same	x < 1	x <= 1' 'same	1	 0 '; do
	grep -qF "	$change" "$work/list"
	claim $? "there is ${change//$'\t'/, }" "$(cut -f4- "$work/list")"
done
! cut -f5 "$work/list" | grep -q '7\|UNCHANGED'
claim $? 'what is no expression of a row, and what must be a constant, stays'
