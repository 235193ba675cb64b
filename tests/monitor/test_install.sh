#!/bin/bash
# make install into an empty directory: the program runs, the manual pages have every option and every command, bash
# completes the options, and a program of somebody else's can be compiled against the headers and the library there.
. "$(dirname "$0")/lib.bash"

root=$PWD/$dir/root
rm -rf "$root"
make -s O="$O" CC="$CC" SAN="${SAN:-}" COV="${COV:-}" DESTDIR="$root" PREFIX=/usr install >"$dir/log" 2>&1
claim $? 'make install' "$(tail -n 3 "$dir/log" | tr '\n' ';')"
"$root/usr/bin/vmxray" -version >"$dir/version" 2>&1
claim $? 'the program runs' "$(<"$dir/version")"

page=$root/usr/share/man/man1/vmxray.1
text=$(sed 's/\\-/-/g; s/\\e/\\/g' "$page" 2>/dev/null)
missing=$(grep -v '^OPTION(HIDDEN' monitor/program/options.def | sed -n 's/^OPTION([A-Z]*, *"\([^"]*\)", *"\([^"]*\)".*/\1 \2/p' | while read -r name argument; do
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

# Every command with its arguments and its help text, its other names, and every page and word of the tables beside it.
monitor_page=$root/usr/share/man/man7/vmxray-monitor.7
sed 's/\\-/-/g; s/\\e/\\/g; s/^\\&//' "$monitor_page" >"$dir/monitor.text" 2>/dev/null
missing=$(sed -n 's/^COMMAND([A-Z]*, *"\([^"]*\)", *"\(\([^"\\]\|\\.\)*\)".*/\1 \2/p' monitor/session/command.def | sed 's/\\"/"/g; s/ $//' |
	while read -r line; do grep -qxF -- ".B $line" "$dir/monitor.text" || echo "${line%% *}"; done
	sed -n 's/^COMMAND(.*, "\(\([^"\\]\|\\.\)*\)")$/\1/p' monitor/session/command.def | sed 's/\\n/\n/g; s/\\"/"/g' |
		while IFS= read -r line; do grep -qxF -- "$line" "$dir/monitor.text" || echo "'$line'"; done
	sed -n 's/^ALIAS("\([^"]*\)".*/\1/p' monitor/session/command.def |
		while read -r word; do grep -qE -- "^Also: (.*, )?$word(,|$)" "$dir/monitor.text" || echo "alias $word"; done
	sed -n 's/^\(INFO\|CATCH\|TRACE\)("\([^"]*\)".*/\2/p' monitor/info/info.def monitor/stops/catch.def monitor/trace/trace.def |
		while read -r word; do grep -qE -- "^\.B $word( |$)" "$dir/monitor.text" || echo "$word"; done)
(($(grep -c '^\.TP' "$monitor_page") > 80)) && [[ -z $missing ]]
claim $? "the monitor's manual page has every command, page and word" "${missing//$'\n'/ }"
if type -P man >/dev/null; then
	complaints=$(for each in "$page" "$monitor_page"; do
		LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$each" 2>&1 >/dev/null
	done)
	[[ -z $complaints ]]
	claim $? 'man has no complaints about them' "${complaints:0:300}"
fi

if type -P mandoc >/dev/null; then
	complaints=$(mandoc -T lint -W warning "$page" "$monitor_page" 2>&1)
	[[ -z $complaints ]]
	claim $? 'nor has mandoc' "${complaints:0:300}"
else
	echo 'ok nor has mandoc # SKIP there is no mandoc'
fi
missing=$(for section in KEYS FILES ENVIRONMENT EXAMPLES 'SEE ALSO'; do grep -qx ".SH $section" "$page" || echo "$section"; done
	for variable in $(grep -rhoE 'getenv\("[A-Z_]+"\)|"(PAGER|SHELL)"' monitor --include='*.[ch]' | grep -oE '[A-Z_]{2,}' | sort -u); do
		grep -qx ".B $variable" "$page" || echo "$variable"
	done)
[[ -z $missing ]]
claim $? 'it has keys, files, the environment that the program looks at, examples' "${missing//$'\n'/ }"

# What bash offers for the last of these words.
offers() { # WORD...
	COMP_WORDS=("$root/usr/bin/vmxray" "$@") COMP_CWORD=$#
	_vmxray
	printf '%s\n' "${COMPREPLY[@]}"
}
. "$root/usr/share/bash-completion/completions/vmxray"
missing=$("$VMXRAY" -rows options 2>/dev/null | cut -f1 | while read -r name; do
	offers "-$name" | grep -qxF -- "-$name" || echo "-$name"
done)
[[ -n $(offers -) && -z $missing ]]
claim $? 'bash completes every option' "${missing//$'\n'/ }"
[[ $(offers -kernel "$page") == "$page" && $(offers -kernel "$root/usr/b") == "$root/usr/bin" ]]
claim $? 'and files for those that take one' "$(offers -kernel "$page")"
[[ $(offers -cpu '' | head -n 1) == "$("$VMXRAY" -cpu help | sed -n '1s/ .*//p')" && $(offers -display '' | paste -sd' ') == 'sdl curses none' &&
	$(offers -trace ex) == exits && -z $(offers -m '') ]]
claim $? 'and models of processors, and what else is known' "$(offers -cpu '' | tr '\n' ' ')"
[[ $(offers -why '' | paste -sd' ') == 'on off' && $(offers -sandbox o | paste -sd' ') == 'on off' && $(offers -on-end l) == leave &&
	$(offers -device isa) == isa-debug-exit && $(offers -replay "$page") == "$page" && -z $(cd "$root" && offers -cpu usr) ]]
claim $? 'and the words that an option may have; no files where none belong' "$(offers -why '' | tr '\n' ' ')"

if type -P zsh >/dev/null; then
	specification=$root/usr/share/zsh/site-functions/_vmxray
	missing=$(zsh -f -c '_arguments() { print -rl -- "$@" }; source "$1"' - "$specification" >"$dir/zsh" 2>&1
		"$VMXRAY" -rows options | cut -f1 | while read -r name; do grep -qE -- "^\*-$name(=-)?\[" "$dir/zsh" || echo "-$name"; done)
	[[ -s $dir/zsh && -z $missing ]]
	claim $? 'zsh completes every option' "${missing//$'\n'/ }"
	# As a person has it: a shell on a terminal of its own.
	cat >"$dir/zpty" <<'END'
zmodload zsh/zpty && zpty -b z zsh -f -i || exit 3
said() { # PATTERN: waits for it
	local piece
	for turn in {1..200}; do
		zpty -r -t z piece && all+=$piece || sleep 0.05
		[[ $all == *$~1* ]] && return
	done
	return 1
}
zpty -w z "PS1=; fpath=($1 \$fpath); path=($2 \$path); autoload -U compinit; compinit -u -D; print BE''GIN"
said BEGIN || exit 3
typeset all=
zpty -w -n z $'vmxray -kern\t' && said 'vmxray -kernel' && print kernel
all=
zpty -w -n z $'\x15vmxray -why of\t' && said 'why off' && print off
all=
zpty -w -n z $'\x15vmxray -cpu qe\t' && said 'cpu qemu' && print qemu
END
	model=$("$VMXRAY" -cpu help | sed -n '1s/ .*//p')
	sed -i "s/cpu qe/cpu ${model:0:2}/; s/cpu qemu/cpu ${model:0:3}/" "$dir/zpty"
	said=$(timeout 60 zsh -f "$dir/zpty" "${specification%/*}" "$root/usr/bin" 2>&1 | tr '\n' ' ')
	[[ $said == 'kernel off qemu ' || ! -c /dev/ptmx ]]
	claim $? 'at its prompt too' "$said"
else
	echo 'ok zsh completes every option # SKIP there is no zsh'
fi

# What is missing is only told, where that is asked for.
said=$(NEED=check PATH=$dir scripts/need.sh build test 2>&1)
status=$?
[[ $status == 1 && $said == *'missing: '*'NEED=check: nothing was installed'* && $said != *'+ apt-get'* ]]
claim $? 'NEED=check installs nothing, and says what is missing' "status $status: ${said:0:300}"
[[ $(make -n NEED=check O="$O" need-build) == *"NEED='check'"* ]]
claim $? 'make passes it on'

# The example of docs/embedding.md, as somebody else would build it.
pc() { PKG_CONFIG_PATH=$root/usr/lib/pkgconfig pkg-config --define-variable=prefix="$root/usr" "$@" vmxray; }
[[ $(pc --modversion) == [0-9]* ]]
claim $? 'pkg-config knows the library' "$(pc --modversion 2>&1)"
instrumented=${SAN:+-fsanitize=address,undefined}${COV:+ --coverage}
# shellcheck disable=SC2046 # words
$CC -std=gnu2x $instrumented $(pc --cflags) docs/example/embed.c -o "$dir/embed" $(pc --libs) 2>"$dir/log" &&
	"$dir/embed" >"$dir/said"
mapfile -t said <"$dir/said"
[[ ${#said[@]} == 4 && ${said[0]} == hi && ${said[1]} == 'after 6 steps the guest is halted for good; hash '* && ${said[1]} == "${said[3]}" ]]
claim $? 'the example embeds the library as installed' "$(head -n 3 "$dir/log" "$dir/said" | tr '\n' ';')"
# shellcheck disable=SC2046 # words
$CC -std=gnu2x $instrumented $(pc --cflags) docs/example/replay.c -o "$dir/replay" $(pc --libs) 2>"$dir/log" &&
	"$dir/replay" >"$dir/said"
mapfile -t said < <(sed 's/^[a-z]*: //' "$dir/said")
[[ ${#said[@]} == 7 && ${said[0]} == '5 inputs were taken' && ${said[1]} == 'step 7404, hash '* && ${said[4]} == 'step 8404, hash '* ]] &&
	[[ ${said[1]} == "${said[2]}" && ${said[1]} == "${said[3]}" && ${said[4]} == "${said[5]}" && ${said[4]} == "${said[6]}" ]]
claim $? 'the example of positions and inputs: recorded, replayed and copied machines are one' "$(head -n 3 "$dir/log" "$dir/said" | tr '\n' ';')"
missing=
for header in $(cd "$root/usr/include/vmxray" && grep -ohE '(cpu|vmx|devices|monitor)/[a-z_]+/[a-z_]+\.h' devices/machine/*.h cpu/watch/*.h | sort -u); do
	[[ -e $root/usr/include/vmxray/$header ]] || missing+="$header "
done
[[ -z $missing ]]
claim $? 'what the doors send a reader to is installed' "$missing"
strange=
for header in $(cd "$root/usr/include/vmxray" && find . -name '*.h'); do
	echo "#include \"${header#./}\"" | $CC -std=gnu2x $(pc --cflags) -fsyntax-only -x c - 2>/dev/null || strange+="$header "
done
[[ -z $strange ]]
claim $? 'each installed header compiles by itself' "$strange"
[[ ! -e $root/usr/include/vmxray/devices/machine/machine_private.h && ! -e $root/usr/include/vmxray/cpu/engine ]]
claim $? 'what is private is not installed'
rm -rf "$root"
