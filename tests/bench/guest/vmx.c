// A small hypervisor around two of the loops, with EPT and VPID: a guest that executes CPUID again and again, each time
// an exit, three VMREADs, a VMWRITE and VMRESUME; and a guest that misses the TLB in both dimensions. SDM Vol. 3C, 31.6
// and 31.7.
#include "guest.h"

enum {
    CODE = 0x08,
    DATA = 0x10,
    TASK = 0x18,
    RIGHTS_CODE = 0xa09b,
    RIGHTS_DATA = 0xc093,
    RIGHTS_TASK = 0x8b,
    RIGHTS_UNUSABLE = 0x10000,
    MSR_FEATURE_CONTROL = 0x3a,
    MSR_VMX_BASIC = 0x480,
    MSR_PROC2 = 0x48b,
    MSR_TRUE_CONTROLS = 0x48d,
    MSR_EFER = 0xc0000080,
    CR4_VMXE = 1 << 13,
    SECONDARY = 1u << 31,
    EPT = 1 << 1,
    VPID = 1 << 5,
    HOST_64 = 1 << 9,
    LOAD_HOST_EFER = 1 << 21,
    SAVE_EFER = 1 << 20,
    GUEST_64 = 1 << 9,
    LOAD_EFER = 1 << 15,
    EPT_ALL = 7,
    EPT_WRITE_BACK = 6 << 3,
    EPT_LARGE = 1 << 7,
    EPTP_WALK_4 = 3 << 3,
    EPTP_WRITE_BACK = 6,
    EXIT_CPUID = 10,
    EXIT_VMCALL = 18,
};

// Encodings of VMCS fields, SDM Vol. 3C, appendix B.
enum {
    F_VPID = 0x0000,
    F_GUEST_SELECTOR = 0x0800,
    F_HOST_SELECTOR = 0x0c00,
    F_EPTP = 0x201a,
    F_LINK = 0x2800,
    F_GUEST_EFER = 0x2806,
    F_HOST_EFER = 0x2c02,
    F_PIN = 0x4000,
    F_PROC = 0x4002,
    F_EXIT = 0x400c,
    F_ENTRY = 0x4012,
    F_PROC2 = 0x401e,
    F_ERROR = 0x4400,
    F_REASON = 0x4402,
    F_LENGTH = 0x440c,
    F_GUEST_LIMIT = 0x4800,
    F_GUEST_GDTR_LIMIT = 0x4810,
    F_GUEST_IDTR_LIMIT = 0x4812,
    F_GUEST_RIGHTS = 0x4814,
    F_QUALIFICATION = 0x6400,
    F_GUEST_CR0 = 0x6800,
    F_GUEST_CR3 = 0x6802,
    F_GUEST_CR4 = 0x6804,
    F_GUEST_BASE = 0x6806,
    F_GUEST_GDTR = 0x6816,
    F_GUEST_DR7 = 0x681a,
    F_GUEST_RSP = 0x681c,
    F_GUEST_RIP = 0x681e,
    F_GUEST_RFLAGS = 0x6820,
    F_HOST_CR0 = 0x6c00,
    F_HOST_CR3 = 0x6c02,
    F_HOST_CR4 = 0x6c04,
    F_HOST_GDTR = 0x6c0c,
    F_HOST_RSP = 0x6c14,
    F_HOST_RIP = 0x6c16,
};

#define PAGE __attribute__((aligned(4096)))
static PAGE uint32_t vmxon_region[1024], vmcs_region[1024];
static PAGE uint64_t ept_map[512], ept_pointers[512], ept_directory[512], ept_tables[PAGES];
static PAGE uint8_t guest_stack[4096];

static uint64_t rdmsr(uint32_t index) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return (uint64_t)high << 32 | low;
}
static void wrmsr(uint32_t index, uint64_t value) {
    __asm__ volatile("wrmsr" : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}
static uint64_t vmread(uint64_t field) {
    uint64_t value;
    __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"(field) : "cc");
    return value;
}
static void vmwrite(uint64_t field, uint64_t value) {
    __asm__ volatile("vmwrite %0, %1" : : "r"(value), "r"(field) : "cc");
}
#define CONTROL_REGISTER(name)                                                                                         \
    ({                                                                                                                 \
        uint64_t value_;                                                                                               \
        __asm__ volatile("mov %%" name ", %0" : "=r"(value_));                                                         \
        value_;                                                                                                        \
    })

static noreturn void give_up(const char *why, uint64_t number) {
    say("bench: "), say(why), say(" "), say_number(number), say("\n");
    finish();
}

static uint64_t controls(unsigned which, uint64_t wanted) {
    uint64_t allowed = rdmsr(which == 4 ? MSR_PROC2 : MSR_TRUE_CONTROLS + which);
    return (wanted | (uint32_t)allowed) & allowed >> 32;
}

static void enter_operation(void) {
    uint32_t a = 1, b, c, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if (!(c & 1 << 5)) give_up("no VMX here", 0);
    if (!(rdmsr(MSR_FEATURE_CONTROL) & 1)) wrmsr(MSR_FEATURE_CONTROL, 5);
    __asm__ volatile("mov %0, %%cr4" : : "r"(CONTROL_REGISTER("cr4") | CR4_VMXE));
    vmxon_region[0] = vmcs_region[0] = (uint32_t)rdmsr(MSR_VMX_BASIC);
    uint64_t on = (uint64_t)vmxon_region, vmcs = (uint64_t)vmcs_region;
    __asm__ volatile("vmxon %0; vmclear %1; vmptrld %1" : : "m"(on), "m"(vmcs) : "cc", "memory");
}

// The first GByte to itself: by 2-MByte pages, the arena by 4-KByte pages.
static void build_ept(void) {
    for (uint64_t i = 0; i < 512; i++) ept_directory[i] = i * LARGE_PAGE | EPT_ALL | EPT_WRITE_BACK | EPT_LARGE;
    for (uint64_t i = 0; i < PAGES; i++) ept_tables[i] = (ARENA + 4096 * i) | EPT_ALL | EPT_WRITE_BACK;
    for (uint64_t i = 0; i < PAGES / 512; i++)
        ept_directory[ARENA / LARGE_PAGE + i] = (uint64_t)&ept_tables[512 * i] | EPT_ALL;
    ept_pointers[0] = (uint64_t)ept_directory | EPT_ALL;
    ept_map[0] = (uint64_t)ept_pointers | EPT_ALL;
}

static void set_controls(void) {
    vmwrite(F_PIN, controls(0, 0));
    vmwrite(F_PROC, controls(1, SECONDARY));
    vmwrite(F_PROC2, controls(4, EPT | VPID));
    vmwrite(F_EXIT, controls(2, HOST_64 | LOAD_HOST_EFER | SAVE_EFER));
    vmwrite(F_ENTRY, controls(3, GUEST_64 | LOAD_EFER));
    if (!(vmread(F_PROC2) & VPID)) give_up("no VPID here", 0);
    build_ept();
    vmwrite(F_EPTP, (uint64_t)ept_map | EPTP_WALK_4 | EPTP_WRITE_BACK);
    vmwrite(F_VPID, 1);
    vmwrite(F_LINK, ~0ull);
}

// Guest and host have the same control registers and segments.
static void set_state(void) {
    const uint64_t cr0 = CONTROL_REGISTER("cr0"), cr3 = CONTROL_REGISTER("cr3"), cr4 = CONTROL_REGISTER("cr4");
    vmwrite(F_GUEST_CR0, cr0), vmwrite(F_GUEST_CR3, cr3), vmwrite(F_GUEST_CR4, cr4);
    vmwrite(F_HOST_CR0, cr0), vmwrite(F_HOST_CR3, cr3), vmwrite(F_HOST_CR4, cr4);
    vmwrite(F_GUEST_EFER, rdmsr(MSR_EFER)), vmwrite(F_HOST_EFER, rdmsr(MSR_EFER));
    static const uint16_t selector[8] = {DATA, CODE, DATA, DATA, 0, 0, 0, TASK};
    static const uint32_t rights[8] = {RIGHTS_DATA,     RIGHTS_CODE,     RIGHTS_DATA,     RIGHTS_DATA,
                                       RIGHTS_UNUSABLE, RIGHTS_UNUSABLE, RIGHTS_UNUSABLE, RIGHTS_TASK};
    for (unsigned i = 0; i < 8; i++) {
        vmwrite(F_GUEST_SELECTOR + 2 * i, selector[i]);
        vmwrite(F_GUEST_RIGHTS + 2 * i, rights[i]);
        vmwrite(F_GUEST_LIMIT + 2 * i, i == 7 ? 0x67 : ~0u);
    }
    for (unsigned i = 0; i < 6; i++) vmwrite(F_HOST_SELECTOR + 2 * i, selector[i]);
    vmwrite(F_HOST_SELECTOR + 12, TASK);
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } table;
    __asm__ volatile("sgdt %0" : "=m"(table));
    vmwrite(F_GUEST_GDTR, table.base), vmwrite(F_HOST_GDTR, table.base), vmwrite(F_GUEST_GDTR_LIMIT, table.limit);
    vmwrite(F_GUEST_DR7, 0x400);
    vmwrite(F_GUEST_RFLAGS, 2);
}

// Handles exits until the guest's VMCALL: CPUID is stepped over. RAX is the guest's at the end, RDX the number of
// exits. A guest's registers but RAX, RCX, RDX and R8 stay where they are.
__asm__(".pushsection .text\n"
        ".globl vmx_run\n"
        "vmx_run: push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "    mov $0x6c14, %eax; vmwrite %rsp, %rax\n" // host RSP
        "    lea vmx_exit(%rip), %rcx; mov $0x6c16, %eax; vmwrite %rcx, %rax\n"
        "    xor %r9d, %r9d\n"
        "    vmlaunch\n"
        "    mov $-1, %rax; jmp 2f\n"
        "vmx_exit: mov $0x4402, %edx; vmread %rdx, %r8\n" // reason
        "    cmp $10, %r8d; jne 1f\n"
        "    mov $0x440c, %edx; vmread %rdx, %r8\n" // instruction length
        "    mov $0x681e, %edx; vmread %rdx, %rcx\n"
        "    add %r8, %rcx; vmwrite %rcx, %rdx\n" // guest RIP
        "    add $1, %r9\n"
        "    vmresume\n"
        "    mov $-2, %rax; jmp 2f\n"
        "1:  mov %r8d, (%r10)\n"
        "2:  mov %r9, (%r11)\n"
        "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "    ret\n"
        ".globl guest_exits\n"
        "guest_exits: cpuid; sub $1, %rdi; jnz guest_exits; vmcall\n"
        ".globl guest_miss\n"
        "guest_miss: call loop_miss; vmcall\n"
        ".popsection");
extern const char guest_exits[], guest_miss[];

static uint64_t run_guest(const char *entry, uint64_t turns, uint64_t address, uint64_t *exits) {
    enter_operation();
    set_controls();
    set_state();
    vmwrite(F_GUEST_RIP, (uint64_t)entry);
    vmwrite(F_GUEST_RSP, (uint64_t)guest_stack + sizeof guest_stack);
    uint32_t reason = 0;
    register uint64_t rax __asm__("rax");
    register void *r10 __asm__("r10") = &reason;
    register void *r11 __asm__("r11") = exits;
    __asm__ volatile("call vmx_run"
                     : "=r"(rax), "+D"(turns), "+S"(address), "+r"(r10), "+r"(r11)
                     :
                     : "rcx", "rdx", "rbx", "r8", "r9", "cc", "memory");
    uint64_t result = rax;
    if (reason != EXIT_VMCALL) give_up("VM-entry error or exit reason", reason ? reason : vmread(F_ERROR));
    return result;
}

uint64_t run_exit(const struct loop *loop, uint64_t turns) {
    (void)loop;
    uint64_t exits = 0;
    run_guest(guest_exits, turns, 0, &exits);
    return exits;
}

uint64_t run_miss2d(const struct loop *loop, uint64_t turns) {
    (void)loop;
    uint64_t exits = 0;
    map_arena();
    return run_guest(guest_miss, turns, ARENA, &exits);
}
