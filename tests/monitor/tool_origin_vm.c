// Values on their way between a hypervisor (tests/gdb/tool_hypervisor.c, with which this is linked) and its guest: ten
// through each of six chains, to result[chain][turn]. Each is made by make_value.
typedef unsigned int u32;
typedef unsigned long u64;

enum { TURNS = 10, CHAINS = 6 };
enum { SYSENTER_ESP = 0x175, LSTAR = 0xc0000082, CSTAR, KERNEL_GS_BASE = 0xc0000102 };
enum { MSR_BITMAPS = 0x2004, EXIT_STORE = 0x2006, EXIT_LOAD = 0x2008, ENTRY_LOAD = 0x200a };
enum { EXIT_STORE_COUNT = 0x400e, EXIT_LOAD_COUNT = 0x4010, ENTRY_LOAD_COUNT = 0x4014 };
enum { PROC_CONTROLS = 0x4002, GUEST_RSP = 0x681c, GUEST_SYSENTER_ESP = 0x6824 };

u64 result[CHAINS][TURNS], stack_kept;
static struct {
    u32 index, reserved;
    u64 value;
} __attribute__((aligned(16))) store = {.index = KERNEL_GS_BASE}, load_exit = {.index = CSTAR},
                               load_entry = {.index = LSTAR};
static __attribute__((aligned(4096))) unsigned char bitmaps[4096];

__attribute__((noinline)) u64 make_value(u64 chain, u64 turn) { return 0x5b000000 + (chain << 8 | turn); }

static void vmwrite(u64 field, u64 value) { __asm__ volatile("vmwrite %1, %0" ::"r"(field), "r"(value) : "cc"); }
static u64 vmread(u64 field) {
    u64 value;
    __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"(field) : "cc");
    return value;
}
static u32 rdmsr(u32 index) {
    u32 low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return low;
}
static void wrmsr(u32 index, u32 value) { __asm__ volatile("wrmsr" ::"c"(index), "a"(value), "d"(0)); }

// An exit by CPUID, with a value in RSP.
static void leave_with_stack(u64 value) {
    __asm__ volatile("mov %%rsp, stack_kept\n mov %0, %%rsp\n cpuid\n mov stack_kept, %%rsp" ::"r"(value)
                     : "rax", "rbx", "rcx", "rdx", "memory");
}

void more_guest(u64 turn) {
    if (turn >= TURNS) return leave_with_stack(0x1000);
    wrmsr(KERNEL_GS_BASE, (u32)make_value(1, turn));
    wrmsr(SYSENTER_ESP, (u32)make_value(5, turn));
    leave_with_stack(make_value(0, turn));
    result[2][turn] = rdmsr(LSTAR);
    result[4][turn] = rdmsr(SYSENTER_ESP);
}

// The host's values are for the guest's present turn; one for the exit to come is read there.
void more_exit(u64 turn) {
    if (turn > TURNS) return;
    if (turn) result[3][turn - 1] = rdmsr(CSTAR);
    if (turn == TURNS) return;
    result[0][turn] = vmread(GUEST_RSP);
    result[1][turn] = store.value;
    result[5][turn] = vmread(GUEST_SYSENTER_ESP);
    load_entry.value = make_value(2, turn);
    load_exit.value = make_value(3, turn);
    vmwrite(GUEST_SYSENTER_ESP, make_value(4, turn));
}

void more_fields(void) {
    vmwrite(PROC_CONTROLS, vmread(PROC_CONTROLS) | 1 << 28);
    vmwrite(MSR_BITMAPS, (u64)bitmaps);
    vmwrite(EXIT_STORE, (u64)&store);
    vmwrite(EXIT_LOAD, (u64)&load_exit);
    vmwrite(ENTRY_LOAD, (u64)&load_entry);
    vmwrite(EXIT_STORE_COUNT, 1);
    vmwrite(EXIT_LOAD_COUNT, 1);
    vmwrite(ENTRY_LOAD_COUNT, 1);
}
