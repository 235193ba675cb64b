#!/bin/bash
# The manual page, made from what `vmxray -help` prints, which is made from options.def: man.sh VMXRAY
set -eu
help=$("$1" -help)
version=$("$1" -version)

roff() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"; }

cat <<END
.TH VMXRAY 1 2026-11-30 "$version" "User commands"
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
stops the guest and gives the monitor's prompt, see
.BR vmxray\-monitor (7);
there it lets the guest go on
.TP
.B Ctrl\-A h
prints the keys
.TP
.B Ctrl\-A Ctrl\-A
sends Ctrl\-A
.PP
At the prompt lines are edited as in a shell, Tab completes, Ctrl\-C forgets the line or stops the guest, Ctrl\-D leaves.
Several lines that are pasted are several commands.
.SH FILES
.TP
.I \(ti/.vmxray_history
lines typed at the monitor's prompt, at most 1000, for their owner only
.PP
Files that a run writes (recordings, snapshots, traces, symbols, what a serial port sends) are named on the command line or at
the prompt. None of them is written over what the same run reads or writes already.
.SH ENVIRONMENT
.TP
.B HOME
where the lines typed earlier are kept
.TP
.B PAGER
the command that shows text longer than the screen (less); cat for none
.TP
.B NO_COLOR
not empty: no colours
.TP
.B TMPDIR
the folder of the temporary file into which what is written to disks spills (/var/tmp)
.TP
.B DISPLAY, WAYLAND_DISPLAY
where a window can be opened: a machine that boots from firmware has one then
.TP
.B TERM
the terminal, for editing lines, and for \-display curses
.SH EXAMPLES
Boot Linux with the terminal as its serial console:
.PP
.RS
.nf
vmxray \-kernel vmlinuz \-initrd initrd.gz \-append "console=ttyS0" \-m 512 \-nographic
.fi
.RE
.PP
Stop before the first step, at the prompt:
.PP
.RS
.nf
vmxray \-kernel hypervisor.elf \-S
.fi
.RE
.PP
Wait for gdb; each level of virtualization is an inferior:
.PP
.RS
.nf
vmxray \-kernel hypervisor.elf \-S \-s
gdb hypervisor.elf \-ex "target extended\-remote :1234"
.fi
.RE
.PP
Record a run, and look at it again, from its end backwards:
.PP
.RS
.nf
vmxray \-kernel hypervisor.elf \-record run.vmxray
vmxray \-replay run.vmxray,at=end \-S
.fi
.RE
.PP
Count the VM exits of each level, and write all of them down for Perfetto:
.PP
.RS
.nf
vmxray \-kernel hypervisor.elf \-trace exits=run.stat \-trace exits,entries=run.json
.fi
.RE
.PP
Two runs are the same run, bit for bit, when they end with the same line:
.PP
.RS
.nf
vmxray \-kernel hypervisor.elf \-hash \-steps 1M
.fi
.RE
.SH SEE ALSO
.BR vmxray\-monitor (7),
.BR gdb (1),
.BR qemu\-system\-x86_64 (1),
.BR bochs (1)
END
