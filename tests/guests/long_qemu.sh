#!/bin/bash
# Debian's QEMU with -accel kvm boots Debian's kernel through SeaBIOS, whose KVM boots it once more: `make nested-qemu`.
. "$(dirname "$0")/../claim.bash"
. tests/guests/downloaded.bash
boots "Debian's QEMU boots L1" qemu.cpio nested env WITH=qemu tests/guests/nested.sh
# SeaBIOS runs in real mode, with a display adapter's and a clock's ports: what kvm-mini's guests have not.
exits=$(awk '$1 == 1 && $2 == "IO_INSTRUCTION" { print $3 }' "$log")
((${exits:-0} > 50000))
claim $? "QEMU's devices were used" "${exits:-no} port exits"
# A doorbell of the disk is an EPT misconfiguration that KVM skips by the instruction's length. Each request rings once.
requests=$(sed -n 's/^== L1: requests of the virtio disk: \([0-9]*\).*/\1/p' <(tr -d '\r' <"$log"))
rung=$(awk '$1 == 1 && $2 == "EPT_MISCONFIGURATION" { print $3 }' "$log")
((${requests:-0} > 10 && ${rung:-0} > requests / 2 && rung < 100 * requests))
claim $? "the virtio disk's doorbell rings about once a request" "${rung:-no} rings, ${requests:-no} requests"
