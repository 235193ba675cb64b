#include "tests/vmx/bench.h"
#include "cpu/event/control.h"
#include "cpu/processor/processor.h"
#include "cpu/decode/insn.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct page_frame ram_page(void *machine, uint64_t physical) {
    return pages_frame(&((struct bench *)machine)->pages, physical);
}
static uint64_t mmio_read(void *machine, struct cpu *cpu, uint64_t physical, unsigned size) {
    (void)machine, (void)cpu, (void)physical;
    return ~0ull >> (64 - 8 * size);
}
static void mmio_write(void *machine, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    (void)machine, (void)cpu, (void)physical, (void)size, (void)value;
}
static uint32_t port_in(void *machine, struct cpu *cpu, uint16_t port, unsigned size) {
    struct bench *b = machine;
    (void)cpu, (void)size;
    b->port = port;
    return 0x5a5a5a5a;
}
static void port_out(void *machine, struct cpu *cpu, uint16_t port, unsigned size, uint32_t value) {
    struct bench *b = machine;
    (void)cpu, (void)size;
    b->port = port;
    b->port_value = value;
}
static int acknowledge(void *machine, struct cpu *cpu) {
    struct bench *b = machine;
    cpu_pend(cpu, PENDING_INTR, false);
    return b->interrupt_vector;
}

struct vmx *bench_vmx(struct bench *b) {
    return b->cpu->wire.extension->state;
}

const uint64_t *bench_walks(const struct bench *b) { return b->cpu->tlb->filled; }

void bench_store(struct bench *b, uint64_t physical, unsigned bytes, uint64_t value) {
    memcpy(b->ram + physical, &value, bytes);
}
uint64_t bench_load(struct bench *b, uint64_t physical, unsigned bytes) {
    uint64_t v = 0;
    memcpy(&v, b->ram + physical, bytes);
    return v;
}

// --- tables in memory ---

enum { PRESENT_WRITE_USER = 7, PAGE_2M = 0x80, EPT_RWX = 7, EPT_WB = 6 << 3 };

static void tables(struct bench *b) {
    bench_store(b, AT_PML4, 8, AT_PDPT | PRESENT_WRITE_USER);
    bench_store(b, AT_PDPT, 8, AT_PD | PRESENT_WRITE_USER);
    bench_store(b, AT_EPT_PML4, 8, AT_EPT_PDPT | EPT_RWX);
    bench_store(b, AT_EPT_PDPT, 8, AT_EPT_PD | EPT_RWX);
    for (uint64_t i = 0; i < BENCH_RAM >> 21; i++) {
        bench_store(b, AT_PD + 8 * i, 8, i << 21 | PRESENT_WRITE_USER | PAGE_2M);
        bench_store(b, AT_EPT_PD + 8 * i, 8, i << 21 | EPT_RWX | EPT_WB | PAGE_2M);
    }
    // The first 2 MBytes in pages of 4 KBytes.
    bench_store(b, AT_EPT_PD, 8, AT_EPT_PT | EPT_RWX);
    for (uint64_t i = 0; i < 512; i++) bench_store(b, AT_EPT_PT + 8 * i, 8, i << 12 | EPT_RWX | EPT_WB);
    bench_store(b, AT_GDT + CODE_SELECTOR, 8, 0x00af9b000000ffff);
    bench_store(b, AT_GDT + DATA_SELECTOR, 8, 0x00cf93000000ffff);
    bench_store(b, AT_GDT + TSS_SELECTOR, 8, 0x00008b0000000067 | (uint64_t)AT_TSS << 16);
    // Every vector goes to AT_HANDLER + 16 * vector: HLT.
    for (unsigned v = 0; v < 256; v++) {
        uint64_t handler = AT_HANDLER + 16 * v;
        bench_store(b, AT_IDT + 16 * v, 8,
                    (handler & 0xffff) | CODE_SELECTOR << 16 | 0x8e00ull << 32 | handler >> 16 << 48);
        bench_store(b, AT_IDT + 16 * v + 8, 8, 0);
        bench_store(b, handler, 1, 0xf4);
    }
    bench_store(b, AT_HOST_EXIT, 2, 0xfeeb); // JMP to itself
}

static void segment(struct cpu *cpu, unsigned s, uint16_t selector, uint32_t limit, uint32_t rights, uint64_t base) {
    cpu->segment[s] = (struct segment){.selector = selector, .limit = limit, .rights = rights};
    field_put_at(cpu, "segment_base", s, base);
}

static void long_mode(struct bench *b) {
    struct cpu *cpu = b->cpu;
    field_put(cpu, "control.cr0", CR0_PE | CR0_PG | CR0_NE | CR0_ET | CR0_WP);
    field_put(cpu, "control.cr3", AT_PML4);
    field_put(cpu, "control.cr4", CR4_PAE | CR4_VMXE);
    field_put(cpu, "control.efer", EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE);
    segment(cpu, CS, CODE_SELECTOR, ~0u, 0xa09b, 0);
    for (unsigned s = ES; s <= GS; s++)
        if (s != CS) segment(cpu, s, DATA_SELECTOR, ~0u, 0xc093, 0);
    segment(cpu, TR, TSS_SELECTOR, 0x67, 0x8b, AT_TSS);
    segment(cpu, LDTR, 0, 0, (uint32_t)RIGHTS_UNUSABLE, 0);
    cpu->gdtr = (struct descriptor_table){AT_GDT, 0xffff};
    cpu->idtr = (struct descriptor_table){AT_IDT, 0xfff};
    gpr_put(cpu, RSP, AT_HOST_STACK);
    field_put(cpu, "rip", AT_HOST_CODE);
    field_put(cpu, "msr.feature_control", 5);
    cpu_set_rflags(cpu, 2);
    cpu_update_mode(cpu);
    tlb_select(cpu);
}

static bool has_feature(const void *model, unsigned f) { return cpu_model_has(model, (enum feature)f); }

struct bench *bench_new(const char *model) {
    struct bench *b = calloc(1, sizeof *b);
    char error[128];
    struct row_set sets[2] = {cpu_rows, vmx_rows};
    if (!b || !cpu_model_parse(model, &b->model, error, sizeof error)) bail("model %s", model);
    b->ram = calloc(1, BENCH_RAM);
    b->decoder = decoder_new(sets, 2, has_feature, &b->model);
    b->platform = (struct platform){.machine = b,
                                    .pages = &b->pages,
                                    .page = ram_page,
                                    .mmio_read = mmio_read,
                                    .mmio_write = mmio_write,
                                    .port_in = port_in,
                                    .port_out = port_out,
                                    .acknowledge = acknowledge};
    b->interrupt_vector = 0x31;
    if (!b->ram || !b->decoder) bail("no memory");
    if (!pages_add(&b->pages, &(struct area){.name = "ram", .bytes = BENCH_RAM, .data = b->ram})) bail("no memory");
    b->cpu = cpu_new(&b->model, b->decoder, &b->platform, 0);
    if (!b->cpu || !vmx_attach(b->cpu)) bail("no processor");
    tables(b);
    long_mode(b);
    return b;
}

void bench_free(struct bench *b) {
    vmx_detach(b->cpu);
    cpu_free(b->cpu);
    decoder_free(b->decoder);
    pages_free(&b->pages);
    free(b->ram);
    free(b);
}

// --- single instructions ---

static unsigned put_code(struct bench *b, uint64_t at, const char *hex) {
    unsigned n = 0, byte;
    for (int used; sscanf(hex, " %2x%n", &byte, &used) == 1; hex += used) b->ram[at + n++] = (uint8_t)byte;
    cpu_drop_derived(b->cpu);
    return n;
}

enum ran bench_run(struct bench *b, const char *hex) {
    struct cpu *cpu = b->cpu;
    field_put(cpu, "rip", AT_HOST_CODE);
    gpr_put(cpu, RSP, AT_HOST_STACK);
    uint64_t next = AT_HOST_CODE + put_code(b, AT_HOST_CODE, hex);
    (void)cpu_run(cpu, 1);
    if (field(cpu, "rip") == next) return RAN_ON;
    if (field(cpu, "rip") == AT_HANDLER + 16 * VECTOR_UD) return RAN_UD;
    if (field(cpu, "rip") == AT_HANDLER + 16 * VECTOR_GP) return RAN_GP;
    if (field(cpu, "rip") == AT_HANDLER + 16 * VECTOR_PF) return RAN_PF;
    return field(cpu, "rip") >= AT_HANDLER && field(cpu, "rip") < AT_HANDLER + 16 * 256 ? RAN_OTHER : RAN_ELSEWHERE;
}

static int flags_outcome(struct bench *b) {
    uint64_t flags = cpu_rflags(b->cpu) & FLAGS_ARITHMETIC;
    if (flags == 0) return SUCCEED;
    if (flags == FLAG_CF) return FAIL_INVALID;
    return flags == FLAG_ZF ? (int)bench_field(b, INSTRUCTION_ERROR) : CONFUSED;
}

int bench_vmx_instruction(struct bench *b, const char *hex) {
    cpu_set_rflags(b->cpu, (cpu_rflags(b->cpu) & ~FLAGS_ARITHMETIC) | FLAG_CF | FLAG_ZF | FLAG_SF);
    switch (bench_run(b, hex)) {
    case RAN_ON: return flags_outcome(b);
    case RAN_UD: return FAULTED_UD;
    case RAN_GP: return FAULTED_GP;
    default: return CONFUSED;
    }
}

// These leave the registers as they were.
static int with_registers(struct bench *b, const char *hex, uint64_t rax, uint64_t rbx, uint64_t *out) {
    struct cpu *cpu = b->cpu;
    uint64_t old_rax = gpr(cpu, RAX), old_rbx = gpr(cpu, RBX), old_rsp = gpr(cpu, RSP);
    gpr_put(cpu, RAX, rax);
    gpr_put(cpu, RBX, rbx);
    int outcome = bench_vmx_instruction(b, hex);
    if (out) *out = gpr(cpu, RBX);
    gpr_put(cpu, RAX, old_rax), gpr_put(cpu, RBX, old_rbx), gpr_put(cpu, RSP, old_rsp);
    return outcome;
}
static int with_pointer(struct bench *b, const char *hex, uint64_t pointer) {
    bench_store(b, AT_POINTER, 8, pointer);
    return with_registers(b, hex, AT_POINTER, 0, NULL);
}
int bench_vmxon(struct bench *b, uint64_t pointer) { return with_pointer(b, "f3 0f c7 30", pointer); }
int bench_vmclear(struct bench *b, uint64_t pointer) { return with_pointer(b, "66 0f c7 30", pointer); }
int bench_vmptrld(struct bench *b, uint64_t pointer) { return with_pointer(b, "0f c7 30", pointer); }
int bench_vmread(struct bench *b, uint64_t encoding, uint64_t *value) {
    return with_registers(b, "0f 78 c3", encoding, 0, value);
}
int bench_vmwrite(struct bench *b, uint64_t encoding, uint64_t value) {
    return with_registers(b, "0f 79 c3", encoding, value, NULL);
}
int bench_vmlaunch(struct bench *b) { return bench_vmx_instruction(b, "0f 01 c2"); }
int bench_vmresume(struct bench *b) { return bench_vmx_instruction(b, "0f 01 c3"); }

void bench_write(struct bench *b, enum vmcs_field field, uint64_t value) {
    if (bench_vmwrite(b, field_encoding(field), value) != SUCCEED) bail("VMWRITE %s", field_name(field));
}

void bench_control(struct bench *b, enum control_group group, unsigned bit, bool on) {
    static const enum vmcs_field fields[] = {FIELD_PIN_CONTROLS, FIELD_PROC_CONTROLS, FIELD_PROC2_CONTROLS,
                                             FIELD_EXIT_CONTROLS, FIELD_ENTRY_CONTROLS};
    uint64_t v = bench_vmx(b)->vmcs->field[fields[group]];
    bench_write(b, fields[group], on ? v | BIT(bit) : v & ~BIT(bit));
}

// --- a valid VMCS ---

static void controls(struct bench *b) {
    const struct vmx_capability *c = &bench_vmx(b)->capability;
    bench_set(b, PIN_CONTROLS, c->allowed0[GROUP_PIN] | BIT(PIN_NMI_EXITING) | BIT(PIN_EXTERNAL_INTERRUPT_EXITING));
    bench_set(b, PROC_CONTROLS, c->allowed0[GROUP_PROC] | BIT(PROC_ACTIVATE_SECONDARY) | BIT(PROC_HLT_EXITING));
    bench_set(b, PROC2_CONTROLS, BIT(PROC2_ENABLE_EPT) | BIT(PROC2_ENABLE_VPID));
    bench_set(b, EXIT_CONTROLS, c->allowed0[GROUP_EXIT] | BIT(EXIT_HOST_ADDRESS_SPACE_SIZE));
    bench_set(b, ENTRY_CONTROLS, c->allowed0[GROUP_ENTRY] | BIT(ENTRY_IA32E_MODE_GUEST));
    bench_set(b, VPID, VPID_USED);
    bench_set(b, EPT_POINTER, AT_EPT_PML4 | 3 << 3 | 6);
    bench_set(b, IO_BITMAP_A, AT_IO_A);
    bench_set(b, IO_BITMAP_B, AT_IO_B);
    bench_set(b, MSR_BITMAPS, AT_MSR_BITMAPS);
    bench_set(b, EXIT_MSR_STORE_ADDRESS, AT_MSR_AREA);
    bench_set(b, EXIT_MSR_LOAD_ADDRESS, AT_MSR_AREA);
    bench_set(b, ENTRY_MSR_LOAD_ADDRESS, AT_MSR_AREA);
}

static void host(struct bench *b) {
    const struct cpu *cpu = b->cpu;
    bench_set(b, HOST_CR0, field(cpu, "control.cr0"));
    bench_set(b, HOST_CR3, field(cpu, "control.cr3"));
    bench_set(b, HOST_CR4, field(cpu, "control.cr4"));
    bench_set(b, HOST_CS_SELECTOR, CODE_SELECTOR);
    bench_set(b, HOST_TR_SELECTOR, TSS_SELECTOR);
    for (unsigned f = FIELD_HOST_SS_SELECTOR; f <= FIELD_HOST_GS_SELECTOR; f++)
        bench_write(b, (enum vmcs_field)f, DATA_SELECTOR);
    bench_set(b, HOST_ES_SELECTOR, DATA_SELECTOR);
    bench_set(b, HOST_TR_BASE, AT_TSS);
    bench_set(b, HOST_GDTR_BASE, AT_GDT);
    bench_set(b, HOST_IDTR_BASE, AT_IDT);
    bench_set(b, HOST_RSP, AT_HOST_STACK);
    bench_set(b, HOST_RIP, AT_HOST_EXIT);
    bench_set(b, HOST_PAT, 0x0007040600070406);
    bench_set(b, HOST_EFER, field(cpu, "control.efer"));
}

static void guest(struct bench *b) {
    const struct cpu *cpu = b->cpu;
    bench_set(b, GUEST_CR0, field(cpu, "control.cr0"));
    bench_set(b, GUEST_CR3, field(cpu, "control.cr3"));
    bench_set(b, GUEST_CR4, field(cpu, "control.cr4"));
    for (unsigned s = ES; s <= TR; s++) {
        bench_write(b, FIELD_GUEST_ES_SELECTOR + s, field_at(cpu, "segment[].selector", s));
        bench_write(b, FIELD_GUEST_ES_LIMIT + s, field_at(cpu, "segment[].limit", s));
        bench_write(b, FIELD_GUEST_ES_RIGHTS + s, field_at(cpu, "segment[].rights", s));
        bench_write(b, FIELD_GUEST_ES_BASE + s, field_at(cpu, "segment_base", s));
    }
    bench_set(b, GUEST_GDTR_BASE, AT_GDT);
    bench_set(b, GUEST_GDTR_LIMIT, 0xffff);
    bench_set(b, GUEST_IDTR_BASE, AT_IDT);
    bench_set(b, GUEST_IDTR_LIMIT, 0xfff);
    bench_set(b, GUEST_DR7, 0x400);
    bench_set(b, GUEST_RSP, AT_GUEST_STACK);
    bench_set(b, GUEST_RIP, AT_GUEST_CODE);
    bench_set(b, GUEST_RFLAGS, 2);
    bench_set(b, GUEST_PAT, 0x0007040600070406);
    bench_set(b, GUEST_EFER, field(cpu, "control.efer"));
    bench_set(b, VMCS_LINK_POINTER, ~0ull);
}

void bench_valid_vmcs(struct bench *b) {
    controls(b);
    host(b);
    guest(b);
}

void bench_prepare(struct bench *b) {
    bench_store(b, AT_VMXON, 4, VMCS_REVISION);
    bench_store(b, AT_VMCS, 4, VMCS_REVISION);
    bench_store(b, AT_VMCS2, 4, VMCS_REVISION);
    bench_store(b, AT_SHADOW, 4, VMCS_REVISION | BIT(31));
    if (bench_vmxon(b, AT_VMXON) != SUCCEED) bail("VMXON");
    if (bench_vmclear(b, AT_VMCS) != SUCCEED || bench_vmptrld(b, AT_VMCS) != SUCCEED) bail("VMPTRLD");
    bench_valid_vmcs(b);
}

void bench_guest(struct bench *b, const char *hex) {
    put_code(b, bench_field(b, GUEST_CS_BASE) + bench_field(b, GUEST_RIP), hex);
}

static uint32_t until_root(struct bench *b, const char *hex, unsigned steps) {
    struct cpu *cpu = b->cpu;
    field_put(cpu, "rip", AT_HOST_CODE);
    put_code(b, AT_HOST_CODE, hex);
    (void)cpu_run(cpu, 1);
    return bench_continue(b, steps);
}
uint32_t bench_continue(struct bench *b, unsigned steps) {
    for (unsigned i = 0; i < steps && bench_vmx(b)->non_root; i++) (void)cpu_run(b->cpu, 1);
    bool exited = !bench_vmx(b)->non_root && field(b->cpu, "rip") == AT_HOST_EXIT;
    return exited ? (uint32_t)bench_field(b, EXIT_REASON) : ~0u;
}
uint32_t bench_enter(struct bench *b, unsigned steps) { return until_root(b, "0f 01 c2", steps); }
uint32_t bench_reenter(struct bench *b, unsigned steps) { return until_root(b, "0f 01 c3", steps); }
