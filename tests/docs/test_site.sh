#!/bin/bash
# make docs: each page is there, with a navigation; no link of the pages is dead, anchors too; nothing is loaded from elsewhere; the
# manuals made from rows have each command and option. And of the commands that pages name without showing what they say:
# each way to start vmxray is gone for a few steps, with stand-ins for the reader's own files; each command of the monitor is
# one that a transcript of tests/monitor, or a block that test_pages carries out, runs. (test_pages carries out those behind `$`.)
. "$(dirname "$0")/../claim.bash"
dir=$PWD/$O/tests/docs/site
rm -rf "$dir"
mkdir -p "$dir/o"
mapfile -t pages < <(ls README.md docs/*.md docs/*/*.md labs/README.md labs/*/README.md)

# --- commands that start vmxray ---
for file in *; do [[ $file == o ]] || ln -sf "$PWD/$file" "$dir/$file"; done
for file in "$PWD/$O"/{vmxray,turtles.elf,labs} "$PWD/$GUESTS"; do ln -sf "$file" "$dir/o/${file##*/}"; done
truncate -s 1M "$dir/disk.img" "$dir/rescue.iso"
ln -sf "$PWD/$GUESTS/vmlinuz" "$dir/bzImage"
ln -sf "$PWD/$GUESTS/initramfs.cpio" "$dir/initrd.img"
# Lines of indented blocks, those that end with \ made one: without a prompt, up to two spaces in a row, where a remark begins.
starts() { # PAGE
	awk '/^    .*\\$/ { sub(/\\$/, ""); kept = kept $0; next } { line = kept $0; kept = ""; gsub(/\\? {8}-/, " -", line); print line }' "$1" |
		sed -nE 's/^    ((o\/)?vmxray -?[a-z].*)$/\1/p' | sed -E 's/ {2,}[^ -].*//; s/ \.\.\.$//' | grep -v '  |' | sort -u
	grep -oE '`(o/)?vmxray (-|disk)[^`]*`' "$1" | tr -d '`' | sort -u
}
# What a reader puts in is a stand-in here, and nobody waits for a person or for gdb. -loadvm needs a file that savevm has
# written: tests/monitor/test_savevm; -rows, -help and their like run nothing.
of_lab='o/labs/[^ ]*[.]elf'
begun() { # PAGE COMMAND
	local words=${2#o/} status
	words=${words#vmxray}
	[[ $words != *-loadvm* && $words != *-rows* && $words != *-help* ]] || return
	words=${words/-kernel .../-kernel o/turtles.elf} words=${words/-kernel FILE/-kernel o/turtles.elf} words=${words/o\/rescue\/linux.iso/rescue.iso}
	[[ $words == *-kernel* || $words == *disk.img* || $words == *rescue.iso* || $words == *-hda* ]] || words+=' -kernel o/turtles.elf'
	[[ $words != *bzImage* || -e $dir/bzImage ]] || { echo "ok $1: $2 # SKIP there is no kernel in $GUESTS"; return; }
	[[ $words != */ovmf/* && $words != */OVMF/* || -e /usr/share/OVMF/OVMF_CODE_4M.fd ]] || { echo "ok $1: $2 # SKIP there is no ovmf"; return; }
	words=${words/-display sdl/-display none} words=${words/ -S/} words=${words% -s}
	[[ ! $words =~ $of_lab || -e $dir/${BASH_REMATCH[0]} ]] || { echo "ok $1: $2 # SKIP the labs are not built"; return; }
	(cd "$dir" && eval "timeout --kill-after=5 60 ./o/vmxray $words -steps 1000" </dev/null >said 2>&1)
	status=$?
	((status == 6 || status == 4)) # it went all those steps, or came to an end of its own, as a lab's start does
	claim $? "$1: $2" "status $status: $(tail -n 2 "$dir/said" | tr '\n' ';')"
}
for page in "${pages[@]}"; do
	while read -r command; do begun "$page" "$command"; done < <(starts "$page")
done

# --- commands at the prompt ---
run=$(sed 's/^ *//' tests/monitor/transcripts/*.cmd | cut -d ' ' -f 1; grep -ohE "'[a-z][a-z-]*[ ']|[a-z-]+" <(grep -h '^    \$ printf' docs/*.md) | tr -d "' ")
run=$(sort -u <<<"$run")
lost=
while read -r word; do
	grep -qxF -- "$word" <<<"$run" || lost+="$word "
done < <(sed -nE 's/^    \(vmxray\) ([a-z-]+).*/\1/p' "${pages[@]}" | sort -u)
[[ -z $lost ]]
claim $? 'each command behind (vmxray) is run by a transcript or a block that is carried out' "$lost"

lost=$(sed -nE 's/^    \(gdb\) ([a-z-]+).*/\1/p' "${pages[@]}" | sort -u | while read -r word; do grep -qE "\b$word\b" tests/gdb/*.sh tests/gdb/lib.bash || echo "$word"; done)
[[ -z $lost ]]
claim $? 'each command behind (gdb) is one that tests/gdb gives to gdb' "$lost"
lost=$(sed -n 's/^COMMAND([A-Z]*, *"\([^"]*\)".*/\1/p' monitor/session/command.def | while read -r word; do sed 's/^ *//' tests/monitor/transcripts/*.cmd | cut -d ' ' -f 1 | grep -qxF -- "$word" || echo "$word"; done)
[[ -z $lost ]]
claim $? "each command of the monitor's manual is run by a transcript" "$lost"

# --- make ---
lost=
while read -r target; do
	grep -qE "^\.PHONY:.*\b$target\b|^$target:" Makefile tests/guests/*.mk tests/guests/*/*.mk tests/*/rules.mk web/web.mk labs/labs.mk docs/site/docs.mk || lost+="$target "
done < <(grep -ohE '`make [^`]*`' "${pages[@]}" | tr -d '`' | grep -v -e ' -C ' -e ' o/' | tr ' ' '\n' | grep -xE '[a-z][a-z-]*' | grep -vx make | sort -u)
[[ -z $lost ]]
claim $? 'each make TARGET that a page names is there' "$lost"
if [[ -x $O/labs/check ]]; then
	while read -r command; do
		said=$($command O="$O" CC="$CC" SAN="${SAN:-}" COV="${COV:-}" 2>/dev/null)
		[[ $said == 'lab '* ]]
		claim $? "$command" "$said"
	done < <(grep -ohE '`make -C [^`]*`|^    make -C [^ ]* check' "${pages[@]}" | tr -d '`' | sed 's/^ *//' | sort -u)
fi

# --- the site ---
command -v pandoc >/dev/null || { echo 'ok the pages # SKIP there is no pandoc (scripts/need.sh docs)'; exit; }
make -s O="$O" CC="$CC" SAN="${SAN:-}" COV="${COV:-}" docs >"$dir/log" 2>&1
claim $? 'make docs' "$(tail -n 3 "$dir/log" | tr '\n' ';')"
site=$O/docs
lost=
for page in "${pages[@]}"; do [[ -s $site/${page%.md}.html ]] || lost+="$page "; done
[[ -z $lost ]]
claim $? 'each page is there' "$lost"
lost=$(awk -F' *[|] *' '$1 ~ /\.md/ { sub(/#.*/, "", $1); print $1 }' docs/site/pages.txt | while read -r page; do [[ -e $page ]] || echo "$page"; done)
[[ -z $lost ]]
claim $? 'the navigation leads to pages that there are' "$lost"

# PAGE<TAB>LINK of each link, PAGE<TAB>#ANCHOR of each anchor, of all but the page for browsers, which is one program.
mapfile -t made < <(cd "$site" && find . -name '*.html' ! -path ./index.html | sed 's,^\./,,' | sort)
(cd "$site" && grep -oE '(href|src)="[^"]*"' "${made[@]}" | sed -E 's/^([^:]*):[a-z]*="(.*)"$/\1\t\2/' | sort -u) >"$dir/links"
(cd "$site" && grep -oE ' id="[^"]*"' "${made[@]}" | sed -E 's/^([^:]*): id="(.*)"$/\1#\2/' | sort -u) >"$dir/anchors"
awk -F'\t' 'function flat(path, n, i, part, at, out) {
		n = split(path, part, "/"); at = 0
		for (i = 1; i <= n; i++) if (part[i] == "..") at--; else if (part[i] != "." && part[i] != "") kept[++at] = part[i]
		for (i = 1; i <= at; i++) out = out (i > 1 ? "/" : "") kept[i]
		return out
	}
	$2 ~ /^[a-z]+:/ { next }
	{ folder = $1; if (!sub(/[^\/]*$/, "", folder)) folder = ""
	  path = $2; anchor = ""
	  if (match(path, /#/)) { anchor = substr(path, RSTART); path = substr(path, 1, RSTART - 1) }
	  print (path == "" ? $1 : flat(folder path)) "\t" anchor "\t" $1 }' "$dir/links" | sort -u >"$dir/targets"
dead=$(while IFS=$'\t' read -r path anchor from; do
	[[ -e $site/$path ]] || echo "$from: $path"
	[[ $anchor != '#'?* ]] || grep -qxF -- "$path$anchor" "$dir/anchors" || echo "$from: $path$anchor"
done <"$dir/targets")
[[ -z $dead ]]
claim $? "no link of $(wc -l <"$dir/targets") is dead, anchors too" "$(head -n 5 <<<"$dead" | tr '\n' ';')"
elsewhere=$(cd "$site" && grep -lE '(src|stylesheet" href)="(https?:)?//|@import|url\(' "${made[@]}" style.css)
[[ -z $elsewhere ]]
claim $? 'nothing is loaded from elsewhere' "$elsewhere"
lost=
for page in "${made[@]}"; do
	(($(grep -c '<li><a href=' "$site/$page") > 30)) && grep -q 'lang="en"' "$site/$page" && grep -q '<title>..* – vmxray' "$site/$page" || lost+="$page "
done
[[ -z $lost ]]
claim $? 'each page has a title and the navigation' "$lost"
lost=
for picture in floors levels time; do grep -q "aria-label=\"$(sed -n 's/.*aria-label="\([^"]*\)".*/\1/p' "$site/$picture.svg")\"" "$site/docs/architecture.html" || lost+="$picture "; done
for room in $(sed -n 's/^[a-z]*: //p' tests/law/rooms | grep -v '^why'); do grep -q ">$room</text>" "$site/docs/architecture.html" || lost+="$room "; done
[[ -z $lost ]]
claim $? 'the pictures are there, with every room' "$lost"
lost=$(sed -n 's/^COMMAND([A-Z]*, *"\([^"]*\)".*/\1/p' monitor/session/command.def | while read -r word; do
	grep -qE -- "<strong>$word( |<)" "$site/vmxray-monitor.7.html" || echo "$word"
done)
[[ -z $lost ]]
claim $? "the monitor's manual has each command" "$(tr '\n' ' ' <<<"$lost")"
