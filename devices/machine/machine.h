// A whole machine: the door of the library. A front end fills a configuration, loads something into RAM, sets the first
// processor's registers (or leaves them as reset does), and runs. What comes from outside while it runs enters by
// devices/machine/machine_input.h. Nothing here reads a clock, a file or a random number
// of the host: the same configuration and the same inputs at the same steps give the same machine, bit for bit.
#ifndef DEVICES_MACHINE_H
#define DEVICES_MACHINE_H
#include "cpu/state/code_memory.h"
#include "devices/board/config.h"
#include "devices/board/part.h"
#include "devices/board/stop.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;
struct machine;

// NULL, with one line in `error`, when the configuration is refused or memory is short.
struct machine *machine_new(const struct machine_config *config, char *error, size_t error_size);
void machine_free(struct machine *machine);

// Runs for at most `steps` steps (~0: no limit). After MACHINE_POWER_OFF, MACHINE_RESET, MACHINE_DEBUG_EXIT it may be
// called again: the machine goes on as hardware would whose power stays on.
enum machine_stop machine_run(struct machine *machine, uint64_t steps);
// Makes machine_run return MACHINE_IDLE before it skips `cycles` or more of halted time (so that a front end with a
// person in front of it can sleep, or wait for input, instead). ~0, the default: skip all time at once. Whatever the
// limit, MACHINE_IDLE is returned when only input can wake a processor, and after many timer events with no wake-up.
// No effect on the machine's state.
void machine_idle_limit(struct machine *machine, uint64_t cycles);
// After MACHINE_IDLE: cycles until the next event; ~0 when only input can wake a processor.
uint64_t machine_idle_cycles(const struct machine *machine);
// Makes machine_run return MACHINE_CYCLES at the first boundary at or after a cycle, also when the machine only idles;
// with several processors between two rounds. ~0, the default: none. No effect on the machine's state.
void machine_cycle_limit(struct machine *machine, uint64_t cycle);
// Async-signal-safe and thread-safe: machine_run returns MACHINE_INTERRUPTED soon, within milliseconds whatever the
// guest does: bounded by work, not by steps (cpu_work). Where it stops is a boundary that every run passes.
void machine_stop_soon(struct machine *machine);
void machine_stop_forget(struct machine *machine); // what was asked for before, and came too late
// `look` is called every few milliseconds at least while machine_run goes on, on its thread; it may call
// machine_stop_soon and nothing else of the machine. NULL: none.
void machine_set_look(struct machine *machine, void (*look)(void *context), void *context);
// After MACHINE_HOST_ERROR: what failed, in words. The run ends there, until the machine goes back to an earlier state;
// "": nothing failed.
const char *machine_host_error(const struct machine *machine);
// The value written to isa-debug-exit, and QEMU's exit status for it (2 * value + 1).
uint32_t machine_exit_code(const struct machine *machine);

// --- memory ---
// Host address of `length` bytes of memory as it is seen at a physical address (RAM, ROM, a display's), or of the RAM
// behind it; NULL unless all of it is memory. To look at.
const void *machine_ram(const struct machine *machine, uint64_t physical, uint64_t length);
// All memory of the machine as named areas of pages (cpu/pages/pages.h): false past the last. Watchers of pages, who
// learn of the first store to each, are added to the second.
struct area;
bool machine_area(struct machine *machine, unsigned index, struct area *out);
struct pages *machine_pages(struct machine *machine);
// Guest-physical memory as a debugger sees it: no device is touched, no TLB entry filled. False when part of the range
// is not memory (nothing is done).
bool machine_read(const struct machine *machine, uint64_t physical, void *to, size_t length);

// The memory map, as e820 reports it, in ascending order. Returns the number of regions; fills at most `count`.
enum machine_memory_type { MEMORY_RAM = 1, MEMORY_RESERVED = 2, MEMORY_ACPI = 3, MEMORY_NVS = 4 };
struct machine_region {
    uint64_t base, bytes;
    uint32_t type;
};
unsigned machine_memory_map(const struct machine *machine, struct machine_region *out, unsigned count);
// Physical address of the ACPI root pointer (RSDP), as the boot protocols pass it. It also lies where a scan of
// E0000H..FFFFFH finds it. The loader must not write to E0000H..FFFFFH.
uint64_t machine_acpi_rsdp(const struct machine *machine);

// --- devices, to look at ---
// What -device and the board's chipset made, in the order of their making; false past the last. Of one on PCI there is
// its function.
struct machine_device {
    const struct device *kind;
    const void *chip;
    const char *id;
    const struct pci_function *function; // NULL: it is on the ISA bus
};
bool machine_device(const struct machine *machine, unsigned index, struct machine_device *out);
// A place where one device is plugged into another. NULL past the last one.
struct slot;
const struct slot *machine_slot(const struct machine *machine, unsigned index);
struct map;
struct pci;
const struct pci *machine_pci(const struct machine *machine);
// For the monitor: what is seen at each physical address, or port; and the area whose memory a range of it shows.
const struct map *machine_map(const struct machine *machine, bool ports);
const struct area *machine_shown(const struct machine *machine, uint64_t shown); // NULL: there is none

// --- time ---
// What a processor's steps cost from now on, between runs (cpu/state/timing.h); NULL, the default: one cycle each. The
// model's state is a part of the machine's.
struct timing;
void machine_set_timing(struct machine *machine, unsigned processor, const struct timing *timing);

// Another model becomes that of the configuration, as it is at the beginning: 0 one cycle a step; else 1 + its index
// (cpu/timing/model.h). False: there is none, or memory is short, and nothing has changed.
bool machine_switch_timing(struct machine *machine, uint32_t timing);

// What the model of the configuration has counted (cpu/timing/count.h); NULL: there is none.
struct timing_account;
const struct timing_account *machine_timing_account(const struct machine *machine, unsigned processor);

// --- observation ---
const struct cpu *machine_cpu(const struct machine *machine, unsigned index); // NULL past the last one
// What RDMSR at CPL 0 and CPUID would give, without a trace. False: RDMSR would be #GP(0).
bool machine_msr(const struct machine *machine, unsigned index, uint32_t msr, uint64_t *value);
struct cpuid_result machine_cpuid(const struct machine *machine, unsigned index, uint32_t leaf, uint32_t subleaf);
const struct machine_config *machine_configuration(const struct machine *machine);
uint64_t machine_steps(const struct machine *machine);       // of all processors together
uint64_t machine_cycles(const struct machine *machine);      // of the clock: steps and halted time
uint64_t machine_nanoseconds(const struct machine *machine); // of the guest's time since step 0
struct machine_stats {
    uint64_t steps, retired, cycles, idle_cycles; // retired: instructions, without faults, exits, iterations
    uint64_t port_reads, port_writes, mmio_reads, mmio_writes;
    uint64_t interrupts; // acknowledged by a processor
    uint64_t timer_events;
    uint64_t halts; // times that time was skipped
    // Of host caches as much as of the machine, and so not the same when observed: TLB entries filled (misses), and
    // translations that the fast entries beside the TLB had not (of data accesses; of fetches).
    uint64_t tlb_fills[2], tlb_lookups[2];
};
void machine_stats(const struct machine *machine, struct machine_stats *out);
// Hash of all architectural state: processors with their TLBs, VT-x, devices, clock, RAM. Equal states, equal hashes.
uint64_t machine_hash(struct machine *machine);
// The same; told are the hashes of which it is the sum, each with the name of its part: "memory", and those of
// machine_part, several of one name where there are several.
uint64_t machine_hash_parts(struct machine *machine, void (*tell)(void *context, const char *name, uint64_t hash),
                            void *context);
// From now on code that runs often is compiled into `memory`, which must outlast the machine. No visible effect but
// speed. False: memory is short, or this build cannot compile.
bool machine_compile(struct machine *machine, const struct code_memory *memory);
void machine_compiled(const struct machine *machine, uint64_t *blocks, uint64_t *bytes);
// Forgets every cache. No visible effect.
void machine_drop_derived(struct machine *machine);
// The drives, as the configuration has them; NULL past the last one (devices/disk/drive.h).
const struct drive *machine_drive(const struct machine *machine, unsigned index);
// An image has been written anew, and is known by something else in snapshots from now on.
void machine_set_identity(struct machine *machine, unsigned drive, uint64_t identity);
// The pieces of state, in a fixed order, for saving, comparing and printing. False past the last one.
bool machine_part(struct machine *machine, unsigned index, struct machine_part *out);
// After state_load over all parts, and RAM (and pc-testdev's memory) was filled: works out what is not state. Else the
// name of a part whose fields do not go together, or not with this configuration: such a machine cannot run.
[[nodiscard]] const char *machine_loaded(struct machine *machine);

#endif
