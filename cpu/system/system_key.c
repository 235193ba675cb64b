// Protection keys: RDPKRU and WRPKRU. SDM Vol. 3A, 4.6.2 (cpu/memory/paging.c enforces them); Vol. 2B.
#include "cpu/engine/body.h"
#include "cpu/memory/mode.h"

static enum outcome key_check(struct cpu *cpu) {
    if (!(cpu->control.cr4 & CR4_PKE)) return cpu_fault_ud(cpu);
    return (uint32_t)cpu->gpr[RCX] ? cpu_fault_gp0(cpu) : OUT_OK;
}

BODY(rdpkru) {
    BODY_UNUSED;
    TRY(key_check(cpu));
    cpu->gpr[RAX] = cpu->control.pkru;
    cpu->gpr[RDX] = 0;
    return OUT_OK;
}
INSTANTIATE(rdpkru, NEXT, FORMS_ONE_NONE)

BODY(wrpkru) {
    BODY_UNUSED;
    TRY(key_check(cpu));
    if ((uint32_t)cpu->gpr[RDX]) return cpu_fault_gp0(cpu);
    cpu->control.pkru = (uint32_t)cpu->gpr[RAX];
    cpu_update_mode(cpu);
    return OUT_OK;
}
INSTANTIATE(wrpkru, END, FORMS_ONE_NONE)
