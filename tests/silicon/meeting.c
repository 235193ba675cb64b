// What an instruction's bytes say without being decoded, and in which parts two outcomes differ.
#include "tests/silicon/meeting.h"
#include "cpu/decode/decode_table.h"
#include <string.h>

// --- the opcode ---

static bool parse_prefix(struct meeting *m, uint8_t byte) {
    switch (byte) {
    case 0x66: return m->prefix_66 = true;
    case 0x67: return m->prefix_67 = true;
    case 0xf2: return m->prefix_f2 = true;
    case 0xf3: return m->prefix_f3 = true;
    case 0xf0: return m->lock = true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65: return true;
    default: return false;
    }
}

void meeting_parse(struct meeting *m, const struct silicon_case *c) {
    const uint8_t *b = c->bytes;
    unsigned i = 0;
    *m = (struct meeting){.c = c};
    while (i < CASE_BYTES - 5) {
        bool rex = c->size == CODE_64 && (b[i] & 0xf0) == 0x40;
        if (!rex && !parse_prefix(m, b[i])) break;
        m->rex = rex ? b[i] : 0;
        m->prefixes += !rex;
        i++;
    }
    bool vex = (b[i] == 0xc4 || b[i] == 0xc5 || b[i] == 0x62) && (c->size == CODE_64 || b[i + 1] >= 0xc0);
    if (vex) {
        m->vex = true;
        m->map = b[i] == 0xc4 ? b[i + 1] & 31 : MAP_0F;
        i += b[i] == 0xc4 ? 3 : 2;
    } else if (b[i] == 0x0f) {
        i++;
        m->map = b[i] == 0x38 ? MAP_0F38 : b[i] == 0x3a ? MAP_0F3A : MAP_0F;
        if (m->map != MAP_0F) i++;
    }
    m->opcode = b[i];
    m->modrm = b[i + 1];
}

// --- what differs ---

static bool st_differ(const struct fx_image *a, const struct fx_image *b) {
    for (unsigned i = 0; i < 8; i++)
        if (a->st[i].significand != b->st[i].significand || a->st[i].sign_exponent != b->st[i].sign_exponent)
            return true;
    return false;
}

static unsigned fx_differs(const struct fx_image *a, const struct fx_image *b) {
    unsigned parts = 0;
    if (a->status != b->status) parts |= STATUS;
    if (a->control != b->control) parts |= CONTROL;
    if (a->tags != b->tags) parts |= TAGS;
    if (st_differ(a, b)) parts |= ST;
    if (a->ip != b->ip || a->dp != b->dp || a->opcode != b->opcode) parts |= POINTERS;
    if (memcmp(a->xmm, b->xmm, sizeof a->xmm)) parts |= XMM;
    if (a->mxcsr != b->mxcsr) parts |= MXCSR;
    return parts;
}

// On the way back to a 16-bit stack the upper half of RSP is the kernel's (its "espfix").
static bool gpr_differ(const struct meeting *m) {
    for (unsigned i = 0; i < 16; i++) {
        uint64_t apart = m->host->gpr[i] ^ m->ours->gpr[i];
        if (i == RSP && (m->c->size != CODE_64 || m->host->selector[CS] != USER_CS_64) ? (uint32_t)apart != 0
                                                                                       : apart != 0)
            return true;
    }
    return false;
}

unsigned meeting_differs(const struct meeting *m, uint64_t undefined) {
    const struct silicon_state *a = m->host, *b = m->ours;
    unsigned parts = fx_differs(&a->fx, &b->fx);
    if (a->vector != b->vector) parts |= VECTOR;
    if (a->error_code != b->error_code) parts |= ERROR_CODE;
    if (a->cr2 != b->cr2) parts |= CR2;
    if (a->rip != b->rip) parts |= RIP;
    if (gpr_differ(m)) parts |= GPR;
    if ((a->rflags ^ b->rflags) & ~undefined) parts |= FLAGS;
    if (memcmp(a->selector, b->selector, sizeof a->selector)) parts |= SELECTOR;
    if (a->fs_base != b->fs_base || a->gs_base != b->gs_base) parts |= BASE;
    if (memcmp(m->host_memory, m->our_memory, PLACE_BYTES)) parts |= MEMORY;
    return parts;
}

const char *part_name(unsigned parts) {
    static const char *const names[] = {"vector",   "error code", "CR2",   "RIP",   "registers", "flags",
                                        "segments", "bases",      "FSW",   "FCW",   "FTW",       "ST",
                                        "pointers", "XMM",        "MXCSR", "memory"};
    return parts ? names[__builtin_ctz(parts)] : "nothing";
}
