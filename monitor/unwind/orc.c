// Frames by ORC, the tables that objtool makes of Linux's code, in the guest's memory. The facts: Documentation/arch/
// x86/orc-unwinder.rst; two arrays sorted alike, of 32-bit distances from each element to the code, and of entries of 6
// bytes: offset from the register of the stack pointer, offset of the saved RBP, the two registers in 4 bits each, and
// what kind of frame it is. Up to Linux 6.3 calls were of kind 0, since then of kind 2: entries of calls are the most,
// so that the first ones that have a register say which it is. The kernel's arrays lie between symbols of its own,
// those of a module are three members of its struct module, one after the other: their number, and two pointers.
#include "monitor/unwind/unwind.h"
#include <string.h>

struct orc_table {
    uint64_t ips, entries, count;
};
struct orc_entry {
    int16_t sp_offset, bp_offset;
    uint8_t registers, kind;
};
_Static_assert(sizeof(struct orc_entry) == 6, "as in memory");

enum { ORC_UNDEFINED, ORC_PREVIOUS_SP, ORC_DX, ORC_DI, ORC_BP, ORC_SP, ORC_R10, ORC_R13, ORC_BP_AT, ORC_SP_AT };
enum { KIND_CALL, KIND_REGISTERS, KIND_IRET, KIND_END, KIND_UNDEFINED };
enum { ENTRIES_MOST = 1 << 22, MODULES_MOST = 1024, MODULE_BYTES = 4096, NAME_AT = 16, NAME_BYTES = 56, PROBED = 64 };

// --- tables ---

static bool ip_at(const struct unwind *u, const struct orc_table *t, uint64_t index, uint64_t *ip) {
    int32_t distance;
    uint64_t at = t->ips + 4 * index;
    if (!unwind_read(u, at, &distance, sizeof distance)) return false;
    *ip = at + (uint64_t)(int64_t)distance;
    return true;
}

static bool entry_at(const struct unwind *u, const struct orc_table *t, uint64_t index, struct orc_entry *entry) {
    return unwind_read(u, t->entries + sizeof *entry * index, entry, sizeof *entry);
}

static bool kernel_table(const struct unwind *u, struct orc_table *t) {
    int level = (int)u->view->level;
    uint64_t end;
    if (!symbols_value(u->symbols, level, "__start_orc_unwind_ip", &t->ips) ||
        !symbols_value(u->symbols, level, "__stop_orc_unwind_ip", &end) ||
        !symbols_value(u->symbols, level, "__start_orc_unwind", &t->entries))
        return false;
    t->count = (end - t->ips) / 4;
    return t->count && t->count <= ENTRIES_MOST;
}

// Whether the code of the table has the address: it is between the first and the last of the table.
static bool covers(const struct unwind *u, const struct orc_table *t, uint64_t address) {
    uint64_t first, last;
    enum { BEHIND_LAST = 1 << 16 };
    return ip_at(u, t, 0, &first) && ip_at(u, t, t->count - 1, &last) && first <= last && address >= first &&
           address - first <= last - first + BEHIND_LAST;
}

static uint64_t word_of(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static bool is_kernel(uint64_t address) { return address >> 47 == 0x1ffff; }

// Whether it may be one: sampled, the code ascends, and entries name registers that there are.
static bool is_table(const struct unwind *u, const struct orc_table *t) {
    enum { SAMPLES = 16, KINDS = 16, NEAR = 64 << 20 };
    uint64_t before = 0, ip;
    struct orc_entry e;
    if (t->entries - t->ips + NEAR > 2 * NEAR) return false;
    for (uint64_t i = 0; i < SAMPLES; i++, before = ip) {
        uint64_t index = i * (t->count - 1) / (SAMPLES - 1);
        if (!ip_at(u, t, index, &ip) || ip < before || !entry_at(u, t, index, &e)) return false;
        if ((e.registers & 15) > ORC_SP_AT || e.registers >> 4 > ORC_SP_AT || e.kind >= KINDS) return false;
    }
    return true;
}

// The members are looked for: where they are differs between versions and configurations.
static bool module_table(const struct unwind *u, uint64_t module, uint64_t address, struct orc_table *t) {
    uint8_t bytes[MODULE_BYTES];
    size_t got = 0;
    while (got < sizeof bytes && unwind_read(u, module + got, bytes + got, 8)) got += 8;
    for (size_t at = NAME_AT + NAME_BYTES; at + 24 <= got; at += 8) {
        *t = (struct orc_table){word_of(bytes + at + 8), word_of(bytes + at + 16), word_of(bytes + at) & UINT32_MAX};
        if (t->count && t->count <= ENTRIES_MOST && is_kernel(t->ips) && is_kernel(t->entries) && !(t->ips & 3) &&
            covers(u, t, address) && is_table(u, t))
            return true;
    }
    return false;
}

static bool modules_table(const struct unwind *u, uint64_t address, struct orc_table *t) {
    uint64_t at = u->modules;
    for (unsigned i = 0; at && i < MODULES_MOST; i++) {
        if (!is_kernel(at) || !unwind_word(u, at, &at) || at == u->modules) break;
        if (module_table(u, at, address, t)) return true;
    }
    return false;
}

// The last element at or before the address.
static bool find(const struct unwind *u, const struct orc_table *t, uint64_t address, struct orc_entry *entry) {
    uint64_t low = 0, high = t->count, ip;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (!ip_at(u, t, middle, &ip)) return false;
        if (ip <= address)
            low = middle;
        else
            high = middle;
    }
    return entry_at(u, t, low, entry);
}

// Before Linux 6.4: bits 1:0, and calls are the first kind. Since then bits 2:0.
static bool is_old(const struct unwind *u, const struct orc_table *t) {
    struct orc_entry e;
    unsigned old = 0, now = 0;
    for (uint64_t i = 0; i < t->count && i < PROBED; i++) {
        if (!entry_at(u, t, i * (t->count / PROBED + 1) % t->count, &e) || (e.registers & 15) != ORC_SP) continue;
        old += !(e.kind & 3);
        now += (e.kind & 7) == 2;
    }
    return old >= now;
}

static unsigned kind_of(const struct orc_entry *e, bool old) {
    static const uint8_t kinds[2][8] = {
        {KIND_UNDEFINED, KIND_END, KIND_CALL, KIND_REGISTERS, KIND_IRET, KIND_UNDEFINED, KIND_UNDEFINED,
         KIND_UNDEFINED},
        {KIND_CALL, KIND_REGISTERS, KIND_IRET, KIND_UNDEFINED, KIND_CALL, KIND_REGISTERS, KIND_IRET, KIND_UNDEFINED}};
    return kinds[old][e->kind & 7];
}

// --- a step ---

// The stack pointer before the call, or where the registers of an interrupt lie.
static bool stack_of(const struct unwind *u, const struct orc_entry *e, uint64_t *sp) {
    static const struct {
        uint8_t gpr;
        bool at, used;
    } bases[16] = {[ORC_DX] = {RDX, false, true},   [ORC_DI] = {RDI, false, true},  [ORC_BP] = {RBP, false, true},
                   [ORC_SP] = {RSP, false, true},   [ORC_R10] = {R10, false, true}, [ORC_R13] = {R13, false, true},
                   [ORC_BP_AT] = {RBP, true, true}, [ORC_SP_AT] = {RSP, true, true}};
    unsigned base = e->registers & 15;
    if (!bases[base].used || !unwind_knows(u, bases[base].gpr)) return false;
    *sp = u->gpr[bases[base].gpr];
    if (base == ORC_BP_AT) return unwind_word(u, *sp + (uint64_t)(int64_t)e->sp_offset, sp);
    if (base == ORC_SP_AT && !unwind_word(u, *sp, sp)) return false;
    *sp += (uint64_t)(int64_t)e->sp_offset;
    return true;
}

static bool is_frame(const struct unwind *u, uint64_t sp) {
    enum { FRAME_MOST = 1 << 16 };
    uint64_t ip, target;
    return sp - 8 - u->gpr[RSP] < FRAME_MOST && unwind_word(u, sp - 8, &ip) && unwind_follows_call(u, ip, &target);
}

// A function that enters a guest has the guest's RBP at the instruction that does it, and when a VM exit comes back:
// its frame is the one whose return address follows a call of this function.
static bool find_frame(const struct unwind *u, uint64_t *sp) {
    enum { WORDS = 64, FUNCTION_MOST = 4096 };
    uint64_t ip, target;
    *sp = u->gpr[RSP];
    for (unsigned i = 0; unwind_knows(u, RSP) && i < WORDS && unwind_word(u, *sp, &ip); i++) {
        *sp += 8;
        if (unwind_follows_call(u, ip, &target) && target && u->ip - target < FUNCTION_MOST) return true;
    }
    return false;
}

static void restore_bp(struct unwind *u, const struct orc_entry *e, uint64_t sp) {
    unsigned from = e->registers >> 4;
    uint64_t base = from == ORC_PREVIOUS_SP ? sp : u->gpr[RBP], bp;
    if (from != ORC_PREVIOUS_SP && (from != ORC_BP || !unwind_knows(u, RBP))) return;
    if (unwind_word(u, base + (uint64_t)(int64_t)e->bp_offset, &bp))
        unwind_set(u, RBP, bp);
    else
        u->known &= ~(1u << RBP);
}

static enum unwind_step call_step(struct unwind *u, const struct orc_entry *e, uint64_t sp) {
    if (!unwind_word(u, sp - 8, &u->ip)) return STEP_UNKNOWN;
    restore_bp(u, e, sp);
    u->known &= 1u << RBP; // where the caller's others are, is not said
    unwind_set(u, RSP, sp);
    u->exact = false;
    return STEP_DONE;
}

// struct pt_regs, from its lowest address on; the last five are what the processor pushes. SDM Vol. 3A, 6.14.2.
static enum unwind_step interrupt_step(struct unwind *u, uint64_t sp, bool whole) {
    enum { REGISTERS = 15, NUMBER = REGISTERS, IP, CODE, FLAGS, SP, STACK, ALL };
    static const uint8_t gpr[REGISTERS] = {R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI};
    uint64_t word[ALL];
    size_t first = whole ? 0 : IP; // NUMBER: of the system call
    if (!unwind_read(u, sp, word + first, (ALL - first) * sizeof *word)) return STEP_UNKNOWN;
    u->known = 0;
    for (unsigned i = 0; whole && i < REGISTERS; i++) unwind_set(u, gpr[i], word[i]);
    u->ip = word[IP];
    unwind_set(u, RSP, word[SP]);
    u->exact = true;
    return STEP_DONE;
}

enum unwind_step unwind_by_orc(struct unwind *u) {
    struct orc_table t;
    struct orc_entry e;
    uint64_t sp, code = unwind_code(u);
    bool found = (kernel_table(u, &t) && covers(u, &t, code)) || modules_table(u, code, &t);
    if (!found || !find(u, &t, code, &e)) return STEP_UNKNOWN;
    unsigned kind = kind_of(&e, is_old(u, &t));
    if ((e.registers & 15) == ORC_UNDEFINED || kind == KIND_END) return STEP_END;
    bool known = stack_of(u, &e, &sp), by_bp = (e.registers & 15) == ORC_BP && kind == KIND_CALL;
    if (by_bp && u->exact && !(known && is_frame(u, sp))) known = find_frame(u, &sp);
    if (kind == KIND_UNDEFINED || !known) return STEP_UNKNOWN;
    return kind == KIND_CALL ? call_step(u, &e, sp) : interrupt_step(u, sp, kind == KIND_REGISTERS);
}
