#!/bin/bash
# Prints each breach of the house's order in the sources under DIR/{cpu,vmx,devices,monitor}/ROOM: sources.sh DIR
#
#   include FILE HEADER     a file includes one of a floor or a room above (inline functions leave no symbol)
#   unlisted FLOOR/ROOM     a room that its floor's line does not name
#   absent FLOOR/ROOM       a line or an exception names a room that is not there
#   size FLOOR/ROOM N       fewer than 5 or more than 25 files without an exception
#   needless FLOOR/ROOM     an exception for a room that has 5 to 25 files
#
# ROOMS and CORE as for layers.sh.  Floors without a line are judged by the order of the floors alone.
set -eu
export LC_ALL=C
here=$(dirname "${BASH_SOURCE[0]}")
cd "$1"
find cpu vmx devices monitor -mindepth 2 -maxdepth 2 -name '*.[ch]' -o -name '*.def' 2>/dev/null | sort |
	xargs -r awk -v CORE="${CORE:-}" -v rooms="${ROOMS:-$here/rooms}" -f "$here/height.awk" -f <(cat <<'END'
	BEGIN { rooms_read(rooms) }
	FNR == 1 { split(FILENAME, from, "/"); files[from[1] "/" from[2]]++ }
	/^[ \t]*#[ \t]*include[ \t]*["<](cpu|vmx|devices|monitor)\// {
		split($0, word, /["<>]/)
		if (split(word[2], to, "/") > 2 && height(to[1], to[2]) > height(from[1], from[2])) print "include", FILENAME, word[2]
	}
	END {
		for (room in order) if (!(room in files)) print "absent", room
		for (room in except) if (!(room in files)) print "absent", room
		for (room in files) {
			split(room, part, "/")
			if (!(part[1] in listed)) continue
			fits = files[room] >= 5 && files[room] <= 25
			if (!(room in order)) print "unlisted", room
			if (!fits && !(room in except)) print "size", room, files[room]
			if (fits && room in except) print "needless", room
		}
	}
END
)
