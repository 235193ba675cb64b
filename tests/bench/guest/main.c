// The measuring guest: runs the loop that the last word of its command line names, says on the first serial port how
// many operations it made, and ends the machine. The same image runs in every emulator.
#include "guest.h"

// --- the serial port ---
static void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

enum {
    COM1 = 0x3f8,
    LINE_CONTROL = COM1 + 3,
    LINE_STATUS = COM1 + 5,
    DIVISOR_ACCESS = 1 << 7,
    EIGHT_BITS = 3,
    ROOM = 1 << 5,
    EMPTY = 1 << 6,
};
static void serial_begin(void) {
    out8(LINE_CONTROL, DIVISOR_ACCESS);
    out8(COM1, 1); // 115200 baud
    out8(COM1 + 1, 0);
    out8(LINE_CONTROL, EIGHT_BITS);
}
static void put(char c) {
    while (!(in8(LINE_STATUS) & ROOM)) {}
    out8(COM1, (uint8_t)c);
}
void say(const char *text) {
    for (; *text; text++) put(*text);
}
void say_number(uint64_t n) {
    if (n >= 10) say_number(n / 10);
    put((char)('0' + n % 10));
}

// isa-debug-exit, then the port by which Bochs is told to end.
noreturn void finish(void) {
    while (!(in8(LINE_STATUS) & EMPTY)) {}
    for (const char *s = "Shutdown"; *s; s++) out8(0x8900, (uint8_t)*s);
    out8(0xf4, 0);
    for (;;) __asm__ volatile("cli; hlt");
}

// --- pages of 4 KBytes for the loops that miss the TLB ---

uint64_t *small_pages;

// Maps the arena by small pages, to itself.
void map_arena(void) {
    static __attribute__((aligned(4096))) uint64_t tables[PAGES];
    for (uint64_t i = 0; i < PAGES; i++) tables[i] = (ARENA + 4096 * i) | 3;
    for (uint64_t i = 0; i < PAGES / 512; i++) directories[ARENA / LARGE_PAGE + i] = (uint64_t)&tables[512 * i] | 3;
    small_pages = tables;
    __asm__ volatile("mov %0, %%cr3" : : "r"((uint64_t)page_map) : "memory");
}

static uint64_t run_plain(const struct loop *loop, uint64_t turns) { return loop->body(turns, 0, 0); }
static uint64_t run_paged(const struct loop *loop, uint64_t turns) {
    map_arena();
    return loop->body(turns, ARENA, (uint64_t)small_pages);
}
static uint64_t run_nothing(const struct loop *loop, uint64_t turns) {
    (void)loop;
    return turns;
}

static const struct loop loops[] = {
    // name       how         body           turns      operations a turn
    {"nothing", run_nothing, 0, 0, 0},
    {"alu", run_plain, loop_alu, 60000000, 10},
    {"memory", run_plain, loop_memory, 40000000, 10},
    {"call", run_plain, loop_call, 40000000, 10},
    {"indirect", run_plain, loop_indirect, 30000000, 10},
    {"sse", run_plain, loop_sse, 20000000, 12},
    {"string", run_plain, loop_string, 40000, 12288},
    {"cr3", run_plain, loop_cr3, 2000000, 1},
    {"invlpg", run_paged, loop_invlpg, 4000000, 1},
    {"miss", run_paged, loop_miss, 1500, PAGES},
    {"scroll", run_scroll, loop_scroll, 1500, 1},
    {"planes", run_planes, loop_planes, 800, 38400},
    {"latches", run_latches, loop_latches, 400, 38400},
    {"exit", run_exit, 0, 2000000, 1},
    {"miss2d", run_miss2d, loop_miss, 1000, PAGES},
};

static bool word_is(const char *word, const char *name) {
    while (*name && *word == *name) word++, name++;
    return !*name && (*word == 0 || *word == ' ');
}

static const char *last_word(const char *line) {
    const char *word = line;
    for (; *line; line++)
        if (line[0] == ' ' && line[1] && line[1] != ' ') word = line + 1;
    return word;
}

noreturn void guest_main(const struct multiboot *information) {
    serial_begin();
    const char *word = last_word((const char *)(uint64_t)information->command_line);
    for (const struct loop *l = loops; l < loops + sizeof loops / sizeof *loops; l++) {
        if (!word_is(word, l->name)) continue;
        uint64_t result = l->run(l, l->turns);
        say("bench "), say(l->name), say(" operations "), say_number(l->turns * l->operations);
        say(" result "), say_number(result), say("\n");
        finish();
    }
    say("bench: which loop?\n");
    finish();
}
