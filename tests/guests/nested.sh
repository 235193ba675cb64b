#!/bin/bash
# Boots Debian's kernel, whose KVM boots the same kernel, whose KVM boots the same kernel: nested.sh [vmxray options...]
#
# Shows what the machine says, then vmxray's account, and says whether all is well; the exit status says it too.
#
#   LEVELS=2   levels of guests: 1 is a guest of the kernel that runs on the processor, 2 a guest of that, and so on
#   WORDS=     more words for the command line, for tests/guests/init: kvm0=ept=0,vpid=0 (kvm-intel's parameters at
#              level 0), kvm1=..., smp=2 (processors of the guests), guest=quiet
#   WITH=qemu  level 0 boots its guest with Debian's QEMU and SeaBIOS, not with kvm-mini
#   MEMORY=1G  of the whole machine
#   LOG=       where the output is kept
set -u
O=${O:-o} GUESTS=${GUESTS:-o/guests} VMXRAY=${VMXRAY:-$O/vmxray}
levels=${LEVELS:-2} words=${WORDS:-} log=${LOG:-$O/nested.log}

initramfs=$GUESTS/nested.cpio
[[ ${WITH:-} != qemu ]] || initramfs=$GUESTS/qemu.cpio words+=" user=qemu"

append="console=ttyS0 reboot=t panic=-1 vmxray=nested levels=$levels $words"
machine=(-kernel "$GUESTS/vmlinuz" -initrd "$initramfs" -append "${append% }" -m "${MEMORY:-1G}" -nographic
	-no-reboot)

. "${0%/*}/examine.bash"

# How many checks a level makes: with QEMU's disk two more.
checks() { [[ ${WITH:-} == qemu && $1 == 1 ]] && echo 8 || echo 6; }

examine() { # STATUS: fills bad
	local status=$1 level
	((status == 0)) || bad+=("vmxray exited with status $status")
	must 1 '^== powering off' "the machine did not come to its power-off"
	for ((level = 1; level <= levels; level++)); do
		must 1 "^== L$level: Linux 6" "L$level did not start"
		must 1 "^the shell of L$level computes 42" "the shell of L$level did not answer"
		must "$(checks "$level")" "^== L$level: ok" "L$level did not pass its checks"
		must 1 "^== L$level: powering off" "L$level did not come to its power-off"
	done
	must "$levels" '^== (L.: )?L[0-9] ended with status 0' 'not all guests switched themselves off'
	must "$levels" '^== (L.: )?loaded kvm-intel.ko' "not all levels loaded KVM"
	if [[ ${WITH:-} == qemu ]]; then
		must 1 'DMI: QEMU Standard PC' "it was not QEMU that booted L1"
		must 1 '^== ok what the guest wrote is on its disk' "L1's virtio disk did not take what it wrote"
	fi
	((levels < 2)) || must 1 '^kvm-mini: [1-9][0-9]* passed, 0 failed' "the small guests did not do what they should"
	trouble
}
run_and_examine nested "$@"
