# How high a room stands: rooms_read(FILE) reads tests/law/rooms, height(FLOOR, ROOM) is a number that grows upwards.
# The rooms of monitor in CORE (names parted by spaces) belong to the library and stand below the others.

function rooms_read(file,    line, field, count, i) {
	base["cpu"] = 1000; base["vmx"] = 2000; base["devices"] = 3000; base["monitor"] = 4000
	while ((getline line < file) > 0) {
		sub(/#.*/, "", line)
		if (line ~ /^except /) {
			sub(/^except /, "", line)
			count = split(line, field, /: */)
			if (count > 1) except[field[1]] = field[2]
		} else if (line ~ /^[a-z]+:/) {
			count = split(line, field, /[: ]+/)
			listed[field[1]] = 1
			for (i = 2; i <= count; i++) if (field[i] != "") order[field[1] "/" field[i]] = i
		}
	}
	count = split(CORE, field, / +/)
	for (i = 1; i <= count; i++) if (field[i] != "") core["monitor/" field[i]] = 1
}

function is_core(floor, room) { return floor != "monitor" || (floor "/" room) in core }

function height(floor, room) {
	return base[floor] + (is_core(floor, room) ? 0 : 100) + order[floor "/" room]
}
