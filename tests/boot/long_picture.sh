#!/bin/bash
# A graphical program (tests/guests/disk/draw.c) on the framebuffer that OVMF gives to Linux: what it drew is on the screen.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
need "$tiny"
recording=$out/picture.run
rm -f "$recording"* "$out/picture.ppm"

{ converse picture 20G 'GNU GRUB' 'p' '== (drawn|no picture): .*' kill -- -machine q35 -m 256 $(firmware uefi picture) \
	$(disk_on q35 virtio "$tiny") -record "$recording"; } 2>"$out/picture.shell"
claim $? 'a program draws' "status $status; $(tail -n 1 "$out/picture.err") $(plain | tail -n 2 | tr '\n' ';')"
size=$(plain | sed -n 's/.*== drawn: \([0-9]*\) x \([0-9]*\).*/\1 \2/p')
printf '%s\n' 'goto end' "screendump $out/picture.ppm" "screendump $out/picture.png" quit |
	timeout "$seconds" "$VMXRAY" -replay "$recording" -S -serial null -monitor stdio >"$out/picture.said" 2>&1
[[ $size && $(head -n 2 "$out/picture.ppm" | tail -n 1) == "$size" ]]
claim $? 'the picture has its size' "$size; $(tail -n 3 "$out/picture.said")"
dot() { # COLUMN ROW
	od -An -tx1 -j $(($(stat -c %s "$out/picture.ppm") - 3 * width * height + 3 * ($2 * width + $1))) -N 3 "$out/picture.ppm"
}
read -r width height <<<"${size:-1 1}"
# The console's cursor blinks in the corner above on the left.
[[ $(dot 99 0)$(dot 0 99)$(dot $((width - 1)) $((height - 1))) == ' ff ff ff ff ff ff ff ff ff' ]]
claim $? 'its frame is white' "$(dot 99 0)$(dot 0 99)$(dot $((width - 1)) $((height - 1)))"
[[ $(dot $((width * 3 / 4)) $((height / 2)))$(dot 10 $((height / 2))) == ' 00 00 00 20 30 60' ]]
claim $? 'the set is black, and far from it is the second band' "$(dot $((width * 3 / 4)) $((height / 2)))$(dot 10 $((height / 2)))"
rm -f "$recording"*
