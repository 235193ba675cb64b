// The host's side is x86-64 Linux: fixed mappings below 4 GBytes, a stub of machine code, signals for faults.
#include "tests/insn/harness.h"
#include "cpu/memory/access.h"
#include "tests/tap.h"
#include "cpu/processor/processor.h"
#include "cpu/decode/insn.h"
#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

// --- the host ---

// What the stub addresses at HARNESS_STATE. Offsets are known to the assembly below.
struct host_area {
    uint64_t gpr[16];        // 0
    uint64_t rflags;         // 128
    uint64_t exit;           // 136
    uint64_t saved_rsp;      // 144
    uint64_t fault;          // 152
    struct fx_image fx;      // 160 = 0xa0
    struct fx_image host_fx; // 672 = 0x2a0
    uint8_t scratch[1024];   // 1184..2208: the stub's stack, top at 0x8a0
    struct {
        uint32_t offset;
        uint16_t selector;
    } far_insn; // 0x8a0: the instruction in compatibility mode
};
_Static_assert(offsetof(struct host_area, fx) == 0xa0, "assembly");
_Static_assert(offsetof(struct host_area, host_fx) == 0x2a0, "assembly");
_Static_assert(offsetof(struct host_area, far_insn) == 0x8a0, "assembly");
enum { USER_CS_32 = 0x23, USER_CS_64 = 0x33, USER_DS = 0x2b }; // Linux's selectors
#define AREA ((struct host_area *)HARNESS_STATE)

// Absolute addresses, so that the pieces can be copied anywhere. AREA is 0x18000000.
__asm__(".pushsection .rodata\n"
        "stub_enter: push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "  mov %rsp, 0x18000090\n"
        "stub_enter_end:\n"
        "stub_load_fx: fxsave64 0x180002a0\n"
        "  fxrstor64 0x180000a0\n"
        "stub_load_fx_end:\n"
        "stub_data_segments: mov $0x2b, %eax; mov %eax, %ds; mov %eax, %es\n"
        "stub_data_segments_end:\n"
        "stub_far_jump: ljmp *0x180008a0\n"
        "stub_far_jump_end:\n"
        "stub_load: mov $0x180008a0, %esp\n"
        "  pushq 0x18000080; popfq\n"
        "  mov 0x18000000, %rax; mov 0x18000008, %rcx; mov 0x18000010, %rdx; mov 0x18000018, %rbx\n"
        "  mov 0x18000028, %rbp; mov 0x18000030, %rsi; mov 0x18000038, %rdi; mov 0x18000040, %r8\n"
        "  mov 0x18000048, %r9;  mov 0x18000050, %r10; mov 0x18000058, %r11; mov 0x18000060, %r12\n"
        "  mov 0x18000068, %r13; mov 0x18000070, %r14; mov 0x18000078, %r15; mov 0x18000020, %rsp\n"
        "stub_load_end:\n"
        "stub_store: mov %rax, 0x18000000; mov %rcx, 0x18000008; mov %rdx, 0x18000010; mov %rbx, 0x18000018\n"
        "  mov %rbp, 0x18000028; mov %rsi, 0x18000030; mov %rdi, 0x18000038; mov %r8, 0x18000040\n"
        "  mov %r9, 0x18000048;  mov %r10, 0x18000050; mov %r11, 0x18000058; mov %r12, 0x18000060\n"
        "  mov %r13, 0x18000068; mov %r14, 0x18000070; mov %r15, 0x18000078; mov %rsp, 0x18000020\n"
        "  mov $0x180008a0, %esp\n"
        "  pushfq; popq 0x18000080\n"
        "stub_store_end:\n"
        "stub_store_fx: fxsave64 0x180000a0\n"
        "stub_leave_fx: fninit; fxrstor64 0x180002a0\n"
        "stub_store_fx_end:\n"
        "stub_leave: pushq $0x202; popfq\n"
        "  mov 0x18000090, %rsp\n"
        "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "  ret\n"
        "stub_leave_end:\n"
        ".popsection\n");

#define PIECE(name) extern const uint8_t name[], name##_end[];
PIECE(stub_enter)
PIECE(stub_load_fx)
PIECE(stub_load)
PIECE(stub_store)
PIECE(stub_store_fx)
PIECE(stub_leave)
PIECE(stub_data_segments)
PIECE(stub_far_jump)
extern const uint8_t stub_leave_fx[];

enum { STUB_ENTRY = 0, STUB_RECOVER = 0x400, STUB_RECOVER_FX = 0x480 };

static uint8_t *put(uint8_t *at, const uint8_t *from, const uint8_t *end) {
    memcpy(at, from, (size_t)(end - from));
    return at + (end - from);
}
static uint8_t *code_at(uint64_t offset) { return (uint8_t *)(HARNESS_CODE + offset); }

static uint8_t *put_u32(uint8_t *at, uint32_t value) {
    memcpy(at, &value, 4);
    return at + 4;
}

// Stores everything and returns; `exit` tells which of the two places was reached. From compatibility mode a far jump
// comes first.
static void put_exit(const struct harness *h, unsigned exit) {
    static const uint8_t mov_exit[] = {0x48, 0xc7, 0x04, 0x25, 0x88, 0x00, 0x00, 0x18}; // movq $imm32, 0x18000088
    static const uint8_t ljmp[] = {0xea}, selector[] = {USER_CS_64, 0};
    uint8_t *at = code_at(exit);
    if (h->size == CODE_32) {
        at = put(at, ljmp, ljmp + 1);
        at = put_u32(at, (uint32_t)(uintptr_t)at + 6);
        at = put(at, selector, selector + 2);
    }
    at = put(at, stub_store, stub_store_end);
    at = put(at, mov_exit, mov_exit + sizeof(mov_exit));
    at = put_u32(at, exit);
    if (h->vector) at = put(at, stub_store_fx, stub_store_fx_end);
    put(at, stub_leave, stub_leave_end);
}

static uint8_t *put_jump_to_insn(uint8_t *at, const struct harness *h) {
    static const uint8_t jmp[] = {0xe9};
    AREA->far_insn.offset = HARNESS_CODE + HARNESS_INSN;
    AREA->far_insn.selector = USER_CS_32;
    if (h->size == CODE_32) return put(at, stub_far_jump, stub_far_jump_end);
    at = put(at, jmp, jmp + 1);
    return put_u32(at, (uint32_t)(code_at(HARNESS_INSN) - (at + 4)));
}

static void host_install(const struct harness *h, const uint8_t *bytes) {
    uint8_t *at = code_at(STUB_ENTRY);
    at = put(at, stub_enter, stub_enter_end);
    if (h->vector) at = put(at, stub_load_fx, stub_load_fx_end);
    at = put(at, stub_data_segments, stub_data_segments_end);
    at = put(at, stub_load, stub_load_end);
    put_jump_to_insn(at, h);
    memcpy(code_at(HARNESS_INSN), bytes, h->length);
    put_exit(h, HARNESS_INSN + h->length);
    put_exit(h, HARNESS_TARGET + 0x40);
}

// Indexes of ucontext's gregs; its own names collide with ours.
enum { GREG_RSP = 15, GREG_RIP = 16, GREG_CSGSFS = 18, GREG_TRAPNO = 20 };

static void on_signal(int number, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    greg_t *g = c->uc_mcontext.gregs;
    (void)info;
    uint64_t rip = (uint64_t)g[GREG_RIP] - HARNESS_CODE;
    if (rip >= 4096) {
        signal(number, SIG_DFL);
        return;
    }
    AREA->fault = (uint64_t)g[GREG_TRAPNO] + 1;
    g[GREG_RIP] = (greg_t)(HARNESS_CODE + (AREA->exit ? STUB_RECOVER_FX : STUB_RECOVER));
    g[GREG_RSP] = (greg_t)(HARNESS_STATE + offsetof(struct host_area, far_insn));
    g[GREG_CSGSFS] = (g[GREG_CSGSFS] & ~0xffffll) | USER_CS_64;
}

static void map_at(uint64_t address, size_t size, int protection) {
    void *p = mmap((void *)address, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p != (void *)address) bail("cannot map %#lx", (unsigned long)address);
}

static void host_new(void) {
    static uint8_t stack[1 << 16];
    map_at(HARNESS_CODE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    map_at(HARNESS_STATE, 8192, PROT_READ | PROT_WRITE);
    map_at(HARNESS_DATA, 8192, PROT_READ | PROT_WRITE);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (unsigned i = 0; i < 5; i++) sigaction(signals[i], &action, NULL);
    put(code_at(STUB_RECOVER), stub_leave, stub_leave_end);
    uint8_t *at = put(code_at(STUB_RECOVER_FX), stub_leave_fx, stub_store_fx_end);
    put(at, stub_leave, stub_leave_end);
}

void harness_host(struct harness *h, const struct processor_state *in, struct processor_state *out) {
    uint8_t *window = (uint8_t *)(HARNESS_MIDDLE - HARNESS_WINDOW / 2);
    struct host_area *area = AREA;
    memcpy(area->gpr, in->gpr, sizeof(in->gpr));
    memcpy(window, in->window, HARNESS_WINDOW);
    area->rflags = in->rflags;
    area->exit = h->vector;
    area->fault = 0;
    if (h->vector) area->fx = in->fx;
    ((void (*)(void))HARNESS_CODE)();
    memcpy(out->window, window, HARNESS_WINDOW);
    out->fault = area->fault;
    if (out->fault) return;
    memcpy(out->gpr, area->gpr, sizeof(out->gpr));
    out->rflags = area->rflags;
    out->exit = HARNESS_CODE + area->exit;
    if (h->vector) out->fx = area->fx;
}

static const struct {
    uint32_t leaf, subleaf;
    uint8_t reg, bit;
} cpuid_bits[FEATURE_COUNT] = {
#define FEATURE(name, leaf, subleaf, reg, bit, text) [FEATURE_##name] = {leaf, subleaf, reg, bit},
#include "cpu/state/feature.def"
#undef FEATURE
};

bool harness_host_has(unsigned feature) {
    unsigned r[4];
    if (feature == FEATURE_BASE) return true;
    if (!__get_cpuid_count(cpuid_bits[feature].leaf, cpuid_bits[feature].subleaf, &r[EAX], &r[EBX], &r[ECX], &r[EDX]))
        return false;
    return r[cpuid_bits[feature].reg] >> cpuid_bits[feature].bit & 1;
}

// --- ours ---

enum { RAM_BYTES = 1 << 20, RAM_CODE = 0x10000, RAM_DATA = 0x20000, RAM_PML4 = 0x1000, RAM_TABLES = 0x2000 };

static struct page_frame ram_page(void *machine, uint64_t physical) {
    return pages_frame(&((struct harness *)machine)->pages, physical);
}
static uint64_t mmio_read(void *machine, struct cpu *cpu, uint64_t physical, unsigned size) {
    (void)machine, (void)cpu, (void)physical, (void)size;
    return ~0ull;
}
static void mmio_write(void *machine, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    (void)machine, (void)cpu, (void)physical, (void)size, (void)value;
}

static uint64_t *ram_word(struct harness *h, uint64_t physical) { return (uint64_t *)(void *)(h->ram + physical); }

static void map_page(struct harness *h, uint64_t linear, uint64_t physical) {
    uint64_t table = RAM_PML4;
    for (unsigned level = 4; level > 1; level--) {
        uint64_t *entry = ram_word(h, table + 8 * (linear >> (12 + 9 * (level - 1)) & 511));
        if (!*entry) {
            *entry = h->next_table | 7;
            h->next_table += 4096;
        }
        table = *entry & BITS(51, 12);
    }
    *ram_word(h, table + 8 * (linear >> 12 & 511)) = physical | 7;
}

// Faults end here instead of the IDT.
static enum outcome catch_event(struct cpu *cpu, const struct event *event) {
    struct harness *h = cpu->wire.platform->machine;
    h->faulted = true;
    h->fault_vector = event->vector;
    return OUT_VMEXIT;
}
static enum outcome after_event(struct cpu *cpu) {
    (void)cpu;
    return OUT_OK;
}

static void user_segment(struct cpu *cpu, unsigned s, uint16_t selector, uint32_t rights) {
    cpu->segment[s] = (struct segment){.limit = UINT32_MAX, .rights = rights, .selector = selector};
    cpu->segment_base[s] = 0;
}

static void long_mode(struct cpu *cpu) {
    cpu->control.cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_WP | CR0_MP;
    cpu->control.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    cpu->control.xcr0 = 3;
    cpu->control.cr3 = RAM_PML4;
    cpu->control.efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
    cpu->intercepts.event = catch_event;
    cpu->intercepts.exit = after_event;
    tlb_select(cpu);
}

static void code_mode(struct cpu *cpu, enum code_size size) {
    bool wide = size == CODE_64;
    user_segment(cpu, CS, wide ? USER_CS_64 : USER_CS_32, wide ? 0xa0fb : 0xc0fb);
    user_segment(cpu, SS, USER_DS, 0xc0f3);
    for (unsigned s = 0; s < 6; s++)
        if (s != CS && s != SS) user_segment(cpu, s, s <= DS ? USER_DS : 0, 0xc0f3);
    cpu_update_mode(cpu);
}

static bool model_has(const void *model, unsigned feature) { return cpu_model_has(model, (enum feature)feature); }

void harness_new(struct harness *h) {
    char error[200];
    memset(h, 0, sizeof(*h));
    host_new();
    if (!cpu_model_parse("server", &h->model, error, sizeof(error))) bail("%s", error);
    h->decoder = decoder_new(&cpu_rows, 1, model_has, &h->model);
    h->ram = calloc(1, RAM_BYTES);
    h->platform = (struct platform){
        .machine = h, .pages = &h->pages, .page = ram_page, .mmio_read = mmio_read, .mmio_write = mmio_write};
    if (!h->decoder || !h->ram) bail("no memory");
    if (!pages_add(&h->pages, &(struct area){.name = "ram", .bytes = RAM_BYTES, .data = h->ram})) bail("no memory");
    h->cpu = cpu_new(&h->model, h->decoder, &h->platform, 0);
    if (!h->cpu) bail("no memory");
    h->next_table = RAM_TABLES;
    map_page(h, HARNESS_CODE, RAM_CODE);
    map_page(h, HARNESS_DATA, RAM_DATA);
    map_page(h, HARNESS_DATA + 4096, RAM_DATA + 4096);
    long_mode(h->cpu);
    code_mode(h->cpu, CODE_64);
}

void harness_free(struct harness *h) {
    cpu_free(h->cpu);
    decoder_free(h->decoder);
    pages_free(&h->pages);
    free(h->ram);
}

void harness_code(struct harness *h, enum code_size size, const uint8_t *bytes, unsigned length, bool vector) {
    h->size = size;
    h->length = length;
    h->vector = vector;
    host_install(h, bytes);
    memset(h->ram + RAM_CODE + HARNESS_INSN, 0x90, 256);
    memcpy(h->ram + RAM_CODE + HARNESS_INSN, bytes, length);
    cpu_drop_derived(h->cpu);
    code_mode(h->cpu, size);
}

void harness_ours(struct harness *h, const struct processor_state *in, struct processor_state *out) {
    struct cpu *cpu = h->cpu;
    uint8_t *window = h->ram + RAM_DATA + 4096 - HARNESS_WINDOW / 2;
    memcpy(cpu->gpr, in->gpr, sizeof(in->gpr));
    memcpy(window, in->window, HARNESS_WINDOW);
    cpu_set_rflags(cpu, in->rflags | FLAG_IF);
    if (h->vector) fx_load(cpu, &in->fx);
    cpu->rip = HARNESS_CODE + HARNESS_INSN;
    cpu->attention = 0;
    h->faulted = false;
    // A repeated string instruction takes a step an iteration; how many are given to one run is its business.
    for (unsigned i = 0; i < 300 && cpu->rip == HARNESS_CODE + HARNESS_INSN && !h->faulted; i++) {
        bool repeats = h->run_steps > 1 && cpu->gpr[RCX];
        (void)cpu_run(cpu, !repeats ? 1 : h->run_steps < cpu->gpr[RCX] ? h->run_steps : cpu->gpr[RCX]);
    }
    memcpy(out->gpr, cpu->gpr, sizeof(out->gpr));
    memcpy(out->window, window, HARNESS_WINDOW);
    out->rflags = cpu_rflags(cpu);
    out->exit = cpu->rip;
    out->fault = h->faulted ? h->fault_vector + 1u : 0;
    if (h->vector) {
        out->fx = in->fx;
        fx_store(cpu, &out->fx);
    }
}
