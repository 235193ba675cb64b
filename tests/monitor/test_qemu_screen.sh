#!/bin/bash
# The same small guests here and in QEMU: their pictures, dot by dot. QEMU has fewer bits of each colour (its lower ones
# are not filled up), so as many as there are count.
. "$(dirname "$0")/lib.bash"

type -P qemu-system-x86_64 >/dev/null || { echo 'ok pictures as in QEMU # SKIP qemu-system-x86_64 is not here'; exit; }
[[ -e /usr/share/seabios/vgabios-stdvga.bin ]] || { echo 'ok pictures as in QEMU # SKIP seabios is not here'; exit; }
same=$(tool tool_same)
theirs() { # KERNEL PICTURE
	rm -f "$dir/serial" "$2" "$dir/fifo"
	mkfifo "$dir/fifo"
	timeout --kill-after=5 60 qemu-system-x86_64 -accel tcg -kernel "$1" -vga std -display none -serial "file:$dir/serial" \
		-monitor stdio -net none <"$dir/fifo" >"$dir/qemu.log" 2>&1 &
	exec 4>"$dir/fifo"
	until_true test -s "$dir/serial"
	sleep 0.2
	printf 'screendump %s\nquit\n' "$2" >&4
	exec 4>&-
	wait $!
}
while read -r name bits; do
	kernel=$(guest "$name")
	printf '%s\n' 'run-to 5000000' "screendump $dir/ours.ppm" quit >"$dir/script"
	vmxray -kernel "$kernel" -vga std -serial null -S -x "$dir/script" </dev/null
	theirs "$kernel" "$dir/theirs.ppm"
	said=$("$same" "$dir/ours.ppm" "$dir/theirs.ppm" "$bits" 2>&1)
	claim $? "$name" "$said; $err"
done <<'END'
chars 6
mode12 6
mode13 6
linear16 5
linear32 8
END
