#!/bin/bash
# Builds are the same wherever they are made: with SOURCE_DATE_EPOCH set, an object of each floor, with its debug information, in two
# folders. long_debian.sh says it of whole packages.
. "$(dirname "$0")/../claim.bash"
[[ -z ${SAN:-}${COV:-} ]] || { echo 'ok builds are the same in any folder # SKIP it is the plain build that is shipped'; exit; }
objects=(o/obj/cpu/state/model.o o/obj/monitor/host/parse.o)
export CCACHE_DISABLE=1 # it may give an object of another folder
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for place in one another/place; do
	mkdir -p "$work/$place"
	for part in Makefile */; do [[ $part == o/ ]] || cp -r "$part" "$work/$place/"; done
	SOURCE_DATE_EPOCH=1 make -s -C "$work/$place" NEED=check CC="$CC" O=o "${objects[@]}" >"$work/log" 2>&1
	claim $? "objects are built in $place" "$(tail -n 3 "$work/log" | tr '\n' ';')"
	(cd "$work/$place" && sha256sum "${objects[@]}") >"$work/sums.${place%/*}" 2>&1
done
[[ $(wc -l <"$work/sums.one") == "${#objects[@]}" ]] && cmp -s "$work/sums.one" "$work/sums.another"
claim $? 'they are equal' "$(diff "$work/sums.one" "$work/sums.another" | tr '\n' ';')"
! grep -rqE '__DATE__|__TIME__|__TIMESTAMP__' cpu vmx devices monitor
claim $? 'no source asks for the date'
