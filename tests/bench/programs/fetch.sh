#!/bin/bash
# Brings the programs of Debian that make bench measures: fetch.sh DIR
#
#   DIR/bench/debian/...     the programs and the libraries they are linked with
#   DIR/bench/debian/list    these files as newc wants them
#
# The packages are downloaded to DIR/packages and unpacked, never installed.
set -eu

dir=$1 root=$1/bench/debian
guests=${0%/*}/../../guests
# shellcheck source=tests/guests/libraries.bash
. "$guests/libraries.bash"

packages_of=(gzip xz-utils coreutils grep mawk lua5.4 sqlite3)
programs=(bin/gzip usr/bin/xz usr/bin/sha256sum bin/grep usr/bin/mawk usr/bin/lua5.4 usr/bin/sqlite3)
unpack "programs to measure" "${packages_of[@]}" libpcre2-8-0 # what grep depends on before it is installed
unpack_libraries "a program to measure" "${packages_of[*]}" "${programs[@]/#/$root/}"
packages_done

{
	printf 'dir %s 755\n' lib64 usr usr/bin usr/lib
	for program in "${programs[@]}"; do
		entry "usr/bin/${program##*/}" "$root/$program" 755
	done
	library_entries
} >"$root/list"
