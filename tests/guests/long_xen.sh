#!/bin/bash
# Debian's Xen boots Debian's kernel as its first domain, and that one more in a second, by VT-x: `make xen`.
. "$(dirname "$0")/../claim.bash"
. tests/guests/downloaded.bash
PROTOCOL=multiboot2 boots 'Xen boots two domains, loaded by multiboot 2' xen.cpio xen tests/guests/xen.sh
for machine in pc q35; do
	boots "Xen boots two domains on -machine $machine" xen.cpio xen tests/guests/xen.sh -machine $machine
done
boots 'Xen boots two domains' xen.cpio xen tests/guests/xen.sh
tr -d '\r' <"$log" >"$log.text"
for feature in 'APIC MMIO access virtualisation' 'APIC TPR shadow' 'Extended Page Tables (EPT)' \
	'Virtual-Processor Identifiers (VPID)' 'Virtual NMI' 'MSR direct-access bitmap' 'Unrestricted Guest' \
	'APIC Register Virtualization' 'Virtual Interrupt Delivery' 'Posted Interrupt Processing' 'VMCS shadowing' \
	'VM Functions' 'Virtualisation Exceptions' 'Page Modification Logging' 'TSC Scaling'; do
	grep -qF "(XEN)  - $feature" "$log.text"
	claim $? "Xen uses: $feature" "it does not say so"
done
