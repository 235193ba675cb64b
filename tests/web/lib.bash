# What the tests of the page share. They are of what `make web` has built, and skip themselves where it has built
# nothing, or from sources that are older than those here: `make test` needs no compiler for WebAssembly.
O=${O:-o} VMXRAY=${VMXRAY:-$O/vmxray}
cd "$(dirname "$0")/../.." || exit 2

skip() { # WHY
	echo "ok $(basename "$0" .sh) # SKIP $1"
	echo 1..1
	exit 0
}

built() { # FILE
	[[ -e $1 ]] || skip "make web has not been run"
	[[ -z $(find cpu vmx devices monitor web -name '*.[chjd]*' -newer "$1" -print -quit) ]] ||
		skip "$1 is older than the sources: make web"
	type -P node >/dev/null || skip "there is no node here"
}

count=0
check() { # NAME STATUS [WHY]
	((count++))
	if (($2 == 0)); then echo "ok $1"; else echo "not ok $1 - ${3:-}"; fi
}

native() { # WORDS: what the native program says of a run of turtles
	"$VMXRAY" -kernel "$O/turtles.elf" -append "$1" -m 64 -nographic -no-reboot \
		-device isa-debug-exit,iobase=0xf4,iosize=4 -hash </dev/null 2>&1
}
