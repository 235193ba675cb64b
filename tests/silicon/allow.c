// The words of allow.def and exclude.def, and the walk over their rows.
#include "tests/silicon/allow.h"
#include "cpu/decode/decode_table.h"
#include "tests/insn/undefined.h"
#include "tests/tap.h"
#include <Zydis/Zydis.h>
#include <stdio.h>

#define is(name) (mnemonic_is(m, name))
#define starts(prefix) (mnemonic_starts(m, prefix))
#define opcode(wanted_map, byte) (!m->vex && m->map == (wanted_map) && m->opcode == (byte))
#define opcode_in(wanted_map, low, high)                                                                               \
    (!m->vex && m->map == (wanted_map) && m->opcode >= (low) && m->opcode <= (high))
#define far_return (opcode(MAP_ONE_BYTE, 0xca) || opcode(MAP_ONE_BYTE, 0xcb))
#define ANY true
#define AMD (!native_is_intel())
#define INTEL native_is_intel()

// The host ends with one vector, the model with the other, or the other way round.
#define ends(a, b)                                                                                                     \
    ((m->host->vector == VECTOR_##a && m->ours->vector == VECTOR_##b) ||                                               \
     (m->host->vector == VECTOR_##b && m->ours->vector == VECTOR_##a))

#define host_faults(v) (m->host->vector == VECTOR_##v)

static bool mnemonic_is(const struct meeting *m, const char *name) {
    return m->c->decoded && !strcmp(m->c->insn.row->mnemonic, name);
}
static bool mnemonic_starts(const struct meeting *m, const char *prefix) {
    return m->c->decoded && !strncmp(m->c->insn.row->mnemonic, prefix, strlen(prefix));
}

// --- the instruction ---

static bool stack_16(const struct meeting *m) {
    const struct segment_row *stack = segment_find(m->c->state.selector[SS]);
    return m->c->size != CODE_64 && stack && !(stack->rights & RIGHTS_DB);
}
// Pushes go to the other end of the address space.
static bool stack_wraps(const struct meeting *m) {
    return m->c->size != CODE_64 && (uint32_t)m->c->state.gpr[RSP] < 16;
}
static bool far_call(const struct meeting *m) {
    return opcode(MAP_ONE_BYTE, 0x9a) || (opcode(MAP_ONE_BYTE, 0xff) && (m->modrm >> 3 & 7) == 3);
}
static bool cut_short(const struct meeting *m) { return !m->c->decoded || m->c->present < m->c->insn.length; }

// --- instruction sets ---

static bool feature_of_both(const struct meeting *m, const struct cpu_model *model) {
    if (!m->c->decoded) return true;
    unsigned feature = m->c->insn.row->feature;
    return cpu_model_has(model, (enum feature)feature) && native_has(feature);
}

static bool xsave(const struct meeting *m) { return starts("xsave") || starts("xrstor"); }
// An operand in memory that no single access can reach: areas, numbers of 80 bits, bytes under a mask.
static bool in_pieces(const struct meeting *m) {
    if (!m->c->decoded) return false;
    for (unsigned i = 0; i < m->c->insn.operand_count; i++)
        if (m->c->insn.operand[i].kind == OPERAND_MEM && m->c->insn.operand[i].size == 10) return true;
    return xsave(m) || starts("fxsave") || starts("fxrstor") || starts("maskmov") || is("fnsave") || is("frstor") ||
           is("fnstenv") || is("fldenv");
}
// EDX:EAX asks for more than x87 and SSE.
static bool other_components(const struct meeting *m) {
    return (uint32_t)m->c->state.gpr[RAX] > 3 || (uint32_t)m->c->state.gpr[RDX];
}
static bool sse4a(const struct meeting *m) {
    return !m->c->decoded && (opcode(MAP_0F, 0x2b) || opcode_in(MAP_0F, 0x78, 0x79));
}

// What the model rejects and Zydis knows as something newer, or another vendor's.
static bool foreign(const struct meeting *m) {
    static const char *const known[] = {"I86",   "I186", "I286", "I386", "I486",    "PENTIUM",  "PPRO", "X87",
                                        "FCMOV", "SSE",  "SSE2", "CMOV", "FAT_NOP", "LONGMODE", "PAUSE"};
    ZydisDecoder z;
    ZydisDecodedInstruction insn;
    ZydisDecoderContext context;
    static const ZydisMachineMode modes[] = {ZYDIS_MACHINE_MODE_LONG_COMPAT_16, ZYDIS_MACHINE_MODE_LONG_COMPAT_32,
                                             ZYDIS_MACHINE_MODE_LONG_64};
    static const ZydisStackWidth stacks[] = {ZYDIS_STACK_WIDTH_16, ZYDIS_STACK_WIDTH_32, ZYDIS_STACK_WIDTH_64};
    if (m->c->decoded) return false;
    ZydisDecoderInit(&z, modes[m->c->size], stacks[m->c->size]);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&z, &context, m->c->bytes, 15, &insn))) return m->vex;
    const char *set = ZydisISASetGetString(insn.meta.isa_set);
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strncmp(set, known[i], strlen(known[i]))) return false;
    return true;
}

const char *meeting_excluded(const struct meeting *m, const struct cpu_model *model) {
#define EXCLUDE(when, reason)                                                                                          \
    if (when) return reason;
#include "tests/silicon/exclude.def"
    return NULL;
}

// --- what may differ ---

static bool transcendental(const struct meeting *m) {
    return is("f2xm1") || starts("fyl2x") || is("fptan") || is("fpatan") || is("fsin") || is("fcos") || is("fsincos");
}
static bool long_double_shift(const struct meeting *m) {
    if (!is("shld") && !is("shrd")) return false;
    unsigned count =
        m->c->insn.operand[2].kind == OPERAND_IMM ? (unsigned)m->c->insn.immediate : m->c->state.gpr[RCX] & 31;
    return m->c->insn.operand_size == 2 && (count & 31) > 16;
}
// MOVUPS and those of its kind, and the string comparisons of SSE4.2.
static bool unaligned_16(const struct meeting *m) {
    return is("movups") || is("movupd") || is("movdqu") || is("lddqu") || starts("pcmpe") || starts("pcmpi") ||
           is("maskmovdqu");
}
static bool gpr_apart_in(const struct meeting *m, uint64_t mask) {
    for (unsigned i = 0; i < 16; i++)
        if ((m->host->gpr[i] ^ m->ours->gpr[i]) & ~mask) return false;
    return true;
}
// Between 64-bit and compatibility mode.
static bool changes_mode(const struct meeting *m) {
    bool wide = m->c->size == CODE_64;
    return wide != (m->host->selector[CS] == USER_CS_64) || wide != (m->ours->selector[CS] == USER_CS_64);
}
// Memory differs in nothing but the x87 pointers and MXCSR_MASK of an image of FXSAVE.
static bool fx_pointers_alone(const struct meeting *m) {
    static uint8_t wanted[PLACE_BYTES];
    memcpy(wanted, m->our_memory, PLACE_BYTES);
    for (unsigned i = 6; i < 32; i++) {
        uint8_t *at = place_at(wanted, m->c->operand + i);
        if (at && (i < 24 || i >= 28)) *at = m->host_memory[at - wanted];
    }
    return !m->c->operand || !memcmp(wanted, m->host_memory, PLACE_BYTES);
}
static bool based(const struct meeting *m) {
    return m->c->decoded && (m->c->insn.segment == FS || m->c->insn.segment == GS);
}
static bool needs_alignment(const struct meeting *m) { return m->c->decoded && m->c->insn.row->traits & T_ALIGN16; }
static bool both_fault(const struct meeting *m) {
    return m->host->vector != VECTOR_DB && m->ours->vector != VECTOR_DB && m->host->rip == m->ours->rip;
}
static bool rf_alone(const struct meeting *m) { return (m->host->rflags ^ m->ours->rflags) == FLAG_RF; }
// Whether the instruction, or what comes behind it, is not within the limit of its segment.
static bool beyond_code(const struct meeting *m) {
    const struct segment_row *code = segment_find(m->host->selector[CS]);
    return m->c->size != CODE_64 && code && m->host->rip + 15 > code->limit;
}
static bool push_segment(const struct meeting *m) {
    return is("push") && m->c->insn.operand[0].kind == OPERAND_REG && m->c->insn.operand[0].class == REG_SEG;
}
static bool far_pointer(const struct meeting *m) {
    return opcode(MAP_ONE_BYTE, 0xff) || opcode(MAP_0F, 0xb2) || opcode(MAP_0F, 0xb4) || opcode(MAP_0F, 0xb5);
}
static bool near_branch_16(const struct meeting *m) {
    return m->c->size == CODE_64 && m->prefix_66 && m->c->decoded && m->c->insn.row->traits & T_BRANCH;
}

static unsigned long used[256]; // rows of allow.def, by their line

unsigned meeting_allowed(const struct meeting *m, unsigned differing) {
    unsigned allowed = 0;
#define ALLOW(vendor, parts, when, reason)                                                                             \
    if (differing & (parts) && vendor && (when)) allowed |= parts, used[__LINE__]++;
#include "tests/silicon/allow.def"
    return allowed;
}

void allow_report(void) {
#define ALLOW(vendor, parts, when, reason) diag("%8lu allowed: %s", used[__LINE__], reason);
#include "tests/silicon/allow.def"
}

uint64_t meeting_flags(const struct meeting *m) {
    if (m->host->vector != VECTOR_DB && m->host->rip == m->c->state.rip) return 0;
    return m->c->decoded ? flags_undefined(m->c->insn.row->mnemonic) : 0;
}
