// The monitor as a library: expressions and their values, what Tab completes to, and random lines, which never crash,
// never change the machine, and always answer with something or nothing, not with a half of it.
#include "cpu/state/cpu.h"
#include "monitor/commands/command.h"
#include "monitor/commands/complete.h"
#include "monitor/expression/expression.h"
#include "monitor/program/serve.h"
#include "monitor/symbols/symbols.h"
#include "tests/field.h"
#include "tests/door.h"
#include "tests/tap.h"
#include "cpu/memory/mode.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct options options;
static struct console console = {.stdin_port = -1};
static struct run run = {.options = &options, .console = &console, .hashed_step = UINT64_MAX};
static struct monitor monitor;
static char said[1 << 16];
static size_t said_bytes;

static void hear(void *context, const char *text, size_t bytes) {
    (void)context;
    size_t room = sizeof said - 1 - said_bytes, n = bytes < room ? bytes : room;
    memcpy(said + said_bytes, text, n);
    said[said_bytes += n] = '\0';
}

static bool command(const char *line) {
    said[said_bytes = 0] = '\0';
    return monitor_command(&monitor, line);
}

// Real mode at 1000H: 16 increments, and back.
static bool setup(void) {
    char error[200];
    machine_config_default(&options.machine);
    options.machine.model = *cpu_model_at(0);
    options.machine.ram_bytes = 2 << 20;
    options.steps = options.cycles = UINT64_MAX;
    run.machine = machine_new(&options.machine, error, sizeof error);
    if (!run.machine) return false;
    uint8_t *ram = inside_ram(run.machine, 0x1000, 0x100);
    memset(ram, 0x40, 16);
    memcpy(ram + 16, "\xeb\xee", 2);
    struct cpu *cpu = inside_cpu(run.machine, 0);
    field_put_at(cpu, "segment[].selector", CS, 0);
    field_put_at(cpu, "segment_base", CS, 0);
    field_put(cpu, "rip", 0x1000);
    gpr_put(cpu, RBX, 0x123456789abcdef0);
    cpu_update_mode(cpu);
    monitor_init(&monitor, &run);
    monitor.output->write = hear;
    return true;
}

// --- expressions ---

static void expressions(void) {
    static const struct {
        const char *text;
        uint64_t value;
    } rows[] = {
        {"1 + 2 * 3", 7},
        {"(1 + 2) * 3", 9},
        {"10 - 4 - 3", 3},
        {"1 << 4 | 1", 17},
        {"0x10 ^ 0b11", 19},
        {"7 & 3 == 3", 1},
        {"2 < 3 && 3 < 2 || 1", 1},
        {"!5", 0},
        {"~0", UINT64_MAX},
        {"-1 == ~0", 1},
        {"100 / 7 % 4", 2},
        {"1 ? 2 : 3", 2},
        {"0 ? 2 : 0 ? 3 : 4", 4},
        {"1 << 64", 0},
        {"1 >> 64", 0},
        {"rbx", 0x123456789abcdef0},
        {"ebx", 0x9abcdef0},
        {"bx", 0xdef0},
        {"bl", 0xf0},
        {"bh", 0xde},
        {"$bl", 0xf0},
        {"u8[0x1010]", 0xeb},
        {"s8[0x1010]", (uint64_t)-0x15},
        {"*(u16*)0x1010", 0xeeeb},
        {"*(s16*)(0x100f + 1)", (uint64_t)-0x1115},
        {"word[phys:0x1010]", 0xeeeb},
        {"[0x1000]", 0x4040404040404040},
        {"*0x1000 >> 60", 4},
        {"0 && [0xffffffffff]", 0},
        {"EPT_VIOLATION", 48},
        {"RIP", 0x1000},
        {"pc", 0x1000},
        {"cs.limit", 0xffff},
        {"cpl", 0},
        {"level", 0},
        {"bits", 16},
        {"IA32_APIC_BASE & 0xfff", 0x900},
    };
    loop_begin("values of expressions");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = rows[i].text;
        uint64_t value = ~rows[i].value;
        bool done = take_value(&monitor.look, &text, &value) && !*text;
        loop_check(done && value == rows[i].value, "%s: 0x%" PRIx64 ", not 0x%" PRIx64, rows[i].text, value,
                   rows[i].value);
    }
    loop_end();
}

static void wrong_expressions(void) {
    static const char *const rows[] = {"",
                                       "1 +",
                                       "(1",
                                       "1)",
                                       "1 2",
                                       "0x",
                                       "0xg",
                                       "1a",
                                       "nobody",
                                       "u8[0x1000",
                                       "[",
                                       "[]",
                                       "*",
                                       "!",
                                       "1 / 0",
                                       "1 % 0",
                                       "[0xfffffffffffffff0]",
                                       "$99",
                                       "1 ? 2",
                                       "@",
                                       "@7:1",
                                       "@1:rip",
                                       "reason",
                                       "port",
                                       "'unclosed",
                                       "gpa:1",
                                       "1 ==",
                                       "&1",
                                       "\"text\"",
                                       "(((((((((((((((((((((((((((((((((((((((((((((((((((((((((1"};
    loop_begin("a wrong expression is answered by one line");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[200];
        snprintf(line, sizeof line, "print %s", rows[i]);
        bool done = command(line);
        bool one_line = said_bytes && strchr(said, '\n') == said + said_bytes - 1;
        loop_check(!done && one_line, "%s: %s", line, said);
    }
    loop_end();
}

// --- completion ---

static bool completes(const char *line, const char *wanted) {
    const char *space = strrchr(line, ' '), *word = space ? space + 1 : line;
    bool found = false;
    char *candidate;
    for (int state = 0; (candidate = complete_candidate(&monitor, line, word, (int)(word - line), state)); state = 1) {
        found |= strcmp(candidate, wanted) == 0;
        free(candidate);
    }
    return found;
}

static void completion(void) {
    static const char *const rows[][2] = {{"st", "stepexit"},
                                          {"step -", "-l"},
                                          {"info io", "ioapic"},
                                          {"catch fa", "failed-entry"},
                                          {"p gs.b", "gs.base"},
                                          {"p guest_ri", "GUEST_RIP"},
                                          {"catch exit ept_v", "EPT_VIOLATION"},
                                          {"p ia32_ef", "IA32_EFER"},
                                          {"break start_", "start_here"},
                                          {"symbols k", "kallsyms"},
                                          {"help wh", "where"},
                                          {"info device lap", "lapic"},
                                          {"trace entr", "entries"},
                                          {"catch vmwrite guest_rs", "GUEST_RSP"},
                                          {"watch ia32_pa", "IA32_PAT"},
                                          {"vmcs dif", "diff"},
                                          {"goto e", "end"},
                                          {"why ", "triple"},
                                          {"exits cost ", "CPUID"},
                                          {"exits cost ept_v", "EPT_VIOLATION"},
                                          {"source tests/monitor/test_comm", "tests/monitor/test_commands.c"},
                                          {"symbols tests/monitor/transcr", "tests/monitor/transcripts"}};
    struct symbol_table *table = symbols_table_new(&monitor.look.symbols, "test", SYMBOLS_ANY_LEVEL);
    symbols_add(table, "start_here", 10, 0x1004, 8);
    symbols_table_done(table);
    loop_begin("what Tab completes to");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        loop_check(completes(rows[i][0], rows[i][1]), "%s to %s", rows[i][0], rows[i][1]);
    loop_check(!completes("st", "quit") && !completes("info st", "step") && !completes("goto ", "GUEST_RIP") &&
                   !completes("goto ", "start_here") && !completes("why ", "start_here"),
               "and to nothing else");
    loop_end();
    char name[40];
    ok(strcmp(symbols_name(monitor.look.symbols, 0, 0x1006, name, sizeof name), "start_here+0x2") == 0,
       "an address has a name: %s", name);
    ok(!*symbols_name(monitor.look.symbols, 0, 0x100c, name, sizeof name), "and none behind the end of the symbol");
}

// --- random lines ---

static uint64_t seed = 1;
static unsigned random_below(unsigned limit) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(seed >> 33) % limit;
}

// clang-format off
static const char *const words[] = {
    "step", "next", "finish", "until", "break", "tbreak", "watch", "catch", "delete", "enable", "disable", "ignore",
    "condition", "print", "x", "disas", "info", "walk", "translate", "find", "where", "cpu", "level", "help", "echo",
    "hash", "stats", "symbols", "run-to", "stepexit", "/", "/x", "/10i", "/3s", "/bad", "-l", "-r", "-a", "0", "1",
    "0x1000", "~0", "-1", "0xffffffffffffffff", "rip", "eax", "cs.base", "GUEST_RIP", "EXIT_REASON", "IA32_EFER",
    "EPT_VIOLATION", "phys:", "gpa:", "linear:", "@0:", "@1:", "@99999999999:", "(", ")", "[", "]", "u8[", "*(u32*)",
    "+", "-", "*", "/", "%", "==", "&&", "||", "?", ":", ",", "if", "exit", "entry", "io", "msr", "level",
    "registers", "control", "segments", "tlb", "device", "uart", "map", "cpuid", "levels", "apic", "ioapic", "all",
    "kallsyms", "/nowhere", "cr3=", "eptp=", "\"", "'", "$", "$1", "$$", "\t", "\x7f", "\xff", "%s%n", "............",
    "start_here", "12345678901234567890123", "#", "end", "1 / 0",
};
// clang-format on

static void random_line(char *line, size_t size) {
    unsigned count = 1 + random_below(8);
    *line = '\0';
    for (unsigned i = 0; i < count; i++) {
        const char *word = words[random_below(sizeof words / sizeof *words)];
        size_t used = strlen(line);
        snprintf(line + used, size - used, "%s%s", word, random_below(4) ? " " : "");
    }
}

// Breakpoints that never come would let the guest run for ever: the steps are limited.
static void random_lines(void) {
    enum { LINES = 3000 };
    uint64_t begin = machine_steps(run.machine), hash = 0;
    unsigned crooked = 0, first = 0;
    static char line[400], example[400];
    for (unsigned i = 0; i < LINES; i++) {
        options.steps = machine_steps(run.machine) + 50;
        run.over = false;
        random_line(line, sizeof line);
        uint64_t step = machine_steps(run.machine);
        hash = machine_hash(run.machine);
        command(line);
        bool changed = step == machine_steps(run.machine) && machine_hash(run.machine) != hash;
        if ((said_bytes && said[said_bytes - 1] != '\n') || changed) {
            if (!crooked++) memcpy(example, line, sizeof line);
            first = first ? first : i;
        }
    }
    if (crooked) diag("line %u: %s", first, example);
    ok(!crooked, "random lines change nothing and are answered in whole lines");
    ok(machine_steps(run.machine) > begin, "and some let the guest run");
}

static void random_bytes(void) {
    enum { LINES = 3000 };
    char line[64];
    bool whole = true;
    for (unsigned i = 0; i < LINES; i++) {
        options.steps = machine_steps(run.machine) + 50;
        run.over = false;
        unsigned length = random_below(sizeof line);
        for (unsigned b = 0; b < length; b++) line[b] = (char)(1 + random_below(255));
        line[length] = '\0';
        memcpy(line, "p ", length > 2 && i % 2 ? 2 : 0);
        command(line);
        whole &= !said_bytes || said[said_bytes - 1] == '\n';
    }
    ok(whole, "random bytes are answered in whole lines");
}

// The run is the same whatever was looked at.
static void equal_to_free_run(void) {
    struct machine *free_run = run.machine;
    uint64_t steps = machine_steps(free_run), looked_at = machine_hash(free_run);
    monitor_free(&monitor);
    if (!setup()) return;
    (void)machine_run(run.machine, steps);
    ok(machine_hash(run.machine) == looked_at, "after all that the state is that of a free run");
    machine_free(free_run);
}

int main(void) {
    if (!setup()) return 1;
    expressions();
    wrong_expressions();
    completion();
    random_lines();
    random_bytes();
    equal_to_free_run();
    monitor_free(&monitor);
    machine_free(run.machine);
    return done_testing();
}
