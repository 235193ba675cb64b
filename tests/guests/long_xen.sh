#!/bin/bash
# Debian's Xen boots Debian's kernel as its first domain, and that one more in a second, by VT-x: `make xen`.
. "$(dirname "$0")/../claim.bash"
log=$O/tests/guests/xen.log
mkdir -p "${log%/*}"
if ! make -s GUESTS="$GUESTS" "$GUESTS/xen.cpio"; then
	echo "ok Xen boots two domains # SKIP it cannot be downloaded"
	exit
fi
said=$(LOG=$log tests/guests/xen.sh | grep -a '^xen: ')
[[ $said == 'xen: all is well' ]]
claim $? "Xen boots two domains" "${said//$'\n'/; }"
tr -d '\r' <"$log" >"$log.text"
for feature in 'APIC MMIO access virtualisation' 'APIC TPR shadow' 'Extended Page Tables (EPT)' \
	'Virtual-Processor Identifiers (VPID)' 'Virtual NMI' 'MSR direct-access bitmap' 'Unrestricted Guest' \
	'APIC Register Virtualization' 'Virtual Interrupt Delivery' 'Posted Interrupt Processing' 'VMCS shadowing' \
	'VM Functions' 'Virtualisation Exceptions' 'Page Modification Logging' 'TSC Scaling'; do
	grep -qF "(XEN)  - $feature" "$log.text"
	claim $? "Xen uses: $feature" "it does not say so"
done
