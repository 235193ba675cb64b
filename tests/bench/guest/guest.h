// What the files of the measuring guest share.
#ifndef GUEST_H
#define GUEST_H
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

struct multiboot {
    uint32_t flags, memory_lower, memory_upper, boot_device, command_line;
};

enum { PAGES = 8192, LARGE_PAGE = 2 << 20 };
#define ARENA 0x2000000ull // 32 MBytes that the loops which miss the TLB read

// Turns, and two addresses for those that want them.
typedef uint64_t loop_fn(uint64_t turns, uint64_t address, uint64_t entry);
loop_fn loop_alu, loop_memory, loop_call, loop_indirect, loop_sse, loop_string, loop_cr3, loop_invlpg, loop_miss;
loop_fn loop_scroll, loop_planes, loop_latches;

struct loop {
    const char *name;
    uint64_t (*run)(const struct loop *loop, uint64_t turns);
    loop_fn *body;
    uint64_t turns, operations;
};

// entry.S
extern uint64_t page_map[512], directory_pointers[512], directories[4 * 512];

// main.c
extern uint64_t *small_pages; // the entries that map the arena
void map_arena(void);
void say(const char *text);
void say_number(uint64_t n);
noreturn void finish(void);
noreturn void guest_main(const struct multiboot *information);

// screen.c: on the display, or "no display" and the end
uint64_t run_scroll(const struct loop *loop, uint64_t turns);
uint64_t run_planes(const struct loop *loop, uint64_t turns);
uint64_t run_latches(const struct loop *loop, uint64_t turns);

// vmx.c: under VMX with EPT and VPID, or "no VMX" and the end
uint64_t run_exit(const struct loop *loop, uint64_t turns);
uint64_t run_miss2d(const struct loop *loop, uint64_t turns);

#endif
