// One processor as one level sees it: registers and address spaces. The level that runs has the processor's own
// registers; a level that waits has those in the guest-state area of its VMCS, and level 0, while a guest runs, what
// the host-state area would load. SDM Vol. 3C, 24.4, 24.5.
#ifndef MONITOR_EXPLAIN_VIEW_H
#define MONITOR_EXPLAIN_VIEW_H
#include "cpu/state/cpu.h"
#include "cpu/watch/observe.h"
#include "devices/machine/machine.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"

struct backing;
struct history;

enum view_source { VIEW_LIVE, VIEW_GUEST_AREA, VIEW_HOST_AREA };
struct view {
    struct machine *machine;
    const struct cpu *cpu;
    const struct history *history; // NULL: not known
    struct backing *backing;       // for pages that are not in level 0's EPT (walk.h); NULL: these are not there
    struct walk_memo *memo;        // of walk_own, for as long as no table changes (walk.h); NULL: none
    const struct sight *sight;     // what is seen at this moment, or what the guest was stopped by; NULL: nothing
    bool in_sight;                 // at this moment: the processor's steps and RIP are not settled, the sight has them
    unsigned level;
    enum view_source source; // only VIEW_LIVE has general registers other than RSP, CR2, FPU and MSRs of its own
    uint64_t vmcs;           // through which the level runs; VMX_NO_VMCS for level 0
    uint64_t eptp;           // EPT pointer of that VMCS, 0: no EPT
    // Of a guest of a guest: the EPT pointers that the hypervisors wrote, EPT12 and its like. own_ept[n] leads from the
    // physical memory of level n to that of level n - 1; 0: these are the same. Known down to [1] or not at all.
    bool has_own_ept;
    uint64_t own_ept[VMX_LEVELS];
    uint64_t gpr[16], rip, rflags, cr0, cr2, cr3, cr4, efer, dr7, pdpte[4];
    struct segment segment[SEGMENT_COUNT];
    uint64_t base[SEGMENT_COUNT];
    struct descriptor_table gdtr, idtr;
};

// `level` -1: the level that runs. `history` may be NULL: then the own EPTs are not known. False, with one line in
// `error`, when the level has no state to look at.
bool view_of(struct machine *machine, unsigned processor, int level, const struct history *history, struct view *view,
             char *error, size_t error_size);
// A field of the VMCS through which the level runs, as the processor has or had it; 0: it has none.
uint64_t view_field(const struct view *view, enum vmcs_field field);
// Level 0 as a VM exit with that VMCS would leave it, also before anything ran with it.
void view_after_exit(const struct view *now, uint64_t vmcs, struct view *view);
bool view_is_there(const struct cpu *cpu, unsigned level); // whether view_of would be made
unsigned view_code_bits(const struct view *view);          // 16, 32 or 64
unsigned view_cpl(const struct view *view);
uint64_t view_code_address(const struct view *view); // linear address of the next instruction
const char *view_mode(const struct view *view);

// Sets a register of a level that waits, by its name in expressions, or a field of the level's VMCS. False, with one
// line in `error`, when it is not there. (view_set.c)
bool view_set_waiting(const struct view *view, const char *name, uint64_t value, char *error, size_t error_size);
bool view_set_field(const struct view *view, unsigned field, uint64_t value, char *error, size_t error_size);
// Where the level that waits has such a register: in which field of which VMCS. False: in none that is known.
struct place;
bool view_waiting_place(const struct view *view, const char *name, struct place *place);
// A guest that waits while a guest of its own runs: it goes on where that one's VM exit leads, not where it left.
bool view_goes_elsewhere(const struct view *view);

enum space { SPACE_LINEAR, SPACE_GPA, SPACE_PHYSICAL };
extern const char *const space_names[];
// Memory as a debugger sees it: RAM only, nothing is changed. The number of bytes that could be read, from the first
// on.
size_t view_read(const struct view *view, enum space space, uint64_t address, void *to, size_t length);
bool view_write(const struct view *view, enum space space, uint64_t address, const void *from, size_t length);

#endif
