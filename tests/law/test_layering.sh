#!/bin/bash
# The laws of the house: nothing points to a floor above, the core takes nothing of the host but memory and has no
# variables of its own. First the laws' own judge is judged, on objects that break each law.
. "$(dirname "$0")/../claim.bash"
judge=tests/law/layers.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compile() { # FILE: C on standard input to an object without sanitizers
	mkdir -p "$work/${1%/*}"
	"${CC:-gcc}" -std=gnu2x -O1 -fPIE -c -x c -o "$work/$1" -
}

compile cpu/good.o <<<'#include <string.h>
extern const char *const names[]; const char *const names[] = {"a", "b"};
void cpu_copy(char *, const char *, unsigned long); void cpu_copy(char *a, const char *b, unsigned long n) { memcpy(a, b, n); }'
compile vmx/good.o <<<'void cpu_copy(char *, const char *, unsigned long); void vmx_copy(char *p); void vmx_copy(char *p) { cpu_copy(p, p + 1, 3); }'
compile monitor/good.o <<<'#include <time.h>
int turns; void vmx_copy(char *); void monitor_go(char *p); void monitor_go(char *p) { turns += (int)time(0); vmx_copy(p); }'
found=$(SAN='' COV='' $judge "$work")
[[ $found == "looked at 2 core objects" ]]
claim $? "a house in order has no breach" "$found"

compile cpu/up.o <<<'void vmx_copy(char *); void cpu_up(char *p); void cpu_up(char *p) { vmx_copy(p); }'
compile vmx/up.o <<<'void monitor_go(char *); void vmx_up(char *p); void vmx_up(char *p) { monitor_go(p); }'
compile devices/clock.o <<<'#include <time.h>
long device_clock(void); long device_clock(void) { return time(0); }'
compile cpu/state.o <<<'int cpu_initialised = 3;'
compile vmx/state.o <<<'int vmx_count(void); int vmx_count(void) { static int count; return ++count; }'
compile devices/thread.o <<<'int device_turn(void); int device_turn(void) { static __thread int turn; return ++turn; }'
found=$(SAN='' COV='' $judge "$work" | sed "s|$work/||")
for breach in 'up cpu/up.o vmx_copy vmx' 'up vmx/up.o monitor_go monitor' 'host devices/clock.o time' \
	'state cpu/state.o .data 4' 'state vmx/state.o .bss 4' 'state devices/thread.o .tbss 4'; do
	grep -qxF "$breach" <<<"$found"
	claim $? "the judge finds: $breach" "it found: ${found//$'\n'/; }"
done

# Objects of sources that are no more would confuse it.
for object in "$O"/obj/{cpu,vmx,devices,monitor}/*.o; do
	source=${object#"$O/obj/"}
	[[ -e ${source%.o}.c ]] || rm -f "$object"
done
found=$($judge "$O/obj")
claim $? "the judge can read the object files"
[[ $found =~ 'looked at '[1-9] ]]
claim $? "there is a core to look at" "$found"
for law in up:'nothing is taken from a floor above' host:'the core takes nothing of the host but memory' \
	state:'the core has no variables'; do
	if [[ ${law%%:*} == state && -n ${SAN:-}${COV:-} ]]; then
		echo "ok ${law#*:} # SKIP sanitizers and coverage keep variables in every object"
		continue
	fi
	breaches=$(grep "^${law%%:*} " <<<"$found" | head -n 20 | tr '\n' ';')
	[[ -z $breaches ]]
	claim $? "${law#*:}" "$breaches"
done

# The same for headers, whose inline functions leave no symbol.
floors=(cpu vmx devices monitor)
ups=
for ((low = 0; low < 3; low++)); do
	for ((high = low + 1; high < 4; high++)); do
		ups+=$(grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[\"<]${floors[high]}/" "${floors[low]}"/*.[ch] "${floors[low]}"/*.def 2>/dev/null)
	done
done
[[ -z $ups ]]
claim $? "no file includes one from a floor above" "${ups//$'\n'/; }"
