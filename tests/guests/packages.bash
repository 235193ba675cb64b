# Downloads Debian packages to $packages, for the fetch*.sh here. Root is not needed. What has been downloaded
# once is used again. The caller sets `packages`, and calls packages_done at the end.
mkdir -p "$packages"
packages=$(realpath "$packages")
lists=$packages/lists # our own package lists, if the system's are missing or too old
exec 9>"$packages/lock"
flock 9 # one at a time, of several makes with the same GUESTS
apt_options=()

refresh_lists() {
	echo "fetching package lists (the system's are missing or old)"
	mkdir -p "$lists/state/partial" "$lists/cache/archives/partial"
	apt_options=(-o "Dir::State::Lists=$lists/state" -o "Dir::Cache=$lists/cache" -o APT::Sandbox::User=root)
	apt-get "${apt_options[@]}" -qq update
}

try_download() { # WHAT-FOR PACKAGE...
	echo "downloading ${*:2}, $1"
	(cd "$packages" && apt-get "${apt_options[@]}" -o APT::Sandbox::User=root -qq download "${@:2}")
}

download() { # WHAT-FOR PACKAGE...
	try_download "$@" && return
	[[ ${#apt_options[@]} == 0 ]] || return 1
	refresh_lists && try_download "$@"
}

have() { # PATTERN: the newest of the files, if there are any
	local files=("$packages"/$1)
	[[ -e ${files[0]} ]] || return 1
	printf '%s\n' "${files[@]}" | sort -V | tail -n 1
}

depends() { # PACKAGE...: the packages that they depend on directly
	apt-cache "${apt_options[@]}" depends --important "$@" 2>/dev/null | sed -n 's/^ *Depends: \([^<]*\)$/\1/p'
}

packages_done() { rm -rf "$lists"; }
