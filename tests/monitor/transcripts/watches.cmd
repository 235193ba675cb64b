# guest vmx
# Registers, MSRs, VMCS fields; lists of commands; what is refused.
symbols vmx
watch ecx if ecx > 3
continue
delete
watch cr3
continue
p value
watch GUEST_RIP
continue
p value == inner
delete
watch -r EXIT_REASON if value == CPUID
commands
echo the exit reason was read
p value
continue
echo not reached
end
tbreak exit if reason == IO_INSTRUCTION
commands
step
delete
end
continue
watch IA32_EFER
watch -a IA32_PAT
watch -r eax
watch 0, 0
watch [
break
watch
break 0x1000 if
break 0x1000 bogus
break @9:0
break 1 / 0
delete 77
delete all
ignore
ignore 1
ignore 8
condition
condition 8 1 +
commands 99
info breakpoints
disable
enable 8
info breakpoints
continue
