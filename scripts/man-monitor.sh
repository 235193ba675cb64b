#!/bin/bash
# The manual page of the monitor, made from the rows of its tables as `vmxray -rows TABLE` prints them, so that a command
# cannot be without its entry: man-monitor.sh VMXRAY
set -eu
vmxray=$1
version=$("$vmxray" -version)

roff() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"; }

cat <<END
.TH VMXRAY\-MONITOR 7 2026-11-30 "$version" "Miscellaneous"
.SH NAME
vmxray\-monitor \- commands that look at a guest of vmxray, stop it and step it
.SH SYNOPSIS
.B vmxray
\-kernel FILE ... [\-S] [\-x FILE] [\-monitor stdio|unix:PATH]
.SH DESCRIPTION
The monitor is a debugger in the hardware's place. It sees a processor of the machine as each level of virtualization
sees it, knows VT\-x and explains it in the words of Intel's manual (SDM, edition 077US), and changes nothing by looking:
the run goes on as it would have gone on without it.
.PP
Ctrl\-A c on the terminal stops the guest and gives the prompt; \-S starts there. \-x carries out the commands of a file
before the first step, \-monitor unix:PATH gives the prompt to whoever connects to the socket, and gdb has the commands
as "monitor COMMAND". The names of commands may be shortened, Tab completes, Enter alone repeats a step, and a line that
begins with # is a comment.
.SH COMMANDS
END
# A group's name where another one begins; "\n" in a help text begins another line.
"$vmxray" -rows commands | awk -F'\t' '
	{ if (!($1 in rows)) order[++groups] = $1; rows[$1] = rows[$1] $0 "\n" }
	END { for (i = 1; i <= groups; i++) printf "%s", rows[order[i]] }' | awk -F'\t' '
	function roff(text) { gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text); return text }
	function lines(text,    line, count, i, all) {
		count = split(text, line, /\\n/)
		for (i = 1; i <= count; i++) all = all (i > 1 ? "\n.br\n" : "") (line[i] ~ /^[.\047]/ ? "\\&" : "") roff(line[i])
		return all
	}
	$1 != group { group = $1; print ".SS " roff(group) }
	{ printf ".TP\n.B %s %s\n%s\n", roff($2), roff($3), lines($5)
		if ($4 != "") printf ".br\nAlso: %s\n", roff($4) }' | sed 's/ $//'
list() { # TABLE TITLE TEXT
	printf '.SH %s\n%s\n' "$2" "$3"
	"$vmxray" -rows "$1" | roff | awk -F'\t' '{ printf ".TP\n.B %s%s\n%s\n", $1, $2 == "" ? "" : " " $2, $3 }'
}
list info 'PAGES OF INFO' 'What info prints:'
list catch 'WHAT CATCH KNOWS' 'catch and tcatch stop the guest at:'
list trace 'WHAT CAN BE TRACED' 'trace WHAT,...=FILE and \-trace write to a file:'
cat <<'END'
.SH EXPRESSIONS
.nf
END
"$vmxray" -rows expressions | roff
cat <<'END'
.fi
.SH EXAMPLE
.nf
break start_kernel
catch exit EPT_VIOLATION if level == 2 && gpa < 0x1000
continue
why
walk @2:rip
.fi
.SH SEE ALSO
.BR vmxray (1),
.BR gdb (1)
END
