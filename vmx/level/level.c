// Which level runs. Level 0 is VMX root operation, level 1 its guests, level 2 the guests of those. Only level 0 uses
// the processor's VMCSs; every deeper hypervisor uses VMCSs that the one below it emulates, so that the processor knows
// of two kinds of VMCS only: vmcs01, for a guest, and vmcs02, for the guests of that guest however deep they are (Ben-
// Yehuda et al., "The Turtles Project", OSDI 2010, 3.2). But every VMX instruction of every hypervisor, at whatever
// level, is executed by this processor and causes a VM exit, and that can be watched:
//
// 1. A VMCS that a hypervisor enters for the first time serves its guest (vmcs01), unless the last VM exit that reached
// this
//    hypervisor was a VMLAUNCH or VMRESUME of its guest: then it stands in for that guest's current VMCS (vmcs02).
// 2. The current VMCS of a guest is the operand of its last VMPTRLD; it is read here from the guest's memory.
// 3. Entering a stand-in enters whoever that current VMCS serves: this rule again, one level up.
// 4. A VM exit reaches level 0. When a hypervisor is entered that is below the level the exit came from, the exit has
// been
//    reflected to it. When a hypervisor emulates an entry to such a level, it has reflected the exit that had reached
//    it.
// 5. After VMCLEAR what a VMCS is for is found out again by rule 1, unless it still has the CR3 and the EPT pointer of
// its
//    last exit: then it was only moved to another processor.
//
// A hypervisor that succeeds in something else than what it was asked for is not seen through: a VMPTRLD counts when it
// is attempted. What has not been seen (a VMPTRLD before the machine's state was loaded) is taken for a guest.
// Nothing here decides anything a guest can see.
#include "vmx/level/level.h"
#include "cpu/memory/peek.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"
#include <stdlib.h>

_Static_assert(VMX_LEVELS == LEVEL_DEPTH + 1, "level 0 and the guests");

#define NODE(i) (&vmx->levels->node[i])

static bool is_entry(uint64_t reason) { return reason == EXIT_VMLAUNCH || reason == EXIT_VMRESUME; }

// --- nodes ---
static bool node_is(const struct vmx *vmx, uint64_t i, uint64_t owner, uint64_t pointer) {
    return NODE(i)->kind && NODE(i)->owner == owner && NODE(i)->pointer == pointer;
}

// At most one node is the one; often that which was entered last.
static uint64_t node_find(const struct vmx *vmx, uint64_t owner, uint64_t pointer) {
    if (likely(node_is(vmx, vmx->run.vmcs, owner, pointer))) return vmx->run.vmcs;
    if (node_is(vmx, vmx->run.node, owner, pointer)) return vmx->run.node;
    for (uint64_t i = 1; i < LEVEL_NODES; i++)
        if (node_is(vmx, i, owner, pointer)) return i;
    return 0;
}

// Frees the node and everything that was known of its guests.
static void node_free(struct vmx *vmx, uint64_t node) {
    *NODE(node) = (struct level_node){0};
    for (uint64_t i = 1; i < LEVEL_NODES; i++)
        if (NODE(i)->kind && (NODE(i)->owner == node || NODE(i)->of == node)) node_free(vmx, i);
}

static bool is_below(const struct vmx *vmx, uint64_t below, uint64_t node);

// The one that was not used for the longest time, and that nothing in use depends on.
static uint64_t node_new(struct vmx *vmx, uint64_t owner) {
    uint64_t oldest = 0;
    for (uint64_t i = 1; i < LEVEL_NODES; i++) {
        if (!NODE(i)->kind) return i;
        bool needed = i == vmx->run.node || i == owner || is_below(vmx, i, owner) || is_below(vmx, i, vmx->run.node);
        if (!needed && (!oldest || NODE(i)->used < NODE(oldest)->used)) oldest = i;
    }
    node_free(vmx, oldest);
    return oldest;
}

// Whether `below` is a hypervisor under `node`, directly or not.
static bool is_below(const struct vmx *vmx, uint64_t below, uint64_t node) {
    for (unsigned depth = 0; node && depth < LEVEL_DEPTH; depth++) {
        node = NODE(node)->owner;
        if (node == below) return true;
    }
    return false;
}

static uint64_t level_of(const struct vmx *vmx, uint64_t node) { return node ? NODE(node)->level : 0; }

// --- the last exit that reached a hypervisor: for root operation each processor has its own ---
static void seen_get(const struct vmx *vmx, uint64_t node, uint64_t *whose, uint64_t *why) {
    *whose = node ? NODE(node)->seen_node : vmx->run.seen_node;
    *why = node ? NODE(node)->seen_reason : vmx->run.seen_reason;
    if (*whose && NODE(*whose)->kind != LEVEL_GUEST) *whose = 0; // forgotten since
}

static void seen_set(struct vmx *vmx, uint64_t node, uint64_t whose, uint64_t why) {
    if (!node) return;
    NODE(node)->seen_node = whose;
    NODE(node)->seen_reason = why;
}

// --- rules 1 and 5 ---
static bool was_moved(const struct vmx *vmx, const struct level_node *n) {
    if (n->owner) return n->kind;
    return n->kind && n->cr3 == vmcs_get(vmx->vmcs, GUEST_CR3) && n->eptp == vmcs_get(vmx->vmcs, EPT_POINTER);
}

static void classify(struct vmx *vmx, uint64_t node, uint64_t owner, uint64_t pointer) {
    struct level_node *n = NODE(node);
    uint64_t whose, why;
    n->cleared = 0;
    if (was_moved(vmx, n)) return;
    seen_get(vmx, owner, &whose, &why);
    bool stand_in = whose && NODE(whose)->owner == owner && is_entry(why) && whose != node;
    if (n->kind == (stand_in ? LEVEL_STAND_IN : LEVEL_GUEST)) {
        if (stand_in) n->of = whose;
        return;
    }
    if (n->kind) node_free(vmx, node);
    uint64_t level = level_of(vmx, owner) + 1;
    *n = (struct level_node){.kind = stand_in ? LEVEL_STAND_IN : LEVEL_GUEST,
                             .owner = owner,
                             .pointer = pointer,
                             .of = stand_in ? whose : 0,
                             .level = level < LEVEL_DEPTH ? level : LEVEL_DEPTH,
                             .current = VMCS_NONE,
                             .hardware = VMCS_NONE};
}

// --- rule 3 ---
static uint64_t entered(struct vmx *vmx, uint64_t pointer) {
    uint64_t owner = 0, node = 0;
    for (unsigned depth = 0; depth <= LEVEL_DEPTH; depth++) {
        uint64_t whose, why;
        node = node_find(vmx, owner, pointer);
        if (!node || NODE(node)->cleared) classify(vmx, node ? node : (node = node_new(vmx, owner)), owner, pointer);
        struct level_node *n = NODE(node);
        n->used = ++vmx->levels->clock;
        if (n->kind == LEVEL_GUEST) break;
        seen_get(vmx, owner, &whose, &why);
        if (whose && NODE(whose)->owner == owner && is_entry(why)) n->of = whose;
        if (NODE(n->of)->kind != LEVEL_GUEST || NODE(n->of)->owner != owner) break;
        owner = n->of;
        pointer = NODE(owner)->current;
    }
    return node;
}

// --- rule 4 ---
static void reflected(struct vmx *vmx, uint64_t to) {
    uint64_t by = 0, whose, why;
    for (unsigned depth = 0; depth <= LEVEL_DEPTH; depth++) {
        seen_get(vmx, by, &whose, &why);
        if (!whose || whose == to) return;
        if (is_below(vmx, to, whose)) {
            seen_set(vmx, to, whose, why);
            return;
        }
        if (!is_entry(why) || !is_below(vmx, whose, to)) return;
        by = whose;
    }
}

void level_entry(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t node = entered(vmx, vmx->current);
    reflected(vmx, node);
    NODE(node)->hardware = vmx->current;
    vmx->run.node = node;
    vmx->run.vmcs = node_find(vmx, 0, vmx->current);
    vmx->run.last[NODE(node)->level] = node;
}

// --- rule 2: the operand of the guest's instruction, which exits, as 27.2.5 describes it ---
bool level_operand(const struct cpu *cpu, uint64_t *pointer) {
    enum { BYTES = 8 };
    const struct exit_record *r = &vmx_of(cpu)->exit;
    uint32_t information = r->instruction_information;
    static const uint64_t masks[] = {UINT16_MAX, UINT32_MAX, UINT64_MAX, UINT64_MAX};
    uint64_t address = r->qualification, physical = 0, low = 0, high = 0;
    if (!(information >> 27 & 1)) address += cpu->gpr[information >> 23 & 15];
    if (!(information >> 22 & 1)) address += cpu->gpr[information >> 18 & 15] << (information & 3);
    address &= masks[information >> 7 & 3];
    unsigned segment = information >> 15 & 7;
    if (segment <= GS && (segment >= FS || !cpu_64bit(cpu))) address += cpu->segment_base[segment];
    if (!cpu_64bit(cpu)) address = (uint32_t)address;
    const struct peek_roots roots = peek_current(cpu);
    unsigned first = BYTES;
    if ((address & (PAGE_BYTES - 1)) + BYTES > PAGE_BYTES)
        first = (unsigned)(PAGE_BYTES - (address & (PAGE_BYTES - 1)));
    if (!peek_physical(cpu, &roots, address, &physical) || !peek_memory(cpu, physical, first, &low)) return false;
    *pointer = low;
    if (first == BYTES) return true;
    if (!peek_physical(cpu, &roots, address + first, &physical) || !peek_memory(cpu, physical, BYTES - first, &high))
        return false;
    *pointer = low | high << 8 * first;
    return true;
}

static void cleared(struct vmx *vmx, uint64_t owner, uint64_t pointer) {
    uint64_t node = node_find(vmx, owner, pointer);
    if (node) NODE(node)->cleared = 1;
}

void level_vmclear(struct cpu *cpu, uint64_t pointer) { cleared(vmx_of(cpu), 0, pointer); }

// For debuggers: level 0 will use the VMCS for another level, and what the guest's own hypervisor keeps of it only that
// hypervisor can read.
static void save(struct vmx *vmx, uint64_t node) {
    uint64_t level = NODE(node)->level;
    vmx->level_saved[level] = *vmx->vmcs;
    vmx->run.saved[level] = node;
}

void level_exit(struct cpu *cpu, uint32_t reason) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t node = vmx->run.node, pointer = 0;
    vmx->run.seen_node = node;
    vmx->run.seen_reason = reason;
    if (!node) return;
    NODE(vmx->run.vmcs)->cr3 = vmcs_get(vmx->vmcs, GUEST_CR3);
    NODE(vmx->run.vmcs)->eptp = vmcs_get(vmx->vmcs, EPT_POINTER);
    if (reason == EXIT_VMXON && NODE(node)->level > 1) vmx->levels->deep = 1;
    if (vmx->levels->deep && vmx->non_root && NODE(node)->level > 1) save(vmx, node);
    if (reason == EXIT_VMXON || reason == EXIT_VMXOFF) NODE(node)->current = VMCS_NONE;
    if ((reason != EXIT_VMPTRLD && reason != EXIT_VMCLEAR) || !level_operand(cpu, &pointer)) return;
    if (reason == EXIT_VMPTRLD) {
        NODE(node)->current = pointer;
    } else {
        cleared(vmx, node, pointer);
        if (NODE(node)->current == pointer) NODE(node)->current = VMCS_NONE;
    }
}

unsigned level_running(const struct cpu *cpu) {
    const struct vmx *vmx = vmx_of(cpu);
    return vmx->run.node ? (unsigned)NODE(vmx->run.node)->level : 1;
}

// --- for the floor above ---
unsigned vmx_level(const struct cpu *cpu) {
    return cpu->wire.extension && vmx_of(cpu)->non_root ? level_running(cpu) : 0;
}

static uint64_t guest_of(const struct vmx *vmx, unsigned level) {
    uint64_t node = vmx->run.node;
    if (!level || level > LEVEL_DEPTH) return 0;
    while (node && NODE(node)->level > level) node = NODE(node)->owner; // a hypervisor below the one that runs
    if (!node || NODE(node)->level != level) node = vmx->run.last[level];
    return node && NODE(node)->kind == LEVEL_GUEST && NODE(node)->level == level ? node : 0;
}

bool vmx_level_info(const struct cpu *cpu, unsigned level, struct vmx_level_info *out) {
    const struct vmx *vmx = cpu->wire.extension ? vmx_of(cpu) : NULL;
    uint64_t node = vmx ? guest_of(vmx, level) : 0;
    if (!node) return false;
    const struct level_node *n = NODE(node);
    *out = (struct vmx_level_info){.level = level,
                                   .vmcs = n->pointer,
                                   .current = n->current,
                                   .hardware = n->hardware,
                                   .running = vmx->non_root && vmx->run.node == node};
    // A stand-in serves several guests: it holds the state of the one that ran last.
    out->in_hardware = n->hardware != VMCS_NONE;
    for (uint64_t i = 1; i < LEVEL_NODES; i++)
        if (i != node && NODE(i)->kind == LEVEL_GUEST && NODE(i)->hardware == n->hardware && NODE(i)->used > n->used)
            out->in_hardware = false;
    return true;
}

uint64_t vmx_level_vmcs(const struct cpu *cpu, unsigned level) {
    struct vmx_level_info info;
    return vmx_level_info(cpu, level, &info) ? info.hardware : VMX_NO_VMCS;
}

bool vmx_level_read(const struct cpu *cpu, unsigned level, unsigned field, uint64_t *value) {
    struct vmx_level_info info;
    if (field >= FIELD_COUNT || !vmx_level_info(cpu, level, &info)) return false;
    if (info.in_hardware) return vmx_vmcs_read(cpu, info.hardware, field, value);
    const struct vmx *vmx = vmx_of(cpu);
    if (vmx->run.saved[level] != guest_of(vmx, level)) return false;
    *value = vmx->level_saved[level].field[field];
    return true;
}

// Owners lead from level to level down to node 0.
static bool levels_valid(const void *object) {
    const struct levels *levels = object;
    for (uint64_t i = 1; i < LEVEL_NODES; i++) {
        uint64_t node = i;
        for (unsigned steps = 0; node; steps++) {
            if (steps == LEVEL_NODES) return false;
            node = levels->node[node].owner;
        }
    }
    return !levels->node[0].owner;
}

#define NODES(member) STATE_EACH(struct levels, node, member)
#define NODES_TO(member, greatest) STATE_EACH_TO(struct levels, node, member, greatest)
static const struct state_field level_fields[] = {
    NODES_TO(kind, LEVEL_STAND_IN),
    NODES_TO(owner, LEVEL_NODES - 1),
    NODES(pointer),
    NODES(cleared),
    NODES(used),
    NODES(cr3),
    NODES(eptp),
    NODES_TO(of, LEVEL_NODES - 1),
    NODES_TO(level, LEVEL_DEPTH),
    NODES(current),
    NODES_TO(seen_node, LEVEL_NODES - 1),
    NODES(seen_reason),
    NODES(hardware),
    STATE_ONE(struct levels, clock),
    STATE_ONE_TO(struct levels, deep, 1),
};
const struct state_table vmx_level_state = STATE_TABLE("levels", level_fields, levels_valid);
static const struct state_field run_fields[] = {
    STATE_ONE_TO(struct vmx, run.vmcs, LEVEL_NODES - 1),
    STATE_ONE_TO(struct vmx, run.node, LEVEL_NODES - 1),
    STATE_ONE_TO(struct vmx, run.seen_node, LEVEL_NODES - 1),
    STATE_ONE(struct vmx, run.seen_reason),
    STATE_ARRAY_TO(struct vmx, run.last, LEVEL_NODES - 1),
    STATE_ARRAY_TO(struct vmx, run.saved, LEVEL_NODES - 1),
    STATE_WORDS(struct vmx, level_saved),
    STATE_ONE(struct vmx, origin_when),
};
const struct state_table vmx_level_run_state = STATE_TABLE("level", run_fields);

// --- who shares ---
bool level_attach(struct vmx *vmx) {
    vmx->levels = calloc(1, sizeof *vmx->levels);
    if (vmx->levels) vmx->levels->users = 1;
    return vmx->levels;
}

void level_detach(struct vmx *vmx) {
    if (!--vmx->levels->users) free(vmx->levels);
}

void level_share(struct vmx *vmx, const struct vmx *with) {
    if (vmx->levels == with->levels) return;
    level_detach(vmx);
    vmx->levels = with->levels;
    vmx->levels->users++;
}

void *vmx_levels(const struct cpu *cpu) { return cpu->wire.extension ? vmx_of(cpu)->levels : NULL; }
