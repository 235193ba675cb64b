#!/bin/bash
# Prints the list of what is in the initramfs, for newc: initramfs.sh DIR
set -eu
dir=$1

applets='ash awk basename cat chmod clear cmp cp cpio cut date dd df diff dirname dmesg du echo env expr false find free
grep gunzip gzip head hexdump hostname id insmod kill less ln ls lsmod md5sum mkdir mknod mknod modprobe more mount mv
nproc od pidof poweroff printf ps pwd reboot reset rm rmdir rmmod sed seq setsid sh sha256sum sleep sort stat stty
sync tail tar tee test time timeout top touch tr true tty umount uname uniq uptime usleep vi watch wc which xargs yes'

echo "dir bin 755
dir dev 755
dir modules 755
dir proc 755
dir root 700
dir run 755
dir sys 755
dir tmp 1777
file init 755 tests/guests/init
file bin/busybox 755 $dir/busybox
file bin/kvm-mini 755 $dir/kvm-mini/kvm-mini
file modules/order 644 $dir/modules/order"
while read -r module; do
	echo "file modules/$module 644 $dir/modules/$module"
done <"$dir/modules/order"
for applet in $(printf '%s\n' $applets | LC_ALL=C sort -u); do
	echo "link bin/$applet busybox"
done
