#!/bin/bash
# Completion of vmxray's options for bash, made from the rows of options.def as `vmxray -rows options` prints them:
# completion.sh VMXRAY
set -eu
rows=$("$1" -rows options)

# The options, in lines that fit a page.
names=$(awk -F'\t' '{ printf "-%s ", $1 }' <<<"$rows" | fold -s -w 110 | sed 's/^/\t\t/; s/ *$//')
# Options whose argument the pattern matches, as the label of a case.
with() { awk -F'\t' -v pattern="$1" '$2 ~ pattern { printf "%s-%s", between, $1; between = " | " }' <<<"$rows"; }

# Options whose argument is one of some words that its row spells out, as cases.
choices=$(awk -F'\t' '$2 ~ /^[a-z0-9]+([|][a-z0-9]+)+$/ { gsub("[|]", " ", $2); printf "\t-%s) words=\047%s\047 ;;\n", $1, $2 }' <<<"$rows")

cat <<END
# bash completion for vmxray
_vmxray() {
	local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words= files=
	[[ \$before == = ]] && before=\${COMP_WORDS[COMP_CWORD - 2]}
	[[ \$before == --* ]] && before=\${before#-}
	COMPREPLY=()
	case \$before in
	$(with '^FILE')) files=yes ;;
$choices
	-protocol) words='linux multiboot multiboot2 pvh elf' ;;
	$(with '^none$')) COMPREPLY=(\$(compgen -W none -- "\$word")) && return ;;
	-cpu) words=\$("\${COMP_WORDS[0]}" -cpu help 2>/dev/null | awk '!/^ |:\$/ { print \$1 }') ;;
	-device) words=\$("\${COMP_WORDS[0]}" -device help 2>/dev/null | sed -n 's/^name "\([^"]*\)".*/\1/p') ;;
	-machine | -M) words='pc help' ;;
	-serial) words='stdio mon:stdio file: null none' ;;
	-debugcon) words='stdio file: null none' ;;
	-monitor) words='stdio unix: none' ;;
	-gdb) words='tcp::1234 unix:' ;;
	-rtc) words='base=utc base=localtime' ;;
	-trace) words='$("$1" -rows trace | awk -F'\t' '{ printf "%s%s", between, $1; between = " " }')' ;;
	$(awk -F'\t' '$2 != "" && $2 !~ /^\[/ { print "-" $1 }' <<<"$rows" |
	grep -vxE -- "$(with '^(FILE.*|none|[a-z0-9]+([|][a-z0-9]+)+)$' | sed 's/ | /|/g')|-(protocol|cpu|device|machine|M|serial|debugcon|monitor|gdb|rtc|trace)" |
	paste -sd'|' | sed 's/|/ | /g')) return ;; # a number or a word of the user's own
	*) words='
$names
		' ;;
	esac
	if [[ \$files ]]; then
		COMPREPLY=(\$(compgen -f -- "\$word"))
	else
		COMPREPLY=(\$(compgen -W "\$words" -- "\$word"))
	fi
}
complete -o filenames -F _vmxray vmxray
END
