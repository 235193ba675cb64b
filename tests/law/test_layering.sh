#!/bin/bash
# The laws of the house: nothing points to a floor or a room above, the core takes nothing of the host but memory and has
# no variables of its own, a room has a size that one can survey. First the laws' own judges are judged, on objects and
# sources that break each law.
. "$(dirname "$0")/../claim.bash"
judge=tests/law/layers.sh source_judge=$PWD/tests/law/sources.sh
work=$(mktemp -d)
read -ra compiler <<<"${CC:-gcc}" # may be several words
trap 'rm -rf "$work"' EXIT

compile() { # FILE: C on standard input to an object without sanitizers
	mkdir -p "$work/${1%/*}"
	"${compiler[@]}" -std=gnu2x -O1 -fPIE -c -x c -o "$work/$1" -
}
planted() { ROOMS=$work/rooms CORE='facts' SAN='' COV='' "$@"; }
finds() { # WHOSE FOUND BREACH...
	local whose=$1 found=$2 breach
	for breach in "${@:3}"; do
		grep -qxF "$breach" <<<"$found"
		claim $? "$whose finds: $breach" "it found: ${found//$'\n'/; }"
	done
}

cat >"$work/rooms" <<<'cpu: low high
except cpu/low: planted
except cpu/high: planted'
compile cpu/low/good.o <<<'#include <string.h>
extern const char *const names[]; const char *const names[] = {"a", "b"};
void cpu_copy(char *, const char *, unsigned long); void cpu_copy(char *a, const char *b, unsigned long n) { memcpy(a, b, n); }'
compile cpu/high/good.o <<<'void cpu_copy(char *, const char *, unsigned long); void cpu_go(char *p); void cpu_go(char *p) { cpu_copy(p, p + 1, 3); }'
compile vmx/one/good.o <<<'void cpu_go(char *); void vmx_copy(char *p); void vmx_copy(char *p) { cpu_go(p); }
void vmx_two(char *); void vmx_one(char *p); void vmx_one(char *p) { vmx_two(p); }'
compile vmx/two/good.o <<<'void vmx_copy(char *); void vmx_two(char *p); void vmx_two(char *p) { vmx_copy(p); }'
compile monitor/facts/good.o <<<'void vmx_two(char *); void fact(char *p); void fact(char *p) { vmx_two(p); }'
compile monitor/host/good.o <<<'#include <time.h>
long host_date(void); long host_date(void) { return time(0); }'
compile monitor/talk/good.o <<<'long host_date(void); int turns; void fact(char *);
void monitor_go(char *p); void monitor_go(char *p) { turns += (int)host_date(); fact(p); }'
compile monitor/files/written.o <<<'#include <unistd.h>
long written(const char *p); long written(const char *p) { return write(1, p, 1); }'
compile monitor/files/files.o <<<'#include <fcntl.h>
int file_of(const char *p); int file_of(const char *p) { return open(p, 0); }'
found=$(planted $judge "$work")
[[ $found == "looked at 5 core objects" ]]
claim $? "a house in order has no breach, and a floor without a line knows no order" "$found"

compile cpu/high/up.o <<<'void vmx_copy(char *); void cpu_up(char *p); void cpu_up(char *p) { vmx_copy(p); }'
compile cpu/low/up.o <<<'void cpu_go(char *); void cpu_turn(char *p); void cpu_turn(char *p) { cpu_go(p); }'
compile vmx/one/up.o <<<'void monitor_go(char *); void vmx_up(char *p); void vmx_up(char *p) { monitor_go(p); }'
compile devices/one/clock.o <<<'#include <time.h>
long device_clock(void); long device_clock(void) { return time(0); }'
compile monitor/facts/print.o <<<'#include <stdio.h>
int turned; void fact_print(void); void fact_print(void) { puts("x"); }'
compile monitor/facts/up.o <<<'void monitor_go(char *); void fact_up(char *p); void fact_up(char *p) { monitor_go(p); }'
compile monitor/talk/reach.o <<<'#include <stdio.h>
void talk(void); void talk(void) { (void)remove("a"); fopen("b", "r"); }'
compile monitor/host/fresh.o <<<'#include <fcntl.h>
#include <stdio.h>
void fresh(void); void fresh(void) { printf("%d", open("a", 0)); }'
compile cpu/low/state.o <<<'int cpu_initialised = 3;'
compile vmx/one/state.o <<<'int vmx_count(void); int vmx_count(void) { static int count; return ++count; }'
compile devices/one/thread.o <<<'int device_turn(void); int device_turn(void) { static __thread int turn; return ++turn; }'
compile vmx/one/placed.o <<<'int vmx_placed __attribute__((section("somewhere"))) = 3;'
compile vmx/two/begins.o <<<'void vmx_one(char *); __attribute__((constructor)) static void begin(void) { vmx_one(0); }'
finds 'the judge' "$(planted $judge "$work" | sed "s|$work/||")" \
	'up cpu/high/up.o vmx_copy vmx/one' 'up cpu/low/up.o cpu_go cpu/high' 'up vmx/one/up.o monitor_go monitor/talk' \
	'up monitor/facts/up.o monitor_go monitor/talk' 'host devices/one/clock.o time' 'host monitor/facts/print.o puts' \
	'state cpu/low/state.o .data 4' 'state vmx/one/state.o .bss 4' 'state devices/one/thread.o .tbss 4' \
	'state vmx/one/placed.o somewhere 4' 'state vmx/two/begins.o .init_array 8' \
	'state monitor/facts/print.o .bss 4' 'reach monitor/talk/reach.o remove' 'reach monitor/talk/reach.o fopen' \
	'open monitor/talk/reach.o fopen' 'open monitor/host/fresh.o open' 'print monitor/host/fresh.o printf' \
	'print monitor/facts/print.o puts'

text() { # FILE: standard input to a source
	mkdir -p "$work/source/${1%/*}"
	cat >"$work/source/$1"
}
text cpu/low/a.c <<<'#include "cpu/low/a.h"'
text cpu/low/a.h <<<'#include <vmx.h>'
text cpu/high/a.c <<<'#include "cpu/low/a.h"'
text vmx/one/a.c <<<'#include "vmx/two/a.def"'
text vmx/two/a.def <<<'#include "vmx/one/a.c"'
text devices/one/a.c <<<'#include "vmx/two/a.def"'
text monitor/talk/a.c <<<'#include "monitor/facts/a.h"'
text monitor/facts/a.h <<<'#include "cpu/low/a.h"'
found=$(planted "$source_judge" "$work/source")
[[ -z $found ]]
claim $? "sources in order have no breach" "$found"

cat >"$work/rooms" <<<'cpu: low high gone
except cpu/low: planted
except cpu/big: planted
devices: one'
text cpu/low/up.h <<<'  #  include "cpu/high/a.h"'
text vmx/one/up.def <<<'#include <monitor/talk/a.h>'
text monitor/facts/up.c <<<'#include "monitor/talk/a.h"'
for ((i = 0; i < 5; i++)); do text cpu/big/$i.c <<<''; done
for ((i = 0; i < 26; i++)); do text devices/one/$i.c <<<''; done
for file in "$work"/source/{cpu/big,devices/one}/[0-9]*.c; do echo '//' >"$file"; done
finds 'the judge of sources' "$(planted "$source_judge" "$work/source")" \
	'include cpu/low/up.h cpu/high/a.h' 'include vmx/one/up.def monitor/talk/a.h' \
	'include monitor/facts/up.c monitor/talk/a.h' 'absent cpu/gone' 'unlisted cpu/big' 'needless cpu/big' 'size cpu/high 1' \
	'size devices/one 27'

# Objects of sources that are no more would confuse it.
for object in "$O"/obj/{cpu,vmx,devices,monitor}/{,*/}*.o; do
	source=${object#"$O/obj/"}
	[[ -e ${source%.o}.c || $source == cpu/insn/stencils.o ]] || rm -f "$object" # that one is made by the build
done

# The rooms of monitor whose objects the library has.
CORE=$(grep -o 'monitor/[a-z]*' "$O/core.list" | sort -u | sed 's|.*/||' | tr '\n' ' ')
export CORE
found=$($judge "$O/obj"
	$source_judge .)
claim $? "the judges can read the object files and the sources"
[[ $found =~ 'looked at '([0-9]+) && ${BASH_REMATCH[1]} == $(wc -w <"$O/core.list") ]]
claim $? "the core is what the library has" "$found"
for law in up:'nothing is taken from a floor or a room above, nor in a circle of rooms' \
	host:'the core takes nothing of the host but memory' state:'the core has no variables' \
	reach:'monitor/host, jail, files and disk alone touch the files, sockets, terminal and clocks of the host' \
	open:'every file is opened through the table of files' print:'everything is printed through monitor/files' \
	include:'no file includes one from a floor or a room above' unlisted:'every room has its place' \
	absent:'every place has its room' size:'a room has 5 to 25 files' needless:'an exception has its reason'; do
	if [[ ${law%%:*} == state && -n ${SAN:-}${COV:-} ]]; then
		echo "ok ${law#*:} # SKIP sanitizers and coverage keep variables in every object"
		continue
	fi
	breaches=$(grep "^${law%%:*} " <<<"$found" | head -n 20 | tr '\n' ';')
	[[ -z $breaches ]]
	claim $? "${law#*:}" "$breaches"
done

# What stands between the floors: history and what asks it end their floor, explain begins its own.
line=$(grep '^devices:' tests/law/rooms)
[[ -z $line || $line == *' history recording asking' ]]
claim $? "devices/history, recording and asking are the highest rooms of devices" "$line"
line=$(grep '^monitor:' tests/law/rooms)
[[ -z $line || $line == 'monitor: explain '* ]]
claim $? "monitor/explain is the lowest room of monitor" "$line"
