// Both sides of each boundary of what exits: bits of bitmaps and masks, ranges of MSRs, ports and fields, CR3-target
// values, LMSW, PAUSE loops. SDM Vol. 3C, 24.6, 25.1.3, 25.2, 25.5.6. The questions are those of vmx/ask/ask.h, which
// the processor asks too (test_ask.c).
#include "cpu/engine/run.h"
#include "cpu/memory/mode.h"
#include "tests/vmx/bench.h"
#include "vmx/ask/ask.h"
#include <string.h>

static struct bench *b;
static struct exit_record record;

static bool exits(enum intercept what, union intercept_operand operand) {
    const struct ask ask = ask_about(b->cpu);
    return ask_exits(&ask, NULL, what, operand, &record);
}
static void begin(void) {
    b = bench_new("server");
    bench_prepare(b);
}
static void set_cpl(unsigned cpl) {
    field_put_at(b->cpu, "segment[].rights", SS, (field_at(b->cpu, "segment[].rights", SS) & ~(3u << 5)) | cpl << 5);
    cpu_update_mode(b->cpu);
}
static void set_only_bit(uint64_t map, unsigned bytes, unsigned bit) {
    memset(b->ram + map, 0, bytes);
    b->ram[map + bit / 8] = (uint8_t)(1 << bit % 8);
}

// --- control registers ---
static void test_cr3_targets(void) {
    begin();
    bench_on(b, PROC, CR3_LOAD_EXITING);
    bench_set(b, CR3_TARGET0, 0x1000), bench_set(b, CR3_TARGET1, 0x2000);
    bench_set(b, CR3_TARGET2, 0x3000), bench_set(b, CR3_TARGET3, 0x4000);
    loop_begin("the first n CR3-target values do not exit");
    for (uint64_t count = 0; count <= 4; count++) {
        bench_set(b, CR3_TARGET_COUNT, count);
        for (uint64_t i = 0; i < 6; i++)
            loop_check(exits(ICEPT_CR_WRITE, OPERAND(.cr = {.number = 3, .value = 0x1000 * i})) ==
                           (i == 0 || i > count),
                       "count %llu, target %llu", (unsigned long long)count, (unsigned long long)i);
    }
    for (uint8_t number = 0; number < 9; number++)
        loop_check(exits(ICEPT_CR_WRITE, OPERAND(.cr = {.number = number})) == (number == 3), "CR%u", number);
    loop_end();
    bench_free(b);
}

// Table 27-10, but for the operand size, which is undefined in 64-bit mode: scaling, address size, segment, index,
// base, and which of the four it is.
static void test_table_information(void) {
    static const struct {
        const char *hex;
        uint32_t information;
    } rows[] = {
        {"0f 01 54 48 10", 1 | 2 << 7 | 3 << 15 | 1 << 18 | 0 << 23 | 2 << 28},        // lgdt [rax + rcx * 2 + 10H]
        {"67 64 0f 01 5c 93 10", 2 | 1 << 7 | 4 << 15 | 2 << 18 | 3 << 23 | 3u << 28}, // lidt fs:[ebx + edx * 4 + 10H]
        {"0f 01 00", 2 << 7 | 3 << 15 | 1 << 22 | 0 << 23 | 0 << 28},                  // sgdt [rax]
        {"0f 01 0c 24", 2 << 7 | 2 << 15 | 1 << 22 | 4 << 23 | 1 << 28},               // sidt [rsp]
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin();
        bench_on(b, PROC2, DESCRIPTOR_TABLE_EXITING);
        bench_guest(b, rows[i].hex);
        bool table = bench_enter(b, 3) == EXIT_GDTR_IDTR;
        uint64_t is = bench_field(b, INSTRUCTION_INFORMATION),
                 without = 1 << 11 | (is >> 22 & 1 ? BITS(21, 18) | 3 : 0);
        ok(table && (is & ~without) == (rows[i].information & ~without), "%s: information %llx", rows[i].hex,
           (unsigned long long)is);
        bench_free(b);
    }
    loop_begin("the operand size in compatibility mode is that of the code segment");
    for (unsigned wide = 0; wide < 2; wide++) {
        begin();
        bench_on(b, PROC2, DESCRIPTOR_TABLE_EXITING);
        bench_set(b, GUEST_CS_RIGHTS, wide ? 0xc09b : 0x809b);
        bench_guest(b, "0f 01 10");
        loop_check(bench_enter(b, 3) == EXIT_GDTR_IDTR && (bench_field(b, INSTRUCTION_INFORMATION) >> 11 & 1) == wide,
                   "%u-bit code: %llx", wide ? 32 : 16, (unsigned long long)bench_field(b, INSTRUCTION_INFORMATION));
        bench_free(b);
    }
    loop_end();
}

static bool sets_cr(enum intercept what, uint8_t number) {
    return exits(what, OPERAND(.cr = {.number = number, .value = 0x77}));
}
static void test_cr_controls(void) {
    begin();
    loop_begin("MOV from CR3, to and from CR8, by their controls");
    for (uint8_t number = 0; number < 10; number++) {
        loop_check(!sets_cr(ICEPT_CR_READ, number) && !sets_cr(ICEPT_CR_WRITE, number), "no control, CR%u", number);
        bench_on(b, PROC, CR3_STORE_EXITING);
        loop_check(sets_cr(ICEPT_CR_READ, number) == (number == 3), "from CR%u", number);
        bench_off(b, PROC, CR3_STORE_EXITING), bench_on(b, PROC, CR8_STORE_EXITING);
        loop_check(sets_cr(ICEPT_CR_READ, number) == (number == 8), "from CR%u", number);
        bench_off(b, PROC, CR8_STORE_EXITING), bench_on(b, PROC, CR8_LOAD_EXITING);
        loop_check(sets_cr(ICEPT_CR_WRITE, number) == (number == 8), "to CR%u", number);
        bench_off(b, PROC, CR8_LOAD_EXITING);
    }
    loop_end();
    loop_begin("MOV to CR0 and CR4 by mask and read shadow, bit by bit");
    for (unsigned bit = 0; bit < 32; bit++)
        for (unsigned n = 0; n < 16; n++) {
            uint64_t mask = n & 1 ? BIT(bit) : ~BIT(bit), shadow = n & 2 ? BIT(bit) : 0, value = n & 4 ? BIT(bit) : 0;
            bool cr0 = n & 8;
            bench_set(b, CR0_MASK, cr0 ? mask : 0), bench_set(b, CR0_SHADOW, cr0 ? shadow : ~0ull);
            bench_set(b, CR4_MASK, cr0 ? 0 : mask), bench_set(b, CR4_SHADOW, cr0 ? ~0ull : shadow);
            const union intercept_operand o = OPERAND(.cr = {.number = cr0 ? 0 : 4, .value = value});
            loop_check(exits(ICEPT_CR_WRITE, o) == (n & 1 && shadow != value), "bit %u, %u", bit, n);
        }
    loop_end();
    loop_begin("masks of CR0 and CR4 are theirs alone");
    bench_set(b, CR0_MASK, ~0ull), bench_set(b, CR0_SHADOW, 0), bench_set(b, CR4_MASK, 0);
    for (uint8_t number = 0; number < 10; number++)
        loop_check(sets_cr(ICEPT_CR_WRITE, number) == (number == 0), "CR0's, CR%u", number);
    bench_set(b, CR0_MASK, 0), bench_set(b, CR4_MASK, ~0ull), bench_set(b, CR4_SHADOW, 0);
    for (uint8_t number = 0; number < 10; number++)
        loop_check(sets_cr(ICEPT_CR_WRITE, number) == (number == 4), "CR4's, CR%u", number);
    loop_end();
    bench_free(b);
}

// LMSW writes CR0 bits 3:0, and never clears PE. SDM Vol. 3C, 25.1.3.
static void test_lmsw(void) {
    begin();
    loop_begin("LMSW exits if it would change one of the mask's low bits");
    for (unsigned n = 0; n < 16 * 16 * 16; n++) {
        uint64_t mask = n % 16, shadow = n / 16 % 16;
        unsigned source = n / 256;
        bool expected = mask & 1 && source & 1 && !(shadow & 1);
        for (unsigned bit = 1; bit < 4; bit++)
            expected |= mask >> bit & 1 && (source >> bit & 1) != (shadow >> bit & 1);
        bench_set(b, CR0_MASK, mask | BITS(31, 4)), bench_set(b, CR0_SHADOW, shadow | BIT(5));
        const union intercept_operand o = OPERAND(.lmsw = {.source = (uint16_t)(source | 0xffd0)});
        loop_check(exits(ICEPT_LMSW, o) == expected, "mask %llx, shadow %llx, source %x", (unsigned long long)mask,
                   (unsigned long long)shadow, source);
    }
    loop_end();
    bench_set(b, CR0_MASK, CR0_PE), bench_set(b, CR0_SHADOW, 0);
    (void)exits(ICEPT_LMSW, OPERAND(.lmsw = {.source = 0x8421}));
    ok(record.qualification == (3 << 4 | 0x8421ull << 16) && !record.has_linear, "its qualification, a register");
    (void)exits(ICEPT_LMSW, OPERAND(.lmsw = {.source = 0x8421, .memory = true, .linear = 0x12345678}));
    ok(record.qualification == (3 << 4 | 1 << 6 | 0x8421ull << 16) && record.has_linear &&
           record.guest_linear == 0x12345678,
       "and memory");
    loop_begin("CLTS exits by CR0.TS of mask and read shadow");
    for (unsigned n = 0; n < 16; n++) {
        bench_set(b, CR0_MASK, (n & 1 ? CR0_TS : 0) | (n & 4 ? ~CR0_TS : 0));
        bench_set(b, CR0_SHADOW, (n & 2 ? CR0_TS : 0) | (n & 8 ? ~CR0_TS : 0));
        loop_check(exits(ICEPT_CLTS, NO_OPERAND) == ((n & 3) == 3), "%u", n);
    }
    loop_end();
    bench_free(b);
}

// --- bitmaps ---
static bool port_exits(unsigned port, unsigned bytes) {
    return exits(ICEPT_IO, OPERAND(.io = {.port = (uint16_t)port, .bytes = (uint8_t)bytes}));
}

static void test_io_bitmaps(void) {
    static const unsigned ports[] = {0, 1, 7, 8, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfff8, 0xffff};
    begin();
    bench_on(b, PROC, USE_IO_BITMAPS);
    loop_begin("a port's bit in the I/O bitmaps");
    for (unsigned i = 0; i < sizeof ports / sizeof *ports; i++) {
        memset(b->ram + AT_IO_A, 0, 0x2000);
        set_only_bit(ports[i] < 0x8000 ? AT_IO_A : AT_IO_B, 4096, ports[i] % 0x8000);
        for (unsigned bytes = 1; bytes <= 4; bytes *= 2)
            for (unsigned port = ports[i] > 8 ? ports[i] - 8 : 0; port <= ports[i] + 4 && port <= 0xffff; port++) {
                bool covers = port <= ports[i] && ports[i]<port + bytes, wraps = port + bytes> 0x10000;
                loop_check(port_exits(port, bytes) == (covers || wraps), "bit %x, port %x, %u", ports[i], port, bytes);
            }
    }
    memset(b->ram + AT_IO_A, 0, 0x2000);
    for (unsigned bytes = 1; bytes <= 4; bytes *= 2)
        loop_check(!port_exits(0x10000 - bytes, bytes) && (bytes == 1 || port_exits(0x10001 - bytes, bytes)),
                   "the end");
    bench_on(b, PROC, UNCONDITIONAL_IO_EXITING);
    loop_check(!port_exits(0x80, 1), "with bitmaps \"unconditional I/O exiting\" is ignored");
    bench_off(b, PROC, USE_IO_BITMAPS);
    loop_check(port_exits(0x80, 1), "without, it decides");
    bench_off(b, PROC, UNCONDITIONAL_IO_EXITING);
    loop_check(!port_exits(0x80, 1), "neither");
    loop_end();
    bench_free(b);
}

// 24.6.9: read low, read high, write low, write high, 1 KByte each.
static void test_msr_bitmaps(void) {
    static const struct {
        uint32_t index;
        int part, bit; // -1: always exits
    } rows[] = {{0, 0, 0},           {1, 0, 1},          {0x1fff, 0, 0x1fff},     {0x2000, -1, 0},
                {0xbfffffff, -1, 0}, {0xc0000000, 1, 0}, {0xc0001fff, 1, 0x1fff}, {0xc0002000, -1, 0},
                {0xffffffff, -1, 0}};
    begin();
    loop_begin("an MSR's bit in the MSR bitmaps");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int write = 0; write < 2; write++) {
            enum intercept what = write ? ICEPT_WRMSR : ICEPT_RDMSR;
            const union intercept_operand o = OPERAND(.msr = {.index = rows[i].index});
            unsigned bit = ((unsigned)write * 2 + (unsigned)rows[i].part) * 0x2000 + (unsigned)rows[i].bit;
            bench_off(b, PROC, USE_MSR_BITMAPS);
            loop_check(exits(what, o), "%x without bitmaps", rows[i].index);
            bench_on(b, PROC, USE_MSR_BITMAPS);
            memset(b->ram + AT_MSR_BITMAPS, 0, 4096);
            loop_check(exits(what, o) == (rows[i].part < 0), "%x, no bit", rows[i].index);
            if (rows[i].part >= 0) set_only_bit(AT_MSR_BITMAPS, 4096, bit);
            loop_check(exits(what, o), "%x, its bit", rows[i].index);
            memset(b->ram + AT_MSR_BITMAPS, 0xff, 4096);
            if (rows[i].part >= 0) b->ram[AT_MSR_BITMAPS + bit / 8] ^= (uint8_t)(1 << bit % 8);
            loop_check(exits(what, o) == (rows[i].part < 0), "%x, all others", rows[i].index);
        }
    }
    loop_end();
    bench_free(b);
}

static void test_field_bitmaps(void) {
    static const uint64_t encodings[] = {0, 1, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0x10000, 1ull << 63};
    begin();
    bench_set(b, VMREAD_BITMAP, AT_IO_A), bench_set(b, VMWRITE_BITMAP, AT_IO_B);
    loop_begin("a field's bit in the VMREAD and VMWRITE bitmaps");
    for (unsigned i = 0; i < sizeof encodings / sizeof *encodings; i++)
        for (unsigned n = 0; n < 8; n++) {
            const union intercept_operand o = OPERAND(.vmcs = {.encoding = encodings[i]});
            bool shadowing = n & 1, write = n & 2, set = n & 4, mapped = encodings[i] < 0x8000;
            unsigned bit = (unsigned)encodings[i] % 0x8000;
            if (shadowing)
                bench_on(b, PROC2, VMCS_SHADOWING);
            else
                bench_off(b, PROC2, VMCS_SHADOWING);
            memset(b->ram + AT_IO_A, write ? 0xff : 0, 4096), memset(b->ram + AT_IO_B, write ? 0 : 0xff, 4096);
            if (set) set_only_bit(write ? AT_IO_B : AT_IO_A, 4096, bit);
            loop_check(exits(write ? ICEPT_VMWRITE : ICEPT_VMREAD, o) == (!shadowing || !mapped || set), "%llx, %u",
                       (unsigned long long)encodings[i], n);
        }
    loop_end();
    bench_free(b);
}

// --- exceptions ---
static bool event_exits(uint8_t vector, uint32_t error_code) {
    const struct event e = {
        .vector = vector, .type = EVENT_HARDWARE_EXCEPTION, .has_error_code = vector == 14, .error_code = error_code};
    const struct ask ask = ask_about(b->cpu);
    return ask_event_exits(&ask, &e, &record);
}

static void test_exceptions(void) {
    begin();
    loop_begin("a vector's bit in the exception bitmap");
    for (uint8_t bit = 0; bit < 32; bit++)
        for (uint8_t vector = 0; vector < 32; vector++) {
            bench_set(b, EXCEPTION_BITMAP, BIT(bit));
            loop_check(event_exits(vector, 0) == (vector == bit), "bit %u, vector %u", bit, vector);
        }
    loop_end();
    loop_begin("page faults by mask and match");
    for (unsigned n = 0; n < 1 << 10; n++) {
        uint32_t mask = n & 7, match = n >> 3 & 7, code = n >> 6 & 7;
        bench_set(b, EXCEPTION_BITMAP, n & 512 ? BIT(14) : ~BIT(14));
        bench_set(b, PAGE_FAULT_MASK, mask), bench_set(b, PAGE_FAULT_MATCH, match);
        bool equal = (code & mask) == match;
        loop_check(event_exits(14, code) == (n & 512 ? equal : !equal), "%x", n);
    }
    loop_end();
    bench_free(b);
}

// --- loops of PAUSE, 25.1.3: cycles since the last PAUSE and since the first ---
static bool pause_exits(uint64_t since_last, uint64_t since_first, unsigned cpl) {
    struct cpu *cpu = b->cpu;
    uint64_t now = cpu_cycles(cpu, NULL);
    bench_vmx(b)->ple_last = now - since_last, bench_vmx(b)->ple_first = now - since_first;
    set_cpl(cpl);
    bool answer = exits(ICEPT_PAUSE, NO_OPERAND);
    set_cpl(0);
    return answer;
}

static void test_pause_loop(void) {
    begin();
    bench_set(b, PLE_GAP, 100), bench_set(b, PLE_WINDOW, 5000);
    ok(!pause_exits(100, 5001, 0), "no PAUSE-loop exiting");
    bench_on(b, PROC2, PAUSE_LOOP_EXITING);
    ok(pause_exits(100, 5001, 0), "a loop longer than PLE_Window exits");
    ok(!pause_exits(100, 5000, 0), "one as long does not");
    ok(!pause_exits(101, 5001, 0), "nor one that paused for longer than PLE_Gap");
    ok(!pause_exits(100, 5001, 3) && !pause_exits(100, 5001, 1), "nor one at another privilege level than 0");
    bench_vmx(b)->ple_last = 0;
    ok(!exits(ICEPT_PAUSE, NO_OPERAND), "nor the first PAUSE");
    bench_on(b, PROC, PAUSE_EXITING);
    ok(exits(ICEPT_PAUSE, NO_OPERAND) && pause_exits(100, 5001, 3), "\"PAUSE exiting\" exits at every level");
    bench_free(b);
}

// --- XSAVES, VMFUNC, RDTSCP ---
static void test_others(void) {
    begin();
    field_put(b->cpu, "msr.xss", BIT(8) | BIT(11));
    bench_on(b, PROC2, ENABLE_XSAVES);
    bench_set(b, XSS_EXITING_BITMAP, BIT(8) | BIT(12));
    loop_begin("XSAVES and XRSTORS by the XSS-exiting bitmap");
    for (unsigned bit = 0; bit < 16; bit++)
        for (unsigned n = 0; n < 2; n++)
            loop_check(exits(n ? ICEPT_XSAVES : ICEPT_XRSTORS, OPERAND(.xsave = {.features = BIT(bit)})) == (bit == 8),
                       "component %u", bit);
    set_cpl(3);
    loop_check(!exits(ICEPT_XSAVES, OPERAND(.xsave = {.features = BIT(8)})) &&
                   !exits(ICEPT_XRSTORS, OPERAND(.xsave = {.features = BIT(8)})),
               "CPL 3: #GP comes first");
    set_cpl(0);
    loop_end();
    bench_on(b, PROC2, ENABLE_VM_FUNCTIONS);
    bench_set(b, EPTP_LIST_ADDRESS, AT_DATA);
    memset(b->ram + AT_DATA, 0xff, 0x2000);
    bench_store(b, AT_DATA, 8, AT_EPT_PML4 | 3 << 3 | 6),
        bench_store(b, AT_DATA + 511 * 8, 8, AT_EPT_PML4 | 3 << 3 | 6);
    bench_store(b, AT_DATA + 512 * 8, 8, AT_EPT_PML4 | 3 << 3 | 6);
    loop_begin("VMFUNC");
    for (unsigned n = 0; n < 2; n++) {
        bench_set(b, VM_FUNCTION_CONTROLS, n);
        for (uint32_t function = 0; function < 70; function++)
            loop_check(exits(ICEPT_VMFUNC, OPERAND(.vmfunc = {.function = function})) ==
                           (function < 64 && !(n && function == 0)),
                       "function %u", function);
    }
    for (uint32_t entry = 0; entry < 514; entry++)
        loop_check(exits(ICEPT_VMFUNC, OPERAND(.vmfunc = {.entry = entry})) == (entry != 0 && entry != 511),
                   "entry %u of the EPTP list", entry);
    loop_end();
    bench_on(b, PROC, RDTSC_EXITING);
    ok(!exits(ICEPT_RDTSCP, NO_OPERAND) && exits(ICEPT_RDTSC, NO_OPERAND),
       "RDTSCP without \"enable RDTSCP\": #UD first");
    bench_on(b, PROC2, ENABLE_RDTSCP);
    ok(exits(ICEPT_RDTSCP, NO_OPERAND), "with it");
    field_put(b->cpu, "control.cr4", field(b->cpu, "control.cr4") | CR4_TSD);
    ok(exits(ICEPT_RDTSCP, NO_OPERAND), "CR4.TSD at CPL 0");
    set_cpl(3);
    ok(!exits(ICEPT_RDTSCP, NO_OPERAND), "CR4.TSD at CPL 3: #GP first");
    field_put(b->cpu, "control.cr4", field(b->cpu, "control.cr4") & (~CR4_TSD));
    ok(exits(ICEPT_RDTSCP, NO_OPERAND), "no CR4.TSD at CPL 3");
    set_cpl(0);
    bench_on(b, PROC, INVLPG_EXITING), bench_on(b, PROC2, ENABLE_INVPCID);
    set_cpl(3);
    ok(!exits(ICEPT_INVPCID, NO_OPERAND), "INVPCID at CPL 3: #GP first");
    set_cpl(0);
    ok(exits(ICEPT_INVPCID, NO_OPERAND), "at CPL 0");
    bench_off(b, PROC2, ENABLE_INVPCID);
    ok(!exits(ICEPT_INVPCID, NO_OPERAND), "without \"enable INVPCID\": #UD first");
    bench_free(b);
}

// --- what is reported, Tables 27-1 to 27-14, as far as the operand decides it ---
static void test_reports(void) {
    static const struct {
        enum intercept what;
        union intercept_operand o;
        uint64_t qualification;
        uint32_t information;
        const char *text;
    } rows[] = {
        {ICEPT_TASK_SWITCH, {.task = {.selector = 0x1238, .source = 2}}, 2ull << 30 | 0x1238, 0, "task switch, JMP"},
        {ICEPT_TASK_SWITCH, {.task = {.selector = 0xffff, .source = 1}}, 1ull << 30 | 0xffff, 0, "task switch, IRET"},
        {ICEPT_CR_WRITE, {.cr = {.number = 3, .gpr = 9}}, 3 | 9 << 8, 0, "MOV to CR3, R9"},
        {ICEPT_CR_READ, {.cr = {.number = 3, .gpr = 4}}, 3 | 1 << 4 | 4 << 8, 0, "MOV from CR3, RSP"},
        {ICEPT_CR_WRITE, {.cr = {.number = 8, .gpr = 15}}, 8 | 15 << 8, 0, "MOV to CR8, R15"},
        {ICEPT_CR_READ, {.cr = {.number = 8, .gpr = 1}}, 8 | 1 << 4 | 1 << 8, 0, "MOV from CR8, RCX"},
        {ICEPT_CR_WRITE, {.cr = {.number = 0, .gpr = 2, .value = ~0ull}}, 2 << 8, 0, "MOV to CR0, RDX"},
        {ICEPT_CR_WRITE, {.cr = {.number = 4, .gpr = 2, .value = ~0ull}}, 4 | 2 << 8, 0, "MOV to CR4, RDX"},
        {ICEPT_CLTS, {.invlpg = {0}}, 2 << 4, 0, "CLTS"},
        {ICEPT_DR, {.dr = {.number = 7, .gpr = 5, .from = true}}, 7 | 1 << 4 | 5 << 8, 0, "MOV from DR7, RBP"},
        {ICEPT_DR, {.dr = {.number = 2, .gpr = 12}}, 2 | 12 << 8, 0, "MOV to DR2, R12"},
        {ICEPT_IO, {.io = {.port = 0x3f8, .bytes = 1}}, 0x3f8ull << 16, 0, "OUT DX, AL"},
        {ICEPT_IO, {.io = {.port = 0xcfc, .bytes = 4, .in = true}}, 0xcfcull << 16 | 3 | 1 << 3, 0, "IN EAX, DX"},
        {ICEPT_IO, {.io = {.port = 0x80, .bytes = 2, .immediate = true}}, 0x80ull << 16 | 1 | 1 << 6, 0, "OUT 80H, AX"},
        {ICEPT_INS_OUTS,
         {.io = {.port = 0x1f0, .bytes = 2, .in = true, .rep = true, .linear = 0x1234}},
         0x1f0ull << 16 | 1 | 1 << 3 | 1 << 4 | 1 << 5,
         0,
         "REP INSW"},
        {ICEPT_RDRAND, {.random = {.gpr = 3, .bytes = 2}}, 0, 3 << 3, "RDRAND BX"},
        {ICEPT_RDRAND, {.random = {.gpr = 3, .bytes = 4}}, 0, 3 << 3 | 1 << 11, "RDRAND EBX"},
        {ICEPT_RDSEED, {.random = {.gpr = 14, .bytes = 8}}, 0, 14 << 3 | 2 << 11, "RDSEED R14"},
        {ICEPT_VMREAD, {.vmcs = {.gpr1 = 6, .gpr2 = 11}}, 0, 6 << 3 | 1 << 10 | 11u << 28, "VMREAD RSI, R11"},
        {ICEPT_VMWRITE, {.vmcs = {.gpr1 = 1, .gpr2 = 2}}, 0, 1 << 3 | 1 << 10 | 2u << 28, "VMWRITE RDX, RCX"},
        {ICEPT_VMREAD, {.vmcs = {.memory = true, .gpr1 = 6, .gpr2 = 7}}, 0, 7u << 28, "VMREAD [mem], RDI"},
        {ICEPT_INVEPT, {.invalidate = {.gpr = 5}}, 0, 5u << 28, "INVEPT RBP"},
        {ICEPT_INVVPID, {.invalidate = {.gpr = 8}}, 0, 8u << 28, "INVVPID R8"},
        {ICEPT_GDTR_IDTR, {.table = {.identity = TABLE_IDTR | TABLE_LOAD}}, 0, 3u << 28, "LIDT"},
        {ICEPT_GDTR_IDTR, {.table = {.identity = TABLE_GDTR}}, 0, 0, "SGDT"},
        {ICEPT_LDTR_TR, {.table = {.identity = TABLE_TR | TABLE_LOAD}}, 0, 1 << 10 | 3u << 28, "LTR AX"},
        {ICEPT_MWAIT, {.mwait = {.armed = true}}, 1, 0, "MWAIT, armed"},
        {ICEPT_MWAIT, {.mwait = {.armed = false}}, 0, 0, "MWAIT, not armed"},
        {ICEPT_INVLPG, {.invlpg = {.linear = 0x123456789abc}}, 0x123456789abc, 0, "INVLPG"},
    };
    begin();
    for (unsigned bit = 0; bit < 32; bit++)
        if (bench_vmx(b)->capability.allowed1[GROUP_PROC] >> bit & 1) bench_control(b, GROUP_PROC, bit, true);
    for (unsigned bit = 0; bit < 32; bit++)
        if (bench_vmx(b)->capability.allowed1[GROUP_PROC2] >> bit & 1 && bit != PROC2_VMCS_SHADOWING)
            bench_control(b, GROUP_PROC2, bit, true);
    bench_off(b, PROC, USE_IO_BITMAPS);
    bench_set(b, CR0_MASK, ~0ull), bench_set(b, CR4_MASK, ~0ull), bench_set(b, CR0_SHADOW, CR0_TS);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        record = (struct exit_record){0};
        ok(exits(rows[i].what, rows[i].o) && record.qualification == rows[i].qualification &&
               record.instruction_information == rows[i].information,
           "%s: qualification %llx, information %x", rows[i].text, (unsigned long long)record.qualification,
           record.instruction_information);
    }
    bench_free(b);
}

int main(void) {
    test_cr3_targets();
    test_cr_controls();
    test_table_information();
    test_lmsw();
    test_io_bitmaps();
    test_msr_bitmaps();
    test_field_bitmaps();
    test_exceptions();
    test_pause_loop();
    test_others();
    test_reports();
    return done_testing();
}
