#!/bin/bash
# The manual page, made from what `vmxray -help` prints, which is made from options.def: man.sh VMXRAY
set -eu
help=$("$1" -help)
version=$("$1" -version)

roff() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"; }

cat <<END
.TH VMXRAY 1 "" "$version" "User commands"
.SH NAME
vmxray \- an x86\-64 PC with Intel VT\-x, in software
.SH SYNOPSIS
.B vmxray
\-kernel FILE [\-initrd FILE] [\-append TEXT] [option...]
.SH DESCRIPTION
.B vmxray
runs a whole PC in one process, deterministically: the same configuration and the same inputs give the same machine, bit
for bit, on every run. Debian's kernel boots in it, loads its KVM and runs guests. The options are spelled as in QEMU;
\-name and \-\-name are the same, and so are "\-name value" and "\-name=value".
END
# A line without indentation is a heading; one with two spaces an option, two spaces or more, and what it does.
tail -n +3 <<<"$help" | roff | awk '
	/^$/ { next }
	/^[^ ]/ { status = /^Exit status/; print ".SH " toupper($0); next }
	status { if (match($0, /^  [0-9]+  /)) printf ".TP\n.B %s\n%s\n", substr($0, 3, RLENGTH - 4), substr($0, RLENGTH + 1)
		else { sub(/^ +/, ""); print ".PP\n" $0 }; next }
	{ text = substr($0, 3); at = match(text, /   *[^ ]/)
		if (!at) { at = match(text, / [a-z1-9]/) }
		name = substr(text, 1, at - 1); text = substr(text, at); sub(/^ +/, "", text)
		printf ".TP\n.B %s\n%s\n", name, text }'
cat <<'END'
.SH KEYS
On a terminal every key goes to the guest, but for these:
.TP
.B Ctrl\-A x
leaves
.TP
.B Ctrl\-A c
stops the guest and gives the monitor's prompt, see vmxray\-monitor(7)
.TP
.B Ctrl\-A h
prints the keys
.TP
.B Ctrl\-A Ctrl\-A
sends Ctrl\-A
.SH EXAMPLE
vmxray \-kernel vmlinuz \-initrd initrd.gz \-append "console=ttyS0" \-m 512 \-nographic
.SH SEE ALSO
.BR vmxray\-monitor (7),
.BR qemu\-system\-x86_64 (1),
.BR bochs (1)
END
