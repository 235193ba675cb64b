# Debian on a disk (`make disk`): a machine and a firmware with IDE, AHCI and virtio, one processor and four: each to the login, a
# command, and a power-off. long_disk_* are four, so that each has its own hour.
. tests/boot/boot.bash
need "$GUESTS/debian.img"

logs_in() { # MACHINE FIRMWARE DISK PROCESSORS
	local name=debian-$1-$2-$3-$4
	converse "$name" 200G 'GNU GRUB' '\r' 'vmxray login:' 'root\r' 'root@vmxray:' \
		'echo $((6 * 7)) $(nproc) processors, $(systemctl is-system-running)\r' '^42 [0-9]+ processors, ' 'poweroff\r' 'Power down' - -- \
		-machine "$1" -m 768 -smp "$4" $(firmware "$2" "$name") $(disk_on "$1" "$3" "$GUESTS/debian.img")
	claim $((status != 0)) "$name: to the login, and off again" "status $status; $(tail -n 1 "$out/$name.err") $(plain | grep -a . | tail -n 2 | tr '\n' ';')"
	has "$name: all is running" "^42 $4 processors, running"
	! grep -aqE "$trouble" "$log"
	claim $? "$name: no complaints" "$(grep -aE "$trouble" "$log" | head -n 3 | tr '\n' ';')"
}
trouble='Kernel panic|BUG:|Oops|WARNING: CPU|Call Trace|rcu: INFO|I/O error|exception Emask|FAILED'

log_in_each() { # MACHINE FIRMWARE
	local disk processors
	for disk in ide ahci virtio; do
		for processors in 1 4; do logs_in "$1" "$2" $disk $processors; done
	done
}
