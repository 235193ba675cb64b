# Every pair of a machine, a firmware, a controller of the disk and a number of processors occurs in test_matrix_bios,
# test_matrix_uefi and long_matrix_uefi_ide, which are three so that they run side by side. All, to the login, are of long_disk_*.
reaches() { # MACHINE FIRMWARE DISK PROCESSORS
	local name=$1-$2-$3-$4
	converse "$name" 20G 'GNU GRUB' 'k' 'Linux version' end -- -machine "$1" -m 256 -smp "$4" $(firmware "$2" "$name") \
		$(disk_on "$1" "$3" "$tiny")
	claim $? "$1, $2, $3, $4 processors: to GRUB's menu and the kernel's first line" \
		"status $status; $(tail -n 1 "$out/$name.err") $(plain | grep -a . | tail -n 2 | tr '\n' ';')"
}
