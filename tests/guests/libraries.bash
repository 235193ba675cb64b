# Programs of Debian packages with the libraries they are linked with, unpacked under $root, for fetch-qemu.sh and
# fetch-xen.sh. The caller sets `dir` and `root`.
packages=$dir/packages
. "${BASH_SOURCE[0]%/*}/packages.bash"
rm -rf "$root"
mkdir -p "$root"
declare -A unpacked used # package -> 1; library -> file
missing=()

unpack() { # WHAT-FOR PACKAGE...
	local package absent=()
	for package in "${@:2}"; do
		have "${package}_*.deb" >/dev/null || absent+=("$package")
	done
	((${#absent[@]} == 0)) || download "$1" "${absent[@]}"
	for package in "${@:2}"; do
		unpacked[$package]=1
		dpkg-deb --fsys-tarfile "$(have "${package}_*.deb")" |
			tar -x -C "$root" --exclude './usr/share/doc' --exclude './usr/share/man'
	done
}

library() { find "$root" -name "$1" | head -n 1; }
needs() { readelf -d "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

follow() { # FILE...: adds to `used` and `missing` what they need
	local name file
	for name in $(for file; do needs "$file"; done); do
		[[ -z ${used[$name]:-} ]] || continue
		file=$(library "$name")
		if [[ -z $file ]]; then
			missing+=("$name")
			continue
		fi
		used[$name]=$file
		follow "$file"
	done
}

# Packages of libraries, those that the first packages depend on, then those that these depend on, until nothing is missing.
unpack_libraries() { # WHAT PACKAGES PROGRAM...
	local what=$1 frontier=($2) next name
	while used=() missing=() && follow "${@:3}" && ((${#missing[@]})); do
		next=()
		for name in $(depends "${frontier[@]}" | grep -E '^(lib|zlib)' | LC_ALL=C sort -u); do
			[[ -n ${unpacked[$name]:-} ]] || next+=("$name")
		done
		if ((${#next[@]} == 0)); then
			echo "no package has ${missing[*]}, which $what needs" >&2
			exit 1
		fi
		unpack "libraries of $what" "${next[@]}"
		frontier=("${next[@]}")
	done
}

# Lines for newc.
entry() { # PATH-IN-THE-GUEST FILE MODE
	echo "file $1 $3 $2"
}
library_entries() {
	local name
	entry lib64/ld-linux-x86-64.so.2 "$(realpath --relative-to=. "$(library ld-linux-x86-64.so.2)")" 755
	for name in $(printf '%s\n' "${!used[@]}" | LC_ALL=C sort); do
		[[ $name != ld-linux* ]] || continue
		entry "usr/lib/$name" "$(realpath --relative-to=. "${used[$name]}")" 755
	done
}
