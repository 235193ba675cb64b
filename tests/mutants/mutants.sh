#!/bin/bash
# Changes rows and comparisons, one at a time, and asks whether the tests notice: make mutants
#
#   COUNT=500      how many, a sample of all by SEED=1; COUNT=all; ONLY="word ..." only in files with one of these words
#   MUTANTS="7 9"  these alone, by their numbers in $O/mutants/list
#
# All mutants are compiled into one set of test programs in $O/mutants; the environment chooses one at the start. A mutant
# is run against the tests of its room (tests/mutants/rooms) that reach it, until one fails. Survivors are named with file,
# line, original and changed text; those of tests/mutants/equivalent have a reason why no test can notice.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 2
here=tests/mutants O=${O:-o} CC=${CC:-gcc}
CODEGEN="${CODEGEN/-O2 -g/-O1 -foptimize-sibling-calls}" # quicker to build; tail calls need the latter
work=$O/mutants tree=$O/mutants/tree rooms=$here/rooms
jobs=${JOBS:-$(nproc)}

fail() { echo "mutants: $*" >&2; exit 2; }

# A file keeps its date unless it changes, so that little is built again.
replace() { # FROM TO
	cmp -s "$1" "$2" || { mkdir -p "${2%/*}"; cp "$1" "$2"; }
}

# The table as it is for the compiler, then again for the program's start.
fill_table() { # NAME: standard input to standard output
	awk -v name="$1" '
		!inside && $0 ~ "^static const struct [a-z_]+ " name "\\[\\] = \\{$" {
			inside = 1; sub(/^static const/, "static"); body = ""
			print "#pragma push_macro(\"MUTANT\")"; print "#undef MUTANT"; print "#define MUTANT(n) 0"; print
			next
		}
		inside && /^};$/ {
			inside = 0; print; print "#pragma pop_macro(\"MUTANT\")"
			print "__attribute__((constructor(102))) static void fill_" name "(void) {"
			print "    const __typeof__(" name "[0]) made[] = {"; printf "%s", body
			print "    };"; print "    __builtin_memcpy(" name ", made, sizeof made);"; print "}"
			next
		}
		inside { body = body $0 "\n" }
		{ print }'
}

make_tree() {
	local new=$work/new file count part
	rm -rf "$new"
	mkdir -p "$new"
	for part in Makefile */; do [[ $part == o/ ]] || cp -r "$part" "$new"; done
	"$O/$here/tool_mutate" "$rooms" . "$new" >"$work/list" || fail 'the sources could not be changed'
	while read -r _ file name; do
		fill_table "$name" <"$new/$file" >"$new/table" && mv "$new/table" "$new/$file"
	done < <(grep '^table ' "$rooms")
	count=$(wc -l <"$work/list")
	sed "s/MUTANTS_ALL/$((count + 1))/" "$here/choose.h" >"$new/mutant.h"
	mkdir -p "$new/cpu/state"
	cp "$here/choose.c.in" "$new/cpu/state/mutant.c"
	(cd "$new" && find . -type f) | while read -r file; do replace "$new/$file" "$tree/$file"; done
	(cd "$tree" && find cpu vmx devices monitor tests -type f) | while read -r file; do
		[[ -e $new/$file ]] || rm -f "$tree/$file"
	done
	rm -rf "$new"
}

tests_of() { # FILE: the tests of its room, by name, in order
	awk -v file="$1" '
		$1 == "file" && $2 == file { wanted = $3 ":" }
		$1 == "room" { for (i = 3; i <= NF; i++) tests[$2] = tests[$2] $i "\n" }
		END { printf "%s", tests[wanted] }' "$rooms"
}

build() {
	local programs=() test
	for test in $(cut -f2 "$work/list" | sort -u | while read -r file; do tests_of "$file"; done | sort -u); do
		programs+=("o/tests/$test")
	done
	make -s -j"$jobs" -C "$tree" O=o CC="$CC" LDFLAGS="${LDFLAGS:-}" WARNINGS=-w \
		CODEGEN="$CODEGEN -include mutant.h" \
		"${programs[@]}" >"$work/build.log" 2>&1 || { grep -m 20 -E 'error' "$work/build.log"; fail "the mutants do not build: $work/build.log"; }
	printf '%s\n' "${programs[@]#o/tests/}" >"$work/tests"
}

# Each test without a change: how long it takes, and which mutants it reaches.
baseline() {
	local test start end
	mkdir -p "$work/reached"
	while read -r test; do
		local program=$tree/o/tests/$test reached=$work/reached/${test//\//,}
		[[ $program -nt $reached ]] || continue
		start=${EPOCHREALTIME/./}
		MUTANT=0 MUTANT_REACHED=$reached.new timeout 300 "$program" >"$reached.log" 2>&1 </dev/null ||
			fail "$test fails without a mutant: $reached.log"
		end=${EPOCHREALTIME/./}
		{ echo "milliseconds $(((end - start) / 1000))"; cat "$reached.new"; } >"$reached"
		rm -f "$reached.new"
	done <"$work/tests"
}

# The lines of the list that are to be run: those with the lowest hashes of file, place, original and changed text, so that
# the sample stays when sources change elsewhere.
sample() {
	awk -F '\t' -v only="${ONLY:-}" -v numbers="${MUTANTS:-}" -v seed="${SEED:-1}" '
		function hash(text,    i, h) {
			h = seed
			for (i = 1; i <= length(text); i++) h = (h * 48271 + ord[substr(text, i, 1)]) % 2147483647
			for (i = 0; i < 4; i++) h = (h * 48271 + 11) % 2147483647
			return h
		}
		BEGIN {
			for (i = 1; i < 256; i++) ord[sprintf("%c", i)] = i
			words = split(only, word, / +/)
			chosen = split(numbers, number, / +/); for (i = 1; i <= chosen; i++) is[number[i]] = 1
		}
		chosen { if ($1 in is) print 0 FS $0; next }
		{ for (i = 1; i <= words; i++) if (index($2, word[i])) break }
		!words || i <= words { key = $2 FS $4 FS $5 FS $6; same[key]++; print hash(key FS same[key]) FS $0 }' "$work/list" |
		sort -n | { [[ ${COUNT:-500} == all ]] && cat || head -n "${COUNT:-500}"; } | cut -f 2-
}

# A mutant against its tests; prints `killed TEST` or `survived`, and its line.
run_one() { # LINE
	local number file test limit name tests=0
	IFS=$'\t' read -r number file _ <<<"$1"
	for test in $(tests_of "$file"); do
		name=$work/reached/${test//\//,}
		grep -qx "$number" "$name" || continue
		tests=$((tests + 1)) limit=$(sed -n '1s/.* //p' "$name")
		{ STOP=1 MUTANT=$number timeout -k 1 $((limit * 4 / 1000 + 5)) "$tree/o/tests/$test" >/dev/null 2>&1 </dev/null; } \
			2>/dev/null && continue
		printf 'killed\t%s\t%s\n' "$test" "$1"
		return
	done
	printf 'survived\t%s\t%s\n' "$tests tests" "$1"
}
export -f run_one tests_of
export work tree rooms

report() {
	awk -F '\t' -v list="$here/equivalent" -v seed="${SEED:-1}" -v all="$(wc -l <"$work/list")" '
		BEGIN {
			while ((getline line < list) > 0)
				if (line !~ /^#/ && split(line, f, "\t") >= 5) reason[f[1] FS f[2] FS f[3] FS f[4]] = f[5]
		}
		{ count++ }
		$1 == "killed" { killed++; next }
		{
			key = $4 FS $6 FS $7 FS $8
			printf "survived %s:%s (%s, mutant %s, %s): `%s` -> `%s`%s\n", $4, $5, $6, $3, $2, $7, $8,
				key in reason ? "\n    equivalent: " reason[key] : ""
			survived++
			if (!(key in reason)) unexplained++
		}
		END {
			printf "%d of %d mutants (seed %s): %d killed, %d survived (%.1f in 100), %d of these without a reason\n",
				count, all, seed, killed, survived, count ? 100 * survived / count : 0, unexplained
			exit !count || survived * 100 >= count * 3 || unexplained
		}' "$work/result"
}

mkdir -p "$work"
make_tree
build
baseline
echo "mutants: $(sample | wc -l) of $(wc -l <"$work/list"), seed ${SEED:-1}; the list is $work/list"
sample | tr '\n' '\0' | xargs -0 -n 1 -P "$jobs" bash -c 'run_one "$1"' run_one >"$work/result"
report
