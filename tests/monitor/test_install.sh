#!/bin/bash
# make install into an empty directory: the program runs, the manual page has every option, and a program of somebody
# else's can be compiled against the headers and the library there.
. "$(dirname "$0")/lib.bash"

root=$PWD/$dir/root
rm -rf "$root"
make -s O="$O" CC="$CC" SAN="${SAN:-}" COV="${COV:-}" DESTDIR="$root" PREFIX=/usr install >"$dir/log" 2>&1
claim $? 'make install' "$(tail -n 3 "$dir/log" | tr '\n' ';')"
"$root/usr/bin/vmxray" -version >"$dir/version" 2>&1
claim $? 'the program runs' "$(<"$dir/version")"

page=$root/usr/share/man/man1/vmxray.1
text=$(sed 's/\\-/-/g; s/\\e/\\/g' "$page" 2>/dev/null)
missing=$(sed -n 's/^OPTION([A-Z]*, *"\([^"]*\)", *"\([^"]*\)".*/\1 \2/p' monitor/program/options.def | while read -r name argument; do
	between=' '
	[[ $argument == '['* ]] && between='='
	[[ -z $argument ]] && between=''
	grep -qxF -- ".B -$name$between$argument" <<<"$text" || echo "-$name"
done)
[[ -s $page && -z $missing ]]
claim $? 'the manual page has every option' "${missing//$'\n'/ }"
missing=$(sed -n 's/^STATUS(\([0-9]*\),.*/\1/p' monitor/host/status.def | while read -r number; do
	grep -qx ".B $number" <<<"$text" || echo "$number"
done)
[[ -z $missing ]]
claim $? 'and every exit status' "$missing"
if type -P man >/dev/null; then
	complaints=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
	[[ -z $complaints ]]
	claim $? 'man has no complaints about it' "${complaints:0:300}"
fi

cat >"$dir/user.c" <<'C'
#include <devices/machine/machine.h>
#include <stdio.h>
int main(void) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    struct machine *machine = machine_new(&config, error, sizeof error);
    if (!machine) return 1;
    printf("%d\n", (int)machine_run(machine, 1000) >= 0 && machine_steps(machine) > 0);
    machine_free(machine);
}
C
instrumented=${SAN:+-fsanitize=address,undefined}${COV:+ --coverage}
$CC -std=gnu2x $instrumented -I"$root/usr/include/vmxray" "$dir/user.c" -o "$dir/user" -L"$root/usr/lib" -lvmxray 2>"$dir/log" &&
	[[ $("$dir/user") == 1 ]]
claim $? "somebody else's program uses the library as installed" "$(head -n 3 "$dir/log" | tr '\n' ';')"
rm -rf "$root"
