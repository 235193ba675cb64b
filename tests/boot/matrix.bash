# Machines, firmwares, disks, processors: those of the lines that are read from standard input, to a menu and a kernel.
reaches() { # MACHINE FIRMWARE DISK PROCESSORS
	local name=$1-$2-$3-$4
	converse "$name" 300 'GNU GRUB' 'k' 'Linux version' end -- -machine "$1" -m 256 -smp "$4" $(firmware "$2" "$name") \
		$(disk_on "$1" "$3" "$tiny")
	claim $? "$1, $2, $3, $4 processors: to GRUB's menu and the kernel's first line" \
		"status $status; $(tail -n 1 "$out/$name.err") $(plain | grep -a . | tail -n 2 | tr '\n' ';')"
}
