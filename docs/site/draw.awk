# Draws a picture of the architecture as SVG: awk -v picture=floors|levels|time -f draw.awk tests/law/rooms
#
# floors: the floors and their rooms, as the law has them in that file; levels: what runs above what; time: a run and its past.
function text(x, y, class, words) {
	printf "<text x=\"%d\" y=\"%d\" class=\"%s\">%s</text>\n", x, y, class, words
}
function box(x, y, wide, high, class) {
	printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\" class=\"%s\"/>\n", x, y, wide, high, class
}
function arrow(x1, y1, x2, y2, dx, dy, d) {
	d = sqrt((x2 - x1) ^ 2 + (y2 - y1) ^ 2)
	dx = (x2 - x1) / d
	dy = (y2 - y1) / d
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"arrow\"/>", x1, y1, x2 - 8 * dx, y2 - 8 * dy
	printf "<polygon points=\"%.1f,%.1f %.1f,%.1f %.1f,%.1f\" class=\"head\"/>\n", x2, y2, x2 - 9 * dx - 4 * dy, \
		y2 - 9 * dy + 4 * dx, x2 - 9 * dx + 4 * dy, y2 - 9 * dy - 4 * dx
}
function begin(wide, high, title) {
	printf "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n", wide, high, wide, high, title
}

# --- floors: the highest above; its rooms from low to high ---
function draw_floors(of, n, i, room, x, y, line, high, tops) {
	for (of = floors; of > 0; of--) {
		n = split(rooms[of], room, " ")
		lines[of] = int((n + 6) / 7)
		high += 60 + lines[of] * 32
	}
	begin(860, high - 20, "The floors of the tree and their rooms: each calls only what is to its left, and what is below it")
	y = 4
	for (of = floors; of > 0; of--) {
		n = split(rooms[of], room, " ")
		box(2, y, 856, 34 + lines[of] * 32, "card")
		box(2, y, 8, 34 + lines[of] * 32, "b" (of - 1))
		text(22, y + 20, "name", floor[of] "/")
		text(120, y + 20, "dim", about[floor[of]])
		for (i = 1; i <= n; i++) {
			x = 22 + (i - 1) % 7 * 118
			line = int((i - 1) / 7)
			text(x, y + 44 + line * 32, "", room[i])
		}
		if (of > 1) arrow(840, y + 30 + lines[of] * 32, 840, y + 60 + lines[of] * 32)
		y += 60 + lines[of] * 32
	}
}

# --- levels ---
function draw_levels(i, y, name, what, has) {
	begin(860, 330, "Levels: vmxray models the processor; L0, L1 and L2 run on it, one above the other")
	split("vmxray,L0,L1,L2", name, ",")
	split("the processor, VT-x, the PC: it steps and explains every level|a hypervisor, in VMX root operation|" \
		"a hypervisor in its guest: its VMX instructions exit to L0|a guest of the guest", what, "|")
	split("TLB, caches, clocks; what happened, and by which rule|vmcs01 and EPT01 for L1; vmcs02 and EPT02, merged for L2|" \
		"vmcs12 and EPT12: what it wants for L2|page tables of its own", has, "|")
	for (i = 1; i <= 4; i++) {
		y = 330 - 82 * i
		box(170, y, 560, 62, "card")
		box(170, y, 8, 62, "b" (i + 2) % 4)
		text(192, y + 26, "name", name[i])
		text(262, y + 26, "", what[i])
		text(262, y + 48, "dim", has[i])
	}
	# An exit of L2 comes to L0, which reflects it to L1; L1's VMRESUME exits to L0, which enters L2.
	arrow(160, 30, 160, 190)
	text(20, 60, "dim", "1  VM exit of L2")
	text(20, 78, "dim", "comes to L0")
	arrow(130, 190, 130, 125)
	text(20, 150, "dim", "2  reflected")
	arrow(742, 118, 742, 190)
	text(752, 196, "dim", "3  VMRESUME")
	text(752, 214, "dim", "of L1 exits")
	arrow(772, 176, 772, 30)
	text(782, 60, "dim", "4  VM entry")
}

# --- time ---
function draw_time(i, x) {
	begin(860, 210, "A run: steps, the inputs that came from outside, and checkpoints to go back to")
	text(10, 24, "name", "A run")
	arrow(20, 80, 840, 80)
	text(780, 105, "dim", "steps")
	for (i = 0; i < 5; i++) {
		x = 60 + i * 160
		box(x, 66, 10, 28, "b1")
		text(x - 24, 124, "dim", "checkpoint")
	}
	for (i = 0; i < 4; i++) arrow(118 + i * 190, 42, 118 + i * 190, 76)
	text(90, 36, "dim", "inputs: keys, packets, a reset, each stamped with its position")
	box(472, 68, 6, 24, "b2")
	arrow(475, 106, 388, 106)
	arrow(388, 96, 470, 96)
	text(300, 154, "dim", "goto: back to the checkpoint before, then forward with the same inputs")
	text(10, 195, "dim", "The same configuration and the same inputs give the same machine, bit for bit: so the past can be gone through again, and asked.")
}

BEGIN {
	about["cpu"] = "one logical processor"
	about["vmx"] = "VT-x: exits, entries, VMCS, EPT, levels"
	about["devices"] = "the PC; its past, kept and asked"
	about["monitor"] = "what a person or a tool talks to"
}
/^[a-z]+: / {
	floor[++floors] = substr($1, 1, length($1) - 1)
	sub(/^[a-z]+: /, "")
	rooms[floors] = $0
}
END {
	if (picture == "floors") draw_floors()
	else if (picture == "levels") draw_levels()
	else if (picture == "time") draw_time()
	print "</svg>"
}
