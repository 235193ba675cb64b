#!/bin/bash
# Completion of vmxray's options for zsh, made from the rows of options.def as `vmxray -rows options` prints them:
# completion-zsh.sh VMXRAY
set -eu
traces=$("$1" -rows trace | cut -f1 | paste -sd' ')

cat <<'END'
#compdef vmxray
# zsh completion for vmxray
_vmxray_models() { local -a models; models=(${(f)"$($words[1] -cpu help 2>/dev/null | awk '!/^ |:$/ { print $1 }')"}) && _describe model models }
_vmxray_devices() { local -a devices; devices=(${(f)"$($words[1] -device help 2>/dev/null | sed -n 's/^name "\([^"]*\)".*/\1/p')"}) && _describe device devices }
_arguments \
END
# A specification for each row: what is offered for its argument follows from the argument's name, or from the option.
"$1" -rows options | awk -F'\t' -v traces="$traces" '
	BEGIN {
		known["cpu"] = "_vmxray_models"; known["device"] = "_vmxray_devices"; known["machine"] = known["M"] = "(pc help)"
		known["serial"] = "(stdio mon\\:stdio file\\: null none)"; known["debugcon"] = "(stdio file\\: null none)"
		known["monitor"] = "(stdio unix\\: none)"; known["gdb"] = "(tcp\\:\\:1234 unix\\:)"
		known["rtc"] = "(base=utc base=localtime)"; known["trace"] = "(" traces ")"
	}
	function plain(text) { gsub(/\\|\[|\]|:/, "\\\\&", text); gsub(/\047/, "\047\\\047\047", text); return text }
	function offer(option, argument) {
		if (option in known) return known[option]
		if (argument ~ /^FILE/) return "_files"
		if (argument ~ /^[a-z|]+$/) { gsub(/\|/, " ", argument); return "(" argument ")" }
		return " "
	}
	{
		argument = $2; equals = ""
		if (argument ~ /^\[/) { equals = "=-"; gsub(/^\[|\]$/, "", argument) }
		printf "\t\047*-%s%s[%s]", $1, equals, plain($3)
		if ($2 != "") printf "%s%s:%s", equals == "" ? ":" : "::", plain(argument), offer($1, argument)
		print "\047 \\"
	}'
echo
