// The beginning of every level. The command line says what this level is to be:
//     depth=N     hypervisors from here on: 0 runs the payload, N > 0 runs a copy of this image with depth=N-1 as a guest
//     level=N     what this level calls itself; 0 unless a hypervisor says otherwise
//     shadow=off  do not use VMCS shadowing, nor offer it to the guest
//
// Memory of a hypervisor: the lower half is its own, the upper half its guest's physical memory, from address 0 on.
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

void machine_end(bool good) {
    if (good) out16(PORT_PM_CONTROL, PM_POWER_OFF);
    out32(PORT_DEBUG_EXIT, 1);
    for (;;) __asm__ volatile("cli; hlt");
}

static _Noreturn void hypervisor(unsigned depth, uint64_t bytes) {
    enum { DIGIT_DEPTH = 14, DIGIT_LEVEL = 22 };
    char command[] = "turtles depth=_ level=_ shadow=off";
    command[DIGIT_DEPTH] = (char)('0' + depth - 1);
    command[DIGIT_LEVEL] = (char)('0' + our_level + 1);
    if (shadowing_wanted) command[DIGIT_LEVEL + 1] = '\0';
    uint64_t half = bytes / 2 & ~(PAGE - 1);
    memory_init((uint64_t)bss_end, half);
    vmx_start();
    print("hypervisor: %lu KBytes for me, %lu for my guest, VMCS shadowing %s\n", half / 1024, half / 1024,
          shadowing_wanted ? "on" : "off");
    guest_create(half, half, command);
    guest_run();
}

void start(const uint32_t *info) {
    const char *command = (const char *)(uint64_t)info[4];
    uint64_t bytes = (info[2] + 1024ull) * 1024;
    unsigned depth = option_number(command, "depth=", 2);
    const char *shadow = option(command, "shadow=");
    our_level = option_number(command, "level=", 0);
    shadowing_wanted = !shadow || !starts(shadow, "off");
    interrupt_init();
    if (bytes < (4 << 20)) panic("%lu KBytes of memory are too few: start with more, or with less depth", bytes / 1024);
    if (depth > 9) panic("depth=%u: at most 9", depth);
    if (depth) hypervisor(depth, bytes);
    payload(bytes);
}
