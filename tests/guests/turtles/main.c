// The beginning of every level. The command line says what this level is to be:
//     depth=N    hypervisors from here on: 0 runs the payload, N > 0 runs a copy of this image with depth=N-1 as guest
//     level=N    what this level calls itself; 0 unless a hypervisor says otherwise
//     shadow=off do not use VMCS shadowing, nor offer it to the guest
//     break=1    the payload makes a mistake, to see that its checks are checks
//     bug=NAME   this level's hypervisor makes a mistake (bug.h)
//     bug1=NAME  the hypervisor of level 1 makes it; bug2=NAME of level 2
//
// Memory of a hypervisor: the lower half is its own, the upper half its guest's physical memory, from address 0 on.
#include "bug.h"
#include "guest.h"
#include "interrupt.h"
#include "payload.h"

void start(const uint32_t *info);

extern uint8_t bss_end[];
unsigned our_level;

static bool starts(const char *text, const char *with) {
    while (*with)
        if (*text++ != *with++) return false;
    return true;
}

// The value after `name` in the command line, NULL when it is not there.
static const char *option(const char *command, const char *name) {
    unsigned length = 0;
    while (name[length]) length++;
    for (bool at_word = true; *command; at_word = *command++ == ' ')
        if (at_word && starts(command, name)) return command + length;
    return NULL;
}

static unsigned option_number(const char *command, const char *name, unsigned otherwise) {
    const char *p = option(command, name);
    if (!p) return otherwise;
    unsigned value = 0;
    for (; *p >= '0' && *p <= '9'; p++) value = value * 10 + (unsigned)(*p - '0');
    return value;
}

static char *append(char *to, const char *text) {
    while (*text) *to++ = *text++;
    return to;
}

void machine_end(bool good) {
    if (good) out16(PORT_PM_CONTROL, PM_POWER_OFF);
    if (good) out16(PORT_PM_CONTROL, PM_POWER_OFF_CHIPSET);
    out32(PORT_DEBUG_EXIT, 1);
    for (;;) __asm__ volatile("cli; hlt");
}

// What the command line has after `word` becomes that of the next level's word.
static char *pass_on(char *p, const char *end, const char *name, const char *word) {
    if (!name) return p;
    p = append(p, word);
    while (*name > ' ' && p < end) *p++ = *name++;
    return p;
}

// The command line of the next level.
static const char *next_command(unsigned depth, bool broken, const char *line) {
    static char command[112];
    char *p = append(command, "turtles depth=");
    *p++ = (char)('0' + depth - 1);
    p = append(p, " level=");
    *p++ = (char)('0' + our_level + 1);
    if (!shadowing_wanted) p = append(p, " shadow=off");
    if (broken) p = append(p, " break=1");
    p = pass_on(p, command + 80, option(line, "bug1="), " bug=");
    (void)pass_on(p, command + sizeof command - 1, option(line, "bug2="), " bug1=");
    return command;
}

static _Noreturn void hypervisor(unsigned depth, uint64_t bytes, bool broken, const char *line) {
    uint64_t half = bytes / 2 & ~(PAGE - 1);
    memory_init((uint64_t)bss_end, half);
    bool wanted = shadowing_wanted;
    vmx_start();
    print("hypervisor: %lu KBytes for me, %lu for my guest, VMCS shadowing %s\n", half / 1024, half / 1024,
          shadowing_wanted ? "on"
          : wanted         ? "not present"
                           : "off");
    guest_create(half, half, next_command(depth, broken, line));
    bug_set_fields();
    bug_second();
    guest_run();
}

void start(const uint32_t *info) {
    const char *command = (const char *)(uint64_t)info[4];
    uint64_t bytes = (info[2] + 1024ull) * 1024;
    unsigned depth = option_number(command, "depth=", 2);
    const char *shadow = option(command, "shadow=");
    our_level = option_number(command, "level=", 0);
    shadowing_wanted = !shadow || !starts(shadow, "off");
    fields_init();
    interrupt_init();
    enum { LEAST = (4 << 20) - (64 << 10) }; // four times 16 MBytes less what firmware keeps
    if (bytes < LEAST) panic("%lu KBytes of memory are too few: start with more, or with less depth", bytes / 1024);
    if (depth > 9) panic("depth=%u: at most 9", depth);
    bool broken = option_number(command, "break=", 0);
    bug_choose(option(command, "bug="));
    if (depth) hypervisor(depth, bytes, broken, command);
    payload(bytes, broken);
}
