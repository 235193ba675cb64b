// A Linux kernel that is none: the tables that its names, its modules and its frames are read from, made by hand in a
// machine's memory. They are read right; with pages missing the rest is, and the missing ones later; and whatever a
// guest writes there, looking ends, soon, and prints nothing raw.
#include "cpu/state/cpu.h"
#include "monitor/explain/view.h"
#include "monitor/program/serve.h"
#include "monitor/show/names.h"
#include "monitor/symbols/symbols_file.h"
#include "monitor/unwind/unwind.h"
#include "tests/door.h"
#include "tests/field.h"
#include "tests/tap.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BASE 0xffffffff81000000ull
enum {
    PAGE = 4096,
    TABLES_AT = 1 << 20, // physical: PML4, PDPT, PD and 4 page tables
    IMAGE_AT = 4 << 20,  // physical, of BASE
    IMAGE_BYTES = 8 << 20,
    COUNT = 1024,       // symbols
    KALLSYMS = 1 << 20, // offset in the image
    BANNER = 0x2000,
    ORC_IPS = 3 << 20,
    ORC_ENTRIES = ORC_IPS + PAGE,
    ORC_COUNT = 64,
    STACK_AT = 5 << 20, // offset
    RAM_BYTES = 64 << 20,
    BEYOND = RAM_BYTES + (16 << 20), // no memory
};

static struct machine *machine;

static uint8_t *ram(uint64_t physical, uint64_t bytes) { return inside_ram(machine, physical, bytes); }
static uint8_t *image(uint64_t offset) { return ram(IMAGE_AT + offset, 1); }
static void put(uint64_t physical, uint64_t value, unsigned bytes) { memcpy(ram(physical, bytes), &value, bytes); }

// --- the machine: 4-level paging, and the image in pages of 4 KBytes ---

static uint64_t pte_at(uint64_t offset) { return TABLES_AT + 3 * PAGE + 8 * (offset / PAGE); }
static void map(uint64_t offset, uint64_t physical) { put(pte_at(offset), physical ? physical | 3 : 0, 8); }

static void make_tables(void) {
    const uint64_t pml4 = TABLES_AT, pdpt = pml4 + PAGE, pd = pdpt + PAGE, pt = pd + PAGE;
    memset(ram(pml4, 8 * PAGE), 0, 8 * PAGE);
    put(pml4 + 8 * (BASE >> 39 & 511), pdpt | 3, 8);
    put(pdpt + 8 * (BASE >> 30 & 511), pd | 3, 8);
    for (unsigned i = 0; i < IMAGE_BYTES >> 21; i++) put(pd + 8 * ((BASE >> 21 & 511) + i), (pt + i * PAGE) | 3, 8);
    for (uint64_t at = 0; at < IMAGE_BYTES; at += PAGE) map(at, IMAGE_AT + at);
}

static void make_machine(void) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = RAM_BYTES;
    machine = machine_new(&config, error, sizeof error);
    if (!machine) bail("%s", error);
    struct cpu *cpu = inside_cpu(machine, 0);
    field_put(cpu, "control.cr0", CR0_PE | CR0_PG | CR0_ET);
    field_put(cpu, "control.cr4", CR4_PAE);
    field_put(cpu, "control.efer", EFER_LME | EFER_LMA | EFER_NXE);
    field_put(cpu, "control.cr3", TABLES_AT);
    field_put_at(cpu, "segment[].rights", CS, RIGHTS_P | RIGHTS_S | RIGHTS_L | 11);
}

static struct view look(void) {
    struct view view;
    char error[160];
    if (!view_of(machine, 0, -1, NULL, &view, error, sizeof error)) abort();
    return view;
}

// --- kallsyms, as Linux 6.1 has it ---

static void symbol_name(unsigned i, char *name, uint64_t *offset) {
    static const struct {
        const char *name;
        uint64_t offset;
    } known[] = {{"_text", 0},
                 {"linux_banner", BANNER},
                 {"__start_orc_unwind_ip", ORC_IPS},
                 {"__stop_orc_unwind_ip", ORC_IPS + 4 * ORC_COUNT},
                 {"__start_orc_unwind", ORC_ENTRIES},
                 {"__stop_orc_unwind", ORC_ENTRIES + 6 * ORC_COUNT},
                 {"modules", 0x3000}};
    enum { KNOWN = sizeof known / sizeof *known };
    snprintf(name, 32, "function_%u", i);
    *offset = 0x10000 + 16 * i;
    if (i >= KNOWN) return;
    snprintf(name, 32, "%s", known[i].name);
    *offset = known[i].offset;
}

static uint64_t align8(uint64_t at) { return (at + 7) & ~7ull; }
static uint64_t names_at, markers_at;

static void make_kallsyms(void) {
    uint64_t at = KALLSYMS, token_at[256], offset;
    char name[32];
    for (unsigned i = 0; i < COUNT; i++) {
        symbol_name(i, name, &offset);
        put(IMAGE_AT + at + 4 * i, ~offset, 4); // counted down from the base minus 1
    }
    at = align8(at + 4 * COUNT);
    put(IMAGE_AT + at, BASE, 8);
    put(IMAGE_AT + at + 8, COUNT, 8);
    names_at = at += 16;
    uint32_t marker[COUNT / 256];
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % 256 == 0) marker[i / 256] = (uint32_t)(at - names_at);
        symbol_name(i, name, &offset);
        size_t length = strlen(name) + 1;
        *image(at) = (uint8_t)length;
        *image(at + 1) = 'T';
        memcpy(image(at + 2), name, length - 1);
        at += 1 + length;
    }
    markers_at = at = align8(at);
    memcpy(image(at), marker, sizeof marker);
    uint64_t tokens = at = align8(at + sizeof marker);
    for (unsigned i = 0; i < 256; i++) {
        token_at[i] = at - tokens;
        *image(at) = isgraph((int)i) ? (uint8_t)i : '?';
        *image(at + 1) = 0;
        at += 2;
    }
    at = align8(at);
    for (unsigned i = 0; i < 256; i++) put(IMAGE_AT + at + 2 * i, token_at[i], 2);
}

static void make_kernel(void) {
    memset(ram(IMAGE_AT, IMAGE_BYTES), 0, IMAGE_BYTES);
    make_tables();
    make_kallsyms();
    snprintf((char *)image(BANNER), 100, "Linux version 6.1.0-test (nobody) #1");
}

// --- reading ---

static struct symbols *symbols;
static struct linux_found found;

static const char *read_names(void) {
    const struct view view = look();
    symbols_free(symbols);
    symbols = NULL;
    struct symbol_table *table = symbols_table_new(&symbols, "kallsyms", 0);
    const char *error = symbols_from_kallsyms(table, &view, &found);
    symbols_table_done(table);
    return error;
}

static unsigned right_names(void) {
    unsigned right = 0;
    char name[32];
    uint64_t offset, address;
    for (unsigned i = 0; i < COUNT; i++) {
        symbol_name(i, name, &offset);
        right += symbols_value(symbols, 0, name, &address) && address == BASE + offset;
    }
    return right;
}

static void test_names(void) {
    make_kernel();
    const char *error = read_names();
    ok(!error && found.symbols == COUNT && !found.unread && !found.missing, "all names are read: %s",
       error ? error : "");
    ok(right_names() == COUNT, "each with its address");
    ok(strcmp(found.version, "6.1.0-test") == 0 && found.base == BASE, "which Linux it is, and where");
    field_put(inside_cpu(machine, 0), "control.cr3", RAM_BYTES - PAGE); // no tables
    ok(read_names() && !found.missing, "another address space has none of it");
    field_put(inside_cpu(machine, 0), "control.cr3", TABLES_AT);
}

// A copy that a guest's kernel would be: it is in memory, and not mapped.
static void test_copies(void) {
    make_kernel();
    memcpy(ram(32 << 20, IMAGE_BYTES), ram(IMAGE_AT, IMAGE_BYTES), IMAGE_BYTES);
    for (uint64_t at = 0; at < IMAGE_BYTES; at += PAGE) map(at, 0);
    ok(read_names(), "a kernel in memory that the level does not map is another's");
    for (uint64_t at = 0; at < IMAGE_BYTES; at += PAGE) map(at, (32 << 20) + at);
    ok(!read_names() && right_names() == COUNT, "and is found where it is mapped");
}

static void test_holes(void) {
    make_kernel();
    uint64_t hole = (names_at + 5000) & ~(uint64_t)(PAGE - 1);
    map(hole, BEYOND);
    const char *error = read_names();
    unsigned right = right_names();
    ok(!error && found.missing == 1 && found.unread > 0, "names in a page that cannot be read are counted: %u",
       (unsigned)found.unread);
    ok(right == COUNT - found.unread && right > COUNT / 4, "the others are right: %u", right);
    map(hole, IMAGE_AT + hole);
    ok(!read_names() && right_names() == COUNT, "and all of them later");
    hole = markers_at & ~(uint64_t)(PAGE - 1);
    map(hole, BEYOND);
    error = read_names();
    ok(error && found.missing == 1, "without the page of the tokens: %s", error ? error : "");
}

// --- at the prompt: whose names they are ---

static struct options options;
static struct run run = {.options = &options};
static struct monitor monitor;
static char said[1 << 14];

static void hear(void *context, const char *text, size_t bytes) {
    (void)context;
    size_t used = strlen(said), room = sizeof said - 1 - used;
    strncat(said, text, bytes < room ? bytes : room);
}

static bool later(uint64_t steps) { // whether a name is known then
    uint64_t address;
    struct cpu *cpu = inside_cpu(machine, 0);
    field_put(cpu, "time.steps", field(cpu, "time.steps") + steps);
    *said = '\0';
    names_again(&monitor);
    output_flush(monitor.output);
    return symbols_value(monitor.look.symbols, 0, "function_20", &address);
}

static void test_guests(void) {
    make_kernel();
    run.machine = machine;
    monitor_init(&monitor, &run);
    monitor.output->write = hear;
    field_put(inside_cpu(machine, 0), "time.steps", 1000000);
    ok(names_of_every_linux(&monitor) && later(1), "names of the Linux that is there");
    field_put(inside_cpu(machine, 0), "control.cr3", RAM_BYTES - PAGE);
    ok(!later(1) && !later(200000), "where another guest runs, they are hidden");
    *said = '\0';
    symbols_list(monitor.look.symbols, monitor.output);
    output_flush(monitor.output);
    ok(strstr(said, ", of another guest"), "and are listed so");
    field_put(inside_cpu(machine, 0), "control.cr3", TABLES_AT);
    ok(later(1) && !*said, "until it runs again");
    snprintf((char *)image(BANNER), 100, "Linux version 6.2.0-other (nobody) #1");
    ok(!later(1) && later(200000) && strstr(said, "names of Linux 6.2.0-other were read now"),
       "another Linux is found by itself");
    names_forget(&monitor);
    monitor_free(&monitor);
}

// --- frames ---

static void put_orc(unsigned i, uint64_t code, int sp, unsigned sp_register, unsigned bp_register, unsigned kind) {
    uint64_t at = BASE + ORC_IPS + 4 * i, entry = IMAGE_AT + ORC_ENTRIES + 6 * i;
    put(IMAGE_AT + ORC_IPS + 4 * i, BASE + code - at, 4);
    put(entry, (uint16_t)sp, 2);
    put(entry + 2, (uint16_t)-16, 2);
    put(entry + 4, sp_register | bp_register << 4, 1);
    put(entry + 5, kind, 1);
}

static struct unwind begin(const struct view *view, uint64_t ip, uint64_t sp, uint64_t bp) {
    struct unwind u;
    unwind_begin(&u, view, symbols, BASE + 0x3000);
    u.ip = ip;
    unwind_set(&u, RSP, sp);
    unwind_set(&u, RBP, bp);
    return u;
}

// function_16 calls function_32, interrupted; RBP is saved in the first.
static void test_frames(void) {
    enum { SP = 5, BP = 4, UNDEFINED = 0, PREVIOUS = 1, CALL = 0, REGISTERS = 1 };
    make_kernel();
    for (unsigned i = 0; i < ORC_COUNT; i++) put_orc(i, 0x10000 + 16 * i, 8, SP, UNDEFINED, CALL);
    put_orc(32, 0x10200, 24, SP, PREVIOUS, CALL);
    put_orc(40, 0x10280, 16, SP, UNDEFINED, REGISTERS);
    put_orc(63, 0x103f0, 0, UNDEFINED, UNDEFINED, CALL);
    const uint64_t stack = BASE + STACK_AT, at = IMAGE_AT + STACK_AT;
    put(at + 16 + 8 * 16, BASE + 0x10208, 8); // pt_regs: RIP
    put(at + 16 + 8 * 19, stack + 0x200, 8);  // RSP
    put(at + 0x200 + 16, BASE + 0x10105, 8);  // what function_32 returns to
    put(at + 0x200 + 8, 0x1234, 8);           // the caller's RBP
    put(at + 0x200 + 24, BASE + 0x103f4, 8);  // what function_16 returns to
    read_names();
    const struct view view = look();
    struct unwind u = begin(&view, BASE + 0x10284, stack, 0);
    ok(unwind_next(&u) && u.ip == BASE + 0x10208 && u.exact && u.gpr[RSP] == stack + 0x200,
       "from an interrupt to what it interrupted");
    ok(unwind_next(&u) && u.ip == BASE + 0x10105 && !u.exact && u.gpr[RBP] == 0x1234, "to the caller, with its RBP");
    ok(unwind_next(&u) && u.ip == BASE + 0x103f4 && !unwind_next(&u) && strcmp(u.end, "the end of the stack") == 0,
       "and to the end");
    map(ORC_IPS, 0);
    map(ORC_ENTRIES, 0);
    u = begin(&view, BASE + 0x10284, stack, 0);
    ok(unwind_next(&u) && unwind_next(&u) && u.ip == BASE + 0x10105, "also when the tables are gone from the guest");
}

// --- what a guest may write ---

static uint64_t random_state = 88172645463325252u;
static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static bool is_printable(const char *text) {
    for (; *text; text++)
        if (!isprint((unsigned char)*text)) return false;
    return true;
}

static double seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static void test_damage(void) {
    char name[600];
    loop_begin("damaged tables");
    for (unsigned round = 0; round < 150; round++) {
        make_kernel();
        for (unsigned i = 1 + round % 20; i; i--) *image(KALLSYMS + next_random() % 32768) = (uint8_t)next_random();
        (void)read_names();
        for (unsigned i = 0; i < 200; i++) {
            symbols_name(symbols, 0, BASE + next_random() % 0x20000, name, sizeof name);
            loop_check(is_printable(name), "round %u: %s", round, name);
        }
    }
    loop_end();
}

static void test_floods(void) {
    make_kernel();
    for (uint64_t at = 0; at + 2048 < IMAGE_BYTES; at += 2048) // tables of tokens, and nothing else
        memmove(image(at), image(markers_at), 2048);
    double before = seconds();
    (void)read_names();
    ok(seconds() - before < 5, "thousands of tables: %.2f s", seconds() - before);
    make_tables();
    const uint64_t pd = TABLES_AT + 2 * PAGE;
    for (unsigned i = 0; i < 512; i++) put(pd + 8 * i, (TABLES_AT + 3 * PAGE) | 3, 8); // the same pages everywhere
    before = seconds();
    (void)read_names();
    ok(seconds() - before < 5, "a gigabyte that is mapped: %.2f s", seconds() - before);
}

static void test_random_frames(void) {
    const struct view view = look();
    loop_begin("frames of random tables and stacks");
    for (unsigned round = 0; round < 400; round++) {
        if (round % 50 == 0) make_kernel(), (void)read_names();
        for (unsigned i = 0; i < 2 * PAGE; i += 8) put(IMAGE_AT + ORC_IPS + i, next_random(), 8);
        for (unsigned i = 0; i < PAGE; i += 8) put(IMAGE_AT + STACK_AT + i, BASE + next_random() % IMAGE_BYTES, 8);
        for (unsigned i = 0; i < 64; i++) put(IMAGE_AT + 0x3000 + 8 * i, BASE + 0x3000 + next_random() % 512 * 8, 8);
        if (round & 1)
            for (unsigned i = 0; i < ORC_COUNT; i++)
                put_orc(i, 16 * i << 8, (int)(next_random() % 64), next_random() & 15, next_random() & 15,
                        next_random() & 7);
        struct unwind u = begin(&view, BASE + next_random() % 0x40000, BASE + STACK_AT + next_random() % 64 * 8,
                                BASE + STACK_AT + next_random() % 128 * 8);
        unsigned frames = 0;
        while (frames < 64 && unwind_next(&u)) frames++;
        loop_check(frames == 64 || u.end, "round %u", round);
    }
    loop_end();
}

// A list of modules that leads nowhere, or round and round.
static void test_modules(void) {
    make_kernel();
    for (unsigned i = 0; i < 512; i++) {
        uint64_t here = 0x3000 + 0x1000 * (uint64_t)i % 0x100000, next = 0x3000 + 0x1000 * ((uint64_t)i + 1) % 0x100000;
        put(IMAGE_AT + here, BASE + next, 8);
        put(IMAGE_AT + next + 8, BASE + here, 8);
        memcpy(image(next + 16), "module", 7);
    }
    const struct view view = look();
    struct symbols *tables = NULL;
    struct symbol_table *table = symbols_table_new(&tables, "modules", 0);
    double before = seconds();
    struct linux_modules m = symbols_from_modules(table, &view, BASE + 0x3000);
    ok(!m.whole && !m.read && seconds() - before < 2, "a list of modules without end: %u listed", m.listed);
    symbols_free(tables);
}

int main(void) {
    make_machine();
    test_names();
    test_copies();
    test_holes();
    test_guests();
    test_frames();
    test_damage();
    test_random_frames();
    test_modules();
    test_floods();
    symbols_free(symbols);
    machine_free(machine);
    return done_testing();
}
