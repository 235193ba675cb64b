#!/bin/bash
# The Debian packages, built in a chroot that has the packages of Build-Depends and nothing else, without network; twice, in two
# folders: the packages are equal. lintian finds no errors. The program runs a guest there as here, and a program can be linked
# with the library. CHROOT=DIR: takes that one, and leaves it; else debootstrap makes one out of the archive of this machine's apt.
. "$(dirname "$0")/../claim.bash"
skip() {
	echo "ok the Debian packages # SKIP $1"
	exit
}
((EUID == 0)) || skip 'a chroot needs root'
type -P debootstrap unshare >/dev/null || skip 'there is no debootstrap'
[[ -z ${SAN:-}${COV:-} ]] || skip 'packages are not instrumented'
dir=$PWD/$O/tests/debian
chroot=${CHROOT:-$dir/chroot}
mkdir -p "$dir"

# --- the chroot ---

needs=$(sed -n '/^Build-Depends:/,/^[^ ]/ { s/^Build-Depends://; s/debhelper-compat[^,]*/debhelper/; /^ /p; 1p }' debian/control | tr -d ' \n')
needs=debhelper,${needs#,}
if [[ -z ${CHROOT:-} ]]; then
	read -r mirror suite < <(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 2>/dev/null | grep -v -e security -e updates)
	[[ -n ${suite:-} ]] || skip 'apt knows no archive'
	rm -rf --one-file-system "$chroot"
	debootstrap --variant=buildd --include="${needs%,}" "$suite" "$chroot" "$mirror" >"$dir/debootstrap.log" 2>&1 ||
		skip "no chroot can be made of $mirror: $(tail -n 1 "$dir/debootstrap.log")"
fi
unshare --net true 2>/dev/null || skip 'no network namespace can be had'
inside() { # SCRIPT: in the chroot, which has no network and no other processes
	unshare --net --mount --pid --fork bash -c 'mount -t proc proc "$1/proc" 2>/dev/null; exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 bash -c "$2"' - "$chroot" "$1"
}

# --- the packages ---

version=$(sed -n '1s/.*(\(.*\)-.*/\1/p' debian/changelog)
rm -rf "$chroot/build"
inside 'dpkg --purge vmxray libvmxray-dev vmxray-doc vmxray-dbgsym' >/dev/null 2>&1 # of an earlier run
places=(/build/one "/build/another/place")
{ git ls-files 2>/dev/null || find . -path ./o -prune -o -type f -print; } >"$dir/files"
tar -c -T "$dir/files" -f "$dir/source.tar"
for place in "${places[@]}"; do
	mkdir -p "$chroot$place/vmxray-$version"
	tar -x -f "$dir/source.tar" -C "$chroot$place/vmxray-$version"
	tar -C "$chroot$place" --exclude="vmxray-$version/debian" -cJf "$chroot$place/vmxray_$version.orig.tar.xz" "vmxray-$version"
	inside "cd $place/vmxray-$version && nice -n 10 dpkg-buildpackage -us -uc -j2" >"$dir/build.log" 2>&1
	claim $? "the packages are built in $place" "$(tail -n 4 "$dir/build.log" | tr '\n' ';')"
done
sums() { (cd "$chroot$1" && sha256sum -- *.deb); }
[[ $(sums "${places[0]}" | wc -l) -ge 4 && $(sums "${places[0]}") == "$(sums "${places[1]}")" ]]
claim $? 'they do not depend on the folder' "$(diff <(sums "${places[0]}") <(sums "${places[1]}") | head -n 4 | tr '\n' ';')"
! grep -q 'apt-get' "$dir/build.log"
claim $? 'and the build wants to install nothing'

cd "$chroot${places[0]}" || exit 2
holds() { grep -qE " \./$2$" <<<"$(dpkg-deb -c "$1"_*.deb)"; }
holds vmxray usr/bin/vmxray && holds vmxray 'usr/share/man/man7/vmxray-monitor\.7\.gz' && holds vmxray usr/share/bash-completion/completions/vmxray &&
	holds vmxray usr/share/zsh/vendor-completions/_vmxray && holds vmxray usr/share/doc/vmxray/copyright && ! holds vmxray '.*\.[ah]' &&
	holds libvmxray-dev 'usr/lib/.*/libvmxray\.a' && holds libvmxray-dev 'usr/include/vmxray/devices/machine/machine\.h' &&
	holds libvmxray-dev 'usr/lib/.*/pkgconfig/vmxray\.pc' && holds vmxray-doc 'usr/share/doc/vmxray/tour\.md' &&
	holds vmxray-doc 'usr/share/doc/vmxray/examples/embed\.c'
claim $? 'program, library and headers, documentation have each its package' "$(ls)"
dpkg-deb -f vmxray_*.deb Depends | grep -q libreadline8 && grep -q 'GPL-3' <(dpkg-deb --fsys-tarfile vmxray_*.deb | tar -xO ./usr/share/doc/vmxray/copyright)
claim $? 'the program depends on readline, and its copyright file names the GPL'
cd "$OLDPWD" || exit 2

# --- what is in them ---

inside "dpkg -i ${places[0]}/*.deb" >"$dir/install.log" 2>&1
claim $? 'they can be installed' "$(tail -n 3 "$dir/install.log" | tr '\n' ';')"
cp "$O/turtles.elf" "$chroot/build/"
guest='-append depth=1 -m 64 -hash'
there=$(inside "vmxray -kernel /build/turtles.elf $guest </dev/null" 2>&1 | grep '^hash')
# shellcheck disable=SC2086 # words
here=$("$VMXRAY" -kernel "$O/turtles.elf" $guest </dev/null 2>&1 | grep '^hash')
[[ $here == hash* && $there == "$here" ]]
claim $? 'a guest runs there as here' "there: $there; here: $here"
inside 'gcc -std=gnu2x -I/usr/include/vmxray -o /build/embed /usr/share/doc/vmxray/examples/embed.c -lvmxray && /build/embed' >"$dir/embed.log" 2>&1
claim $? 'a program can be linked with the library' "$(head -n 3 "$dir/embed.log" | tr '\n' ';')"

lintian() { # in the chroot, where it may have to be installed; or here
	if [[ -x $chroot/usr/bin/lintian ]]; then
		inside "lintian --allow-root --fail-on error ${places[0]}/*.changes"
	else
		command lintian --allow-root --fail-on error "$chroot${places[0]}"/*.changes
	fi
}
if [[ -x $chroot/usr/bin/lintian ]] || type -P lintian >/dev/null; then
	lintian >"$dir/lintian.log" 2>&1
	claim $? 'lintian finds no errors' "$(grep '^E' "$dir/lintian.log" | head -n 5 | tr '\n' ';')"
else
	echo 'ok lintian finds no errors # SKIP there is no lintian'
fi
[[ -n ${CHROOT:-} ]] || rm -rf --one-file-system "$chroot"
