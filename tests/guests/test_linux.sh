#!/bin/bash
# Debian's kernel boots, loads its KVM, kvm-mini runs its guests: what `make kvm` shows, as claims.
. "$(dirname "$0")/../claim.bash"
log=$O/tests/guests/linux.log
mkdir -p "${log%/*}"

tests/guests/run.sh kvm --hash >"$log" 2>&1
claim $? "make kvm says that all is well" "$(grep '^make kvm: ' "$log" | head -n 3 | tr '\n' ';')"

has 'the kernel starts' 'Linux version 6'
has 'the first process starts' '^== Linux 6'
for module in irqbypass kvm kvm-intel; do
	has "$module loads" "^== loaded $module.ko"
done
for parameter in ept vpid unrestricted_guest preemption_timer; do
	has "kvm_intel uses $parameter" "^ +$parameter +[Y1]$"
done
for guest in 'real-mode guest' '64-bit guest' 'timer guest'; do
	has "$guest under KVM" "^ok   $guest ran to its end$"
done

# Every line of kvm-mini is one claim; its own count must agree with them.
said=$(tr -d '\r' <"$log" | sed -n '/^== kvm-mini/,/^kvm-mini: /p')
passed=$(grep -c '^ok   ' <<<"$said")
failed=$(grep '^FAIL ' <<<"$said")
[[ -z $failed ]]
claim $? "no check of kvm-mini failed" "${failed//$'\n'/; }"
# 31 checks: /dev/kvm and its API 2, real mode 3, 64-bit 18, timer 8.
grep -qx "kvm-mini: $passed passed, 0 failed" <<<"$said" && ((passed == 31))
claim $? "kvm-mini made all of its 31 checks" "it made $passed; ${said##*$'\n'}"
has 'the power-off is reached' '^== powering off'
has 'the machine is switched off' 'reboot: Power down'
