#!/bin/bash
# Names of Linux's modules, of Debian's kernel with its KVM, by two ways: found in the guest's memory, and from the files
# of the modules, where they are loaded. Judged by what nm and readelf say of the files.
. "$(dirname "$0")/lib.bash"
[[ -z ${SAN:-}${COV:-} ]] || { echo "ok names of modules # SKIP too slow with sanitizers or coverage"; exit; }

machine=(-kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/initramfs.cpio" -m 512 -nographic -no-reboot
	-append "console=ttyS0 reboot=t panic=-1 quiet vmxray=run")
intel=$GUESTS/modules/kvm-intel.ko
monitor() { # COMMAND...: at the first VM exit
	printf '%s\n' 'tcatch entry' continue stepexit "$@" quit >"$dir/script"
	timeout --kill-after=5 120 "$VMXRAY" "${machine[@]}" -x "$dir/script" </dev/null
}

# name and offset of each function, in the order of addresses, as Linux lays out the sections of code: one after the other
functions() { # MODULE
	local number name size flags alignment at=0
	declare -A begin
	while read -r number name _ _ _ size _ flags _ _ alignment; do
		[[ $flags == AX && $name != .init* ]] || continue
		at=$(((at + alignment - 1) / alignment * alignment))
		begin[$number]=$at
		at=$((at + 0x$size))
	done < <(readelf -SW "$1" | sed -nE 's/^ *\[ *([0-9]+)\] */\1 /p')
	readelf -sW "$1" | while read -r _ value _ type _ _ number name; do
		[[ $type == FUNC && -n ${begin[$number]:-} ]] && echo "$name $((begin[$number] + 0x$value))"
	done | sort
}
# the same of what the monitor exports, from the first address on
exported() { # FILE BASE MODULE
	nm "$1" | awk '{ print $3, "0x" $1 }' | sort | join -o 0,1.2 - <(functions "$3" | cut -d ' ' -f 1 | sort -u) |
		while read -r name address; do echo "$name $((address - $2))"; done | sort
}

out=$(monitor 'symbols kallsyms' bt where 'break vmx_handle_exit' 'break vmx_vcpu_run' continue continue \
	"export $dir/found.elf" 'p/x vmx_vcpu_run' 'symbols kallsyms' 'symbols clear')
[[ $out == *$'\nlevel 0 '*'symbols  kallsyms, Linux 6.'*$'\nlevel 0 '*'symbols  modules of Linux (3): kvm_intel, kvm, irqbypass'* ]]
claim $? 'three modules are found' "$(tail -n 5 <<<"$out")"
[[ $out == *$'\n  ffffffff'????????' <vmx_vmexit>  '* ]]
claim $? 'a VM exit comes to KVM by name' "$(grep -A 3 ') where' <<<"$out")"
calls=$(sed -nE '/^\(vmxray\) bt/,/^\(vmxray\) where/ s/^#[0-9]+ +[0-9a-f]+ <([a-z_0-9A-Z]+)(\+0x[0-9a-f]+)?>$/\1/p' <<<"$out" | tr '\n' ' ')
wanted='vmx_vmexit vmx_vcpu_enter_exit vmx_vcpu_run kvm_arch_vcpu_ioctl_run kvm_vcpu_ioctl __x64_sys_ioctl do_syscall_64 '
wanted+='entry_SYSCALL_64_after_hwframe '
[[ $calls == "$wanted" && $out == *'(user code)'* ]]
claim $? "the calls that led into KVM, up to the user's, by ORC of three modules and the kernel" "$calls"
[[ $out == *' <vmx_handle_exit>  0f'*' <vmx_vcpu_run>  0f'* ]]
claim $? 'breakpoints in KVM by name' "$(grep -A 3 '^[0-9]: break' <<<"$out")"
[[ $(grep -c '^level 0 .* kallsyms' <<<"$out") == 2 && $(grep -c '^level 0 .* modules of' <<<"$out") == 2 ]]
claim $? 'modules are looked for again, not twice' "$(grep '^level' <<<"$out")"

run=$(sed -nE 's/^\$1 = (0x[0-9a-f]+)$/\1/p' <<<"$out")
base=$(printf '0x%x' $((run - $(functions "$intel" | awk '$1 == "vmx_vcpu_run" { print $2 }'))))
functions "$intel" >"$dir/wanted"
exported "$dir/found.elf" "$base" "$intel" | join - "$dir/wanted" | awk '$2 == $3' | cut -d ' ' -f 1 | uniq >"$dir/found"
[[ $(wc -l <"$dir/found") -gt 400 ]] && cut -d ' ' -f 1 "$dir/wanted" | uniq | cmp -s - "$dir/found"
claim $? 'every function of kvm-intel, in memory' \
	"$(cut -d ' ' -f 1 "$dir/wanted" | uniq | comm -23 - "$dir/found" | head -n 3 | tr '\n' ' ')of $(wc -l <"$dir/wanted")"

# The file, where it is loaded, without asking the guest.
echo -e "symbols $intel at $base\nexport $dir/file.elf\nsymbols\nquit" >"$dir/script"
out=$("$VMXRAY" "${machine[@]}" -x "$dir/script" </dev/null)
exported "$dir/file.elf" "$base" "$intel" >"$dir/from-file"
[[ -s $dir/wanted ]] && cmp -s "$dir/wanted" "$dir/from-file"
claim $? 'every function of kvm-intel, from its file' "$(diff "$dir/wanted" "$dir/from-file" | head -n 3 | tr '\n' ';')"
