#!/bin/bash
# The page is made of a part of the program (web/web.mk): what that part takes of the rest stands in web/*.c. Native objects show
# it without a compiler for WebAssembly.
. "$(dirname "$0")/../claim.bash"
export LC_ALL=C
dir=$O/tests/law/page
mkdir -p "$dir"
mapfile -t present < <(make -s --no-print-directory O="$O" CC="$CC" web-natively)
objects=()
for source in "${present[@]}"; do objects+=("$O/obj/${source%.c}.o"); done
for source in web/*.c; do
	object=$dir/$(basename "$source" .c).o
	# shellcheck disable=SC2086 # words
	$CC -std=gnu2x -I. -I"$O/gen" -c "$source" -o "$object" 2>>"$dir/log" || { claim 1 "$source compiles" "$(tail -n 3 "$dir/log")"; continue; }
	objects+=("$object")
done
nm "${objects[@]}" 2>/dev/null | awk '$2 ~ /^[TDBRVWC]$/ { print $3 }' | sort -u >"$dir/has"
nm "${objects[@]}" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u >"$dir/wants"
find "$O/obj/monitor" "$O/obj/devices" "$O/obj/vmx" "$O/obj/cpu" -name '*.o' -exec nm {} + | awk '$2 ~ /^[TDBRVWC]$/ { print $3 }' | sort -u >"$dir/ours"
# What nothing calls that the page reaches, and its linker leaves out: the editor of a terminal, overlays in files, recordings.
printf '%s\n' editor_loop overlay_file_{give,room,take} packed_by_zstd >>"$dir/has"
sort -u -o "$dir/has" "$dir/has"
missing=$(comm -23 "$dir/wants" "$dir/has" | comm -12 - "$dir/ours")
(($(wc -l <"$dir/has") > 1000)) && [[ -z $missing ]]
claim $? 'what the page takes of the program is in it' "web/ has nothing in the place of ${missing//$'\n'/, }"
