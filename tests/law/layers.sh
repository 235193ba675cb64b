#!/bin/bash
# Prints each breach of the layering in the object files under DIR/{cpu,vmx,devices,monitor}: layers.sh DIR
#
#   up DIR/x.o symbol FLOOR     a symbol taken from a floor above
#   host DIR/x.o symbol         a core object takes something of the host that is not in the list below
#   state DIR/x.o section size  a core object has writable variables
#
# The last line is `looked at N core objects`. SAN=1: what sanitizers add is allowed.
set -eu
export LC_ALL=C
objects=$1
floors=(cpu vmx devices monitor)

# All that the core may take of the host: memory, and the text functions that depend on nothing but their arguments.
# An assertion that fails is our bug, and may end the process.
allowed='memcpy memmove memset memcmp memchr bcmp malloc calloc realloc free aligned_alloc
strlen strnlen strcmp strncmp strcpy strncpy strchr strrchr strstr strspn strcspn snprintf vsnprintf qsort bsearch
__assert_fail __stack_chk_fail _GLOBAL_OFFSET_TABLE_
__memcpy_chk __memmove_chk __memset_chk __snprintf_chk __vsnprintf_chk
__popcountdi2 __udivti3 __umodti3 __divti3 __modti3 __udivmodti4 __muloti4'
allowed_patterns='^$'
[[ -n ${SAN:-} ]] && allowed_patterns='^__(asan|ubsan|sanitizer)_|^__interceptor_'
[[ -n ${COV:-} ]] && allowed_patterns='^(__gcov_|__llvm_profile)'

table=$(mktemp -d)
trap 'rm -rf "$table"' EXIT

# floor object symbol, for what each floor defines and for what it takes
touch "$table/defined" "$table/taken" "$table/core"
for floor in "${floors[@]}"; do
	list=("$objects/$floor"/*.o)
	[[ -e ${list[0]} ]] || continue
	nm -A -P -g --defined-only "${list[@]}" | sed "s|^\(.*\): |$floor \1 |" >>"$table/defined"
	nm -A -P -g --undefined-only "${list[@]}" | sed "s|^\(.*\): |$floor \1 |" >>"$table/taken"
	[[ $floor == monitor ]] || printf '%s\n' "${list[@]}" >>"$table/core"
done

awk -v allowed="$allowed" -v patterns="$allowed_patterns" '
	BEGIN {
		height["cpu"] = 1; height["vmx"] = 2; height["devices"] = 3; height["monitor"] = 4
		count = split(allowed, names, /[ \n]+/)
		for (i = 1; i <= count; i++) may[names[i]] = 1
	}
	NR == FNR { if (!($3 in floor) || height[$1] < height[floor[$3]]) floor[$3] = $1; next }
	$3 in floor {
		if (height[floor[$3]] > height[$1]) print "up", $2, $3, floor[$3]
		next
	}
	$1 != "monitor" && !($3 in may) && $3 !~ patterns { print "host", $2, $3 }
' "$table/defined" "$table/taken"

# Sanitizers and coverage keep records of their own in writable sections.
if [[ -z ${SAN:-}${COV:-} ]]; then
	xargs -r size -A <"$table/core" | awk '
		$2 == ":" { object = $1 }
		$1 ~ /^\.(data|bss|tdata|tbss)(\.|$)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 { print "state", object, $1, $2 }'
fi

echo "looked at $(wc -l <"$table/core") core objects"
