// What becomes of the guest's VM exits. These few cannot be avoided (SDM Vol. 3C, 25.1.2, 25.2), or are ours to use.
#include "below.h"
#include "interrupt.h"

static void instruction_skip(void) {
    vmwrite(FIELD_GUEST_RIP, vmread(FIELD_GUEST_RIP) + vmread(FIELD_EXIT_INSTRUCTION_LENGTH));
    uint64_t blocking = vmread(FIELD_GUEST_INTERRUPTIBILITY);
    vmwrite(FIELD_GUEST_INTERRUPTIBILITY, blocking & ~BLOCKING_BY_STI_OR_MOV_SS);
}

// --- CPUID: the real processor, without VMX, with our signature; two bits follow the guest's CR4 ---
static void exit_cpuid(struct processor *p) {
    enum { HYPERVISOR_LEAF = 0x40000000, ECX_VMX = 1 << 5, ECX_OSXSAVE = 1 << 27, ECX_OSPKE = 1 << 4 };
    uint32_t leaf = (uint32_t)p->gpr[RAX];
    uint64_t cr4 = vmread(FIELD_GUEST_CR4);
    struct cpuid c = cpuid(leaf, (uint32_t)p->gpr[RCX]);
    if (leaf == 1) {
        c.ecx &= ~(uint32_t)(ECX_VMX | ECX_OSXSAVE);
        c.ecx |= 1u << 31 | (cr4 & CR4_OSXSAVE ? ECX_OSXSAVE : 0); // 31: there is a hypervisor
    } else if (leaf == 7) {
        c.ecx &= ~(uint32_t)ECX_OSPKE;
        c.ecx |= cr4 & CR4_PKE ? ECX_OSPKE : 0;
    } else if (leaf == HYPERVISOR_LEAF) {
        c.eax = leaf;
        memcpy(&c.ebx, "Turt", 4), memcpy(&c.ecx, "lesB", 4), memcpy(&c.edx, "elow", 4);
    }
    p->gpr[RAX] = c.eax, p->gpr[RBX] = c.ebx, p->gpr[RCX] = c.ecx, p->gpr[RDX] = c.edx;
    instruction_skip();
}

// --- control registers: MOV that changes NE or VMXE, which are ours (24.6.6) ---
#define PDPTE_ADDRESS 0xffffffe0ull

// What MOV to CR0 does besides when it switches paging on: Vol. 3A, 4.4.1 and 9.8.5.
static void paging_on(void) {
    if (vmread(FIELD_GUEST_EFER) & EFER_LME) {
        vmwrite(FIELD_GUEST_EFER, vmread(FIELD_GUEST_EFER) | EFER_LMA);
        vmwrite(FIELD_ENTRY_CONTROLS, vmread(FIELD_ENTRY_CONTROLS) | ENTRY_IA32E);
    } else if (vmread(FIELD_GUEST_CR4) & CR4_PAE) {
        const uint64_t *pdpte = (const uint64_t *)(vmread(FIELD_GUEST_CR3) & PDPTE_ADDRESS);
        for (unsigned i = 0; i < 4; i++) vmwrite(FIELD_GUEST_PDPTE0 + 2 * i, pdpte[i]);
    }
}

static bool write_cr0(uint64_t value) {
    uint64_t old = vmread(FIELD_GUEST_CR0);
    if ((value & CR0_PG && !(value & CR0_PE)) || (value & CR0_NW && !(value & CR0_CD))) return false;
    if (value & CR0_PG && !(old & CR0_PG)) paging_on();
    if (old & CR0_PG && !(value & CR0_PG)) {
        vmwrite(FIELD_GUEST_EFER, vmread(FIELD_GUEST_EFER) & ~EFER_LMA);
        vmwrite(FIELD_ENTRY_CONTROLS, vmread(FIELD_ENTRY_CONTROLS) & ~ENTRY_IA32E);
    }
    vmwrite(FIELD_GUEST_CR0, value | CR0_NE);
    vmwrite(FIELD_CR0_SHADOW, value);
    return true;
}

static void exit_cr_access(struct processor *p) {
    uint64_t q = vmread(FIELD_EXIT_QUALIFICATION); // Table 27-3
    unsigned cr = q & 15, type = q >> 4 & 3, number = q >> 8 & 15;
    uint64_t value = number == RSP ? vmread(FIELD_GUEST_RSP) : p->gpr[number];
    if (type != 0 || (cr != 0 && cr != 4)) panic("CR access %lx", q);
    if (cr == 0 && write_cr0(value))
        instruction_skip();
    else
        inject_exception(VECTOR_GP, true); // VMXE is reserved in a processor without VMX
}

// --- XSETBV always exits: Vol. 3A, 2.6, says which values there are ---
static bool xcr0_is_good(uint64_t value) {
    enum { X87 = 1 << 0, SSE = 1 << 1, AVX = 1 << 2, BOUNDS = 3 << 3, AVX512 = 7 << 5 };
    struct cpuid c = cpuid(0xd, 0);
    if (value & ~((uint64_t)c.edx << 32 | c.eax) || !(value & X87)) return false;
    if (value & AVX && !(value & SSE)) return false;
    if ((value & BOUNDS) != 0 && (value & BOUNDS) != BOUNDS) return false;
    return !(value & AVX512) || ((value & AVX512) == AVX512 && value & AVX);
}

static void exit_xsetbv(struct processor *p) {
    uint32_t low = (uint32_t)p->gpr[RAX], high = (uint32_t)p->gpr[RDX], index = (uint32_t)p->gpr[RCX];
    if (index || !xcr0_is_good((uint64_t)high << 32 | low)) {
        inject_exception(VECTOR_GP, true);
        return;
    }
    __asm__ volatile("xsetbv" ::"c"(index), "a"(low), "d"(high) : "memory");
    instruction_skip();
}

// --- the one port that exits: the guest switches the machine off ---
static void exit_io(struct processor *p) {
    enum { QUALIFICATION_IN = 1 << 3, QUALIFICATION_STRING = 1 << 4 };
    uint64_t q = vmread(FIELD_EXIT_QUALIFICATION), *rax = &p->gpr[RAX]; // Table 27-5
    unsigned bytes = (q & 7) + 1;
    uint16_t port = (uint16_t)(q >> 16), value = (uint16_t)*rax;
    if (q & QUALIFICATION_STRING || bytes > 2) panic("I/O at port %x, qualification %lx", port, q);
    if (q & QUALIFICATION_IN) {
        *rax = bytes == 1 ? (*rax & ~0xffull) | in8(port) : (*rax & ~0xffffull) | in16(port);
    } else if (bytes == 1) {
        out8(port, (uint8_t)value);
    } else {
        if (value & PM_SLEEP_ENABLE) {
            account_print();
            bios_account();
        }
        out16(port, value);
    }
    instruction_skip();
}

// --- INIT and SIPI: 25.2. A guest's processor begins where the vector says ---
static void exit_sipi(void) {
    uint64_t vector = vmread(FIELD_EXIT_QUALIFICATION) & 0xff;
    guest_real_mode((uint16_t)(vector << 8), 0);
}

static _Noreturn void machine_reset(void) {
    print("the guest died of a triple fault at RIP %lx: the machine begins again\n", vmread(FIELD_GUEST_RIP));
    out8(0xcf9, 0x06);
    out8(0x64, 0xfe);
    for (;;) __asm__ volatile("cli; hlt");
}

void exit_handle(struct processor *p, enum exit_reason reason) {
    switch (reason) {
    case REASON_EPT_VIOLATION: ept_violation(); return;
    case REASON_CPUID: exit_cpuid(p); return;
    case REASON_CR_ACCESS: exit_cr_access(p); return;
    case REASON_XSETBV: exit_xsetbv(p); return;
    case REASON_IO_INSTRUCTION: exit_io(p); return;
    case REASON_VMCALL: bios_vmcall(p); return;
    case REASON_RDMSR:
    case REASON_WRMSR: inject_exception(VECTOR_GP, true); return; // there is no such MSR
    case REASON_INIT: guest_wait_for_sipi(p); return;
    case REASON_SIPI: exit_sipi(); return;
    case REASON_INVD:
        __asm__ volatile("wbinvd" ::: "memory"); // what caches hold may be ours
        instruction_skip();
        return;
    case REASON_TRIPLE_FAULT: machine_reset();
    case REASON_GETSEC:
    case REASON_VMCLEAR:
    case REASON_VMLAUNCH:
    case REASON_VMPTRLD:
    case REASON_VMPTRST:
    case REASON_VMREAD:
    case REASON_VMRESUME:
    case REASON_VMWRITE:
    case REASON_VMXOFF:
    case REASON_VMXON:
    case REASON_INVEPT:
    case REASON_INVVPID: inject_exception(VECTOR_UD, false); return;
    default:
        panic("VM exit of reason %u at RIP %lx, qualification %lx", reason, vmread(FIELD_GUEST_RIP),
              vmread(FIELD_EXIT_QUALIFICATION));
    }
}
