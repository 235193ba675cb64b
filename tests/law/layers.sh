#!/bin/bash
# Prints each breach of the layering in the object files under DIR/{cpu,vmx,devices,monitor}/ROOM: layers.sh DIR
#
#   up DIR/x.o symbol FLOOR/ROOM   a symbol taken from a floor or a room above
#   host DIR/x.o symbol            a core object takes something of the host that is not in the list below
#   state DIR/x.o section size     a core object has writable variables, or something that runs by itself
#   reach DIR/x.o symbol           an object of monitor outside monitor/host, jail, files and disk opens, reads, asks or writes
#                                  to something of the host by itself: a file, a socket, the terminal, a signal, a clock
#   open DIR/x.o symbol            a file is opened past the table of files (monitor/files/files.c), which knows of two names
#                                  of one file
#   print DIR/x.o symbol           something is printed past monitor/files, where control characters are escaped, errors told
#                                  and waits bounded
#
# The last line is `looked at N core objects`.  ROOMS=FILE: the order of the rooms (tests/law/rooms).  CORE="ROOM ...":
# rooms of monitor that belong to the core.  SAN=1: what sanitizers add is allowed.
#
# Rooms in an order also mean that objects which need each other in a circle lie in one room: a circle through two rooms
# would take something from the higher of them.
set -eu
export LC_ALL=C
here=$(dirname "${BASH_SOURCE[0]}")
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

# What monitor/host alone may take: the rest gets a struct file, a stream to print to, a server, a date from it.
reach='open openat creat read pread write pwrite close dup dup2 pipe fopen fdopen freopen fclose popen pclose stdin stdout stderr
printf vprintf puts putchar perror getchar getline fgets access stat lstat fstat unlink remove rename mkdir opendir mmap munmap
socket bind listen accept accept4 connect send sendto recv recvfrom setsockopt getaddrinfo poll ppoll select epoll_wait fcntl
ioctl isatty tcgetattr tcsetattr getenv setenv signal sigaction raise kill alarm fork execve system _exit
clock_gettime gettimeofday time localtime localtime_r gmtime nanosleep usleep sleep
open64 openat64 creat64 fopen64 stat64 lstat64 fstat64 mmap64 fcntl64 pread64 pwrite64 __printf_chk __vprintf_chk __read_chk
__fgets_chk __poll_chk'

# What opens a file: of monitor/files/files.o alone. What prints: of monitor/files, of the editor, whose library prints by
# itself, and of the pager's pipe.
opens='open openat creat fopen fdopen freopen open64 openat64 creat64 fopen64 freopen64 mkstemp
read_history read_history_range write_history append_history history_truncate_file'
prints='write pwrite pwrite64 writev fwrite fputs fputc putc puts putchar printf fprintf vprintf vfprintf dprintf perror
__printf_chk __fprintf_chk __vprintf_chk __vfprintf_chk stdout stderr'
printers='^files/|^host/(editor|pager)\.o$|^disk/image\.o$'

table=$(mktemp -d)
trap 'rm -rf "$table"' EXIT

# floor room object symbol, for what each room defines and for what it takes
touch "$table/defined" "$table/taken" "$table/core"
for floor in "${floors[@]}"; do
	for path in "$objects/$floor"/*/; do
		list=("$path"*.o)
		[[ -e ${list[0]} ]] || continue
		room=${path%/} room=${room##*/}
		nm -A -P -g --defined-only "${list[@]}" | sed "s|^\(.*\): |$floor $room \1 |" >>"$table/defined"
		nm -A -P -g --undefined-only "${list[@]}" | sed "s|^\(.*\): |$floor $room \1 |" >>"$table/taken"
		[[ $floor == monitor && " ${CORE:-} " != *" $room "* ]] || printf '%s\n' "${list[@]}" >>"$table/core"
	done
done

awk -v CORE="${CORE:-}" -v rooms="${ROOMS:-$here/rooms}" -v allowed="$allowed" -v patterns="$allowed_patterns" -v reach="$reach" \
	-v opens="$opens" -v prints="$prints" -v printers="$printers" \
	-f "$here/height.awk" -f <(cat <<'END'
	BEGIN {
		rooms_read(rooms)
		count = split(allowed, names, /[ \n]+/)
		for (i = 1; i <= count; i++) may[names[i]] = 1
		count = split(reach, names, /[ \n]+/)
		for (i = 1; i <= count; i++) reaches[names[i]] = 1
		count = split(opens, names, /[ \n]+/)
		for (i = 1; i <= count; i++) is_open[names[i]] = 1
		count = split(prints, names, /[ \n]+/)
		for (i = 1; i <= count; i++) is_print[names[i]] = 1
	}
	NR == FNR {
		if (!($4 in home) || height($1, $2) < at[$4]) { home[$4] = $1 "/" $2; at[$4] = height($1, $2) }
		next
	}
	$4 in home { if (at[$4] > height($1, $2)) print "up", $3, $4, home[$4]; next }
	$1 == "monitor" && $2 !~ /^(host|jail|files|disk)$/ && $4 in reaches { print "reach", $3, $4 }
	$1 == "monitor" { file = $3; sub(/.*\/monitor\//, "", file) }
	$1 == "monitor" && $4 in is_open && file != "files/files.o" { print "open", $3, $4 }
	$1 == "monitor" && $4 in is_print && file !~ printers { print "print", $3, $4 }
	is_core($1, $2) && !($4 in may) && $4 !~ patterns { print "host", $3, $4 }
END
) "$table/defined" "$table/taken"

# Sanitizers and coverage keep records of their own in writable sections.
if [[ -z ${SAN:-}${COV:-} ]]; then
	xargs -r size -A <"$table/core" | awk '
		$2 == ":" { object = $1 }
		$1 ~ /^\.(text|rodata|data\.rel\.ro|eh_frame|note|comment|debug|group|llvm)/ { next }
		$2 ~ /^[0-9]+$/ && NF == 3 && $2 > 0 { print "state", object, $1, $2 }'
fi

echo "looked at $(wc -l <"$table/core") core objects"
