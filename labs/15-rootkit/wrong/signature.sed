s/    const struct cpuid c = cpuid\(guest.gpr\[RAX\], guest.gpr\[RCX\]\);/    struct cpuid c = cpuid(guest.gpr[RAX], guest.gpr[RCX]);\n    if (guest.gpr[RAX] == 1) c.ecx |= 1u << 31;/
