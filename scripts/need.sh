#!/bin/bash
# Makes sure that what a step needs is there: need.sh STEP...  (build, test, turtles, guests, disk, web, docs, lint)
#
# For each missing package one line says which and what for; then apt-get installs them all.  Without root the exact
# apt-get line is printed and the exit status is 1.  When nothing is missing no program is started.  NEED=check installs nothing:
# it only says what is missing, and ends with status 1.
set -u

# step    package          what for                                           how to see that it is there
needs='
build     libc6-dev        compiling anything (headers of the C library)      header stdio.h
build     libelf-dev       reading ELF kernels and their symbols              header gelf.h
build     libdw-dev        source lines of programs with debug information    header elfutils/libdwfl.h
build     libzydis-dev     disassembly in the monitor (and judging our decoder) header Zydis/Zydis.h
build     libreadline-dev  command line of the monitor                      header readline/readline.h
build     libseccomp-dev   leaving a run only the system calls that it needs  header seccomp.h
build     libzstd-dev      compressing snapshots                             header zstd.h
build     libsdl2-dev      the display in a window                            header SDL2/SDL.h
build     libncurses-dev   the display on a terminal                          header curses.h
build     libpng-dev       pictures of the display                            header png.h
build     libxxhash-dev    hashing the state of the machine                   header xxhash.h
test      xvfb             a window for the tests                             command Xvfb
test      xdotool          keys and clicks in it                              command xdotool
test      gdb              debugging guests through the gdb server            command gdb
test      pkg-config       using the library as others would                 command pkg-config
test      libmpfr-dev      judging sines, logarithms and their like             header mpfr.h
test      seabios          booting from a BIOS                                  file /usr/share/seabios/bios-256k.bin
test      ovmf             booting from UEFI                                    file /usr/share/OVMF/OVMF_CODE_4M.fd
turtles   gcc              compiling the guest of make run                    command gcc
guests    apt              downloading the packages the guests are made of    command apt-get
guests    libc6-dev        linking the guest program (static C library)       library libc.a
disk      fdisk            partitioning disk images                           command sfdisk
disk      dosfstools       making their EFI system partitions                 command mkfs.vfat
disk      mtools           putting files there                                command mcopy
disk      e2fsprogs        making their root file systems                     command mke2fs
disk      grub-common      making core images of GRUB                         command grub-mkimage
disk      grub-pc-bin      GRUB for a BIOS                                    file /usr/lib/grub/i386-pc/boot.img
disk      grub-efi-amd64-bin GRUB for UEFI                                    file /usr/lib/grub/x86_64-efi/fat.mod
disk      xorriso          making rescue CDs                                  command xorriso
disk      mmdebstrap       making a Debian root file system                   command mmdebstrap
web       clang-19         compiling for WebAssembly                           command clang-19
web       lld-19           linking for WebAssembly                             command wasm-ld-19
web       libclang-rt-19-dev-wasm32 what the compiler calls there              file /usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a
web       wasi-libc        the C library there                                 file /usr/include/wasm32-wasi/stdio.h
web       nodejs           putting the page together                           command node
docs      pandoc           making pages for browsers of docs                   command pandoc
lint      clang-format     checking the layout of the sources                 command clang-format
lint      clang-tidy       checking the sources for mistakes                  command clang-tidy
lint      cppcheck         checking the sources for mistakes                  command cppcheck
'
if [[ ${CC:-gcc} == *clang* ]]; then
	needs+="build clang compiling with CC=$CC command ${CC%% *}"$'\n'
else
	needs+="build gcc compiling command ${CC:-gcc}"$'\n'
fi

header() {
	local dir
	for dir in /usr/include /usr/local/include /usr/include/x86_64-linux-gnu; do
		[[ -e $dir/$1 ]] && return
	done
	# Perhaps the compiler looks elsewhere.
	echo "#include <$1>" | "${CC:-gcc}" -E -o /dev/null - 2>/dev/null
}

library() {
	local dir
	for dir in /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/lib /usr/local/lib; do
		[[ -e $dir/$1 ]] && return
	done
	[[ $("${CC:-gcc}" -print-file-name="$1" 2>/dev/null) == /* ]]
}

command_() {
	PATH=$PATH:/usr/sbin:/sbin type -P -- "$1" >/dev/null
}

is_there() {
	case $1 in
	header) header "$2" ;;
	library) library "$2" ;;
	command) command_ "$2" ;;
	file) [[ -e $2 ]] ;;
	esac
}

missing=()
find_missing() {
	local step line package rest
	missing=()
	while read -r step package rest; do
		[[ -n $step && " $* " == *" $step "* ]] || continue
		local words=($rest)
		local count=${#words[@]}
		is_there "${words[count - 2]}" "${words[count - 1]}" && continue
		missing+=("$package")
		[[ -n ${quiet:-} ]] || echo "missing: $package, for ${words[*]:0:count-2}"
	done <<<"$needs"
}

find_missing "$@"
((${#missing[@]})) || exit 0

if [[ ${NEED:-} == check ]]; then
	echo "NEED=check: nothing was installed. The names are Debian's; the line would be" >&2
	echo "    apt-get install --no-install-recommends ${missing[*]}" >&2
	exit 1
fi
if ! command_ apt-get; then
	echo "There is no apt-get here: please install what is named above (Debian's names)." >&2
	exit 1
fi
if ((EUID != 0)); then
	# In one go what this step and the usual later ones need.
	quiet=1 find_missing "$@" build test guests
	echo "Not root, so nothing was installed. Please run:" >&2
	echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
	exit 1
fi

install() {
	echo "+ apt-get install -y --no-install-recommends ${missing[*]}"
	apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}

export DEBIAN_FRONTEND=noninteractive
# No lists, or lists so old that their files are gone: fetch lists, then once more.
if ! apt-cache show "${missing[@]}" >/dev/null 2>&1 || ! install; then
	echo "+ apt-get update"
	apt-get -qq -o DPkg::Lock::Timeout=300 update && install || exit 1
fi
quiet=1 find_missing "$@"
if ((${#missing[@]})); then
	echo "Still missing after the installation: ${missing[*]}" >&2
	exit 1
fi
