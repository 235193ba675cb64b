// A hypervisor and its guest, small enough to read in a debugger: ELF64, entered in 64-bit mode with the low 4 GBytes
// mapped to themselves. The guest runs on the host's page tables through EPT, which maps it one to one but for one
// page, `window`, behind which it sees `behind`. After TURNS exits for CPUID the machine ends through isa-debug-exit.
//     gcc -g -O1 -nostdlib -static -fno-pic -no-pie -mno-red-zone -mgeneral-regs-only -fcf-protection=none
//         -Wl,-Ttext=0x200000 -Wl,--build-id=none
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

enum { TURNS = 20, DEBUG_EXIT = 0xf4 };
enum { CODE = 0x08, DATA = 0x10, TSS = 0x18 };
#define PAGE __attribute__((aligned(4096)))

PAGE u8 vmxon_region[4096], vmcs_region[4096], host_stack[8192], guest_stack[4096];
PAGE u64 ept_pml4[512], ept_pdpt[512], ept_pd[512], ept_pt[512];
PAGE u64 window[512] = {0x1111}, behind[512] = {0x2222};
u8 tss[104];
u64 gdt[5] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff};

u64 exits, guest_turns, guest_sum;
// Of a file that is linked with this one: in place of the guest's CPUID, at each exit, and behind the fields of the VMCS.
__attribute__((weak)) void more_guest(u64 turn);
__attribute__((weak)) void more_exit(u64 turn);
__attribute__((weak)) void more_fields(void);
struct registers {
    u64 rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
};

static void vmwrite(u64 field, u64 value) { __asm__ volatile("vmwrite %1, %0" ::"r"(field), "r"(value) : "cc"); }
static u64 vmread(u64 field) {
    u64 value;
    __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"(field) : "cc");
    return value;
}
static u64 rdmsr(u32 index) {
    u32 low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return low | (u64)high << 32;
}
static void wrmsr(u32 index, u64 value) {
    __asm__ volatile("wrmsr" ::"c"(index), "a"((u32)value), "d"((u32)(value >> 32)));
}
#define READ_CR(n, value) __asm__ volatile("mov %%cr" #n ", %0" : "=r"(value))
#define WRITE_CR(n, value) __asm__ volatile("mov %0, %%cr" #n ::"r"((u64)(value)) : "memory")

void leave(u32 code) {
    __asm__ volatile("out %0, %w1" ::"a"(code), "d"(DEBUG_EXIT));
    for (;;) __asm__ volatile("hlt");
}

// --- the guest ---

__attribute__((noinline)) u64 guest_work(u64 n) {
    guest_sum += n;
    window[1] = guest_sum;
    return guest_sum;
}

void guest_main(void) {
    for (;;) {
        u32 a = 0x1234, c = (u32)guest_turns;
        guest_work(guest_turns);
        guest_turns++;
        if (more_guest)
            more_guest(guest_turns - 1);
        else
            __asm__ volatile("cpuid" : "+a"(a), "+c"(c)::"rbx", "rdx");
    }
}

// --- the host ---

__attribute__((noinline)) void handle_exit(struct registers *guest) {
    u64 reason = vmread(0x4402);
    exits++;
    if (reason != 10) leave(2); // anything else than CPUID
    guest->rax = exits;
    if (more_exit) more_exit(exits - 1);
    vmwrite(0x681e, vmread(0x681e) + vmread(0x440c));
    if (exits == TURNS) leave(21);
}

void exit_entry(void);
__asm__("exit_entry:\n"
        " push %r15; push %r14; push %r13; push %r12; push %r11; push %r10; push %r9; push %r8\n"
        " push %rdi; push %rsi; push %rbp; push %rbx; push %rdx; push %rcx; push %rax\n"
        " mov %rsp, %rdi\n"
        " call handle_exit\n"
        " pop %rax; pop %rcx; pop %rdx; pop %rbx; pop %rbp; pop %rsi; pop %rdi\n"
        " pop %r8; pop %r9; pop %r10; pop %r11; pop %r12; pop %r13; pop %r14; pop %r15\n"
        "resume:\n"
        " vmresume\n"
        " mov $3, %edi\n"
        " call leave\n");

static u64 controls(u32 msr, u64 wanted) {
    u64 allowed = rdmsr(msr);
    return (wanted | (u32)allowed) & allowed >> 32;
}

static void map_guest(void) {
    ept_pml4[0] = (u64)ept_pdpt | 7;
    ept_pdpt[0] = (u64)ept_pd | 7;
    for (u64 i = 0; i < 512; i++) ept_pd[i] = i << 21 | 0xb7;
    u64 large = (u64)window >> 21;
    for (u64 i = 0; i < 512; i++) ept_pt[i] = ((large << 21) + (i << 12)) | 0x37;
    ept_pt[(u64)window >> 12 & 511] = (u64)behind | 0x37;
    ept_pd[large] = (u64)ept_pt | 7;
}

static void segments(void) {
    static struct __attribute__((packed)) {
        u16 limit;
        u64 base;
    } gdtr = {sizeof gdt - 1, 0};
    u64 base = (u64)tss;
    gdtr.base = (u64)gdt;
    gdt[3] = (sizeof tss - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    gdt[4] = base >> 32;
    __asm__ volatile("lgdt %0; push %1; lea 1f(%%rip), %%rax; push %%rax; lretq; 1: mov %2, %%ds; mov %2, %%es; mov "
                     "%2, %%ss; ltr %w3" ::"m"(gdtr),
                     "i"(CODE), "r"(DATA), "r"(TSS)
                     : "rax", "memory");
}

static void fill_vmcs(void) {
    u64 cr0, cr3, cr4, efer = rdmsr(0xc0000080);
    READ_CR(0, cr0);
    READ_CR(3, cr3);
    READ_CR(4, cr4);
    vmwrite(0x4000, controls(0x481, 0));
    vmwrite(0x4002, controls(0x482, 1u << 31));
    vmwrite(0x401e, controls(0x48b, 1u << 1)); // EPT
    vmwrite(0x400c, controls(0x483, 1u << 9)); // a 64-bit host
    vmwrite(0x4012, controls(0x484, 1u << 9)); // and guest
    vmwrite(0x201a, (u64)ept_pml4 | 3 << 3 | 6);
    vmwrite(0x2800, ~0ull);
    for (u64 part = 0; part < 2; part++) { // guest, host
        u64 s = part ? 0x0c00 : 0x0800, r = part ? 0x6c00 : 0x6800;
        for (u64 i = 0; i < 6; i++) vmwrite(s + 2 * i, i == 1 ? CODE : DATA);
        vmwrite(part ? 0x0c0c : 0x080e, TSS);
        vmwrite(r, cr0);
        vmwrite(r + 2, cr3);
        vmwrite(r + 4, cr4);
    }
    vmwrite(0x6c0a, (u64)tss);
    vmwrite(0x6c0c, (u64)gdt);
    vmwrite(0x6c14, (u64)(host_stack + sizeof host_stack));
    vmwrite(0x6c16, (u64)exit_entry);
    for (u64 i = 0; i < 8; i++) {
        static const u32 rights[8] = {0xc093, 0xa09b, 0xc093, 0xc093, 0xc093, 0xc093, 0x10000, 0x8b};
        vmwrite(0x4800 + 2 * i, i == 7 ? sizeof tss - 1 : 0xffffffff);
        vmwrite(0x4814 + 2 * i, rights[i]);
        vmwrite(0x6806 + 2 * i, i == 7 ? (u64)tss : 0);
    }
    vmwrite(0x6816, (u64)gdt);
    vmwrite(0x4810, sizeof gdt - 1);
    vmwrite(0x681a, 0x400);
    vmwrite(0x6820, 2);
    vmwrite(0x681c, (u64)(guest_stack + sizeof guest_stack - 8));
    vmwrite(0x681e, (u64)guest_main);
    (void)efer;
    if (more_fields) more_fields();
}

void host_main(void) {
    u64 cr0, cr4, region;
    segments();
    map_guest();
    READ_CR(0, cr0);
    READ_CR(4, cr4);
    WRITE_CR(0, cr0 | 1 << 5);
    WRITE_CR(4, cr4 | 1 << 13);
    if (!(rdmsr(0x3a) & 1)) wrmsr(0x3a, 5);
    *(u32 *)vmxon_region = *(u32 *)vmcs_region = (u32)rdmsr(0x480) & 0x7fffffff;
    region = (u64)vmxon_region;
    __asm__ volatile("vmxon %0" ::"m"(region) : "cc", "memory");
    region = (u64)vmcs_region;
    __asm__ volatile("vmclear %0; vmptrld %0" ::"m"(region) : "cc", "memory");
    fill_vmcs();
    __asm__ volatile("launch: vmlaunch" ::: "cc", "memory");
    leave(4);
}

__asm__(".globl _start\n_start: lea host_stack + 8192(%rip), %rsp\n xor %ebp, %ebp\n call host_main\n");
