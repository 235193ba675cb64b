// From a decoded instruction to what the pipeline wants to know of it.
#include "cpu/pipeline/recipe.h"
#include "cpu/state/architecture.h"
#include "cpu/pipeline/pipeline.h"
#include <string.h>

static uint8_t register_of(const struct operand *o) {
    switch (o->class) {
    case REG_GPR:
    case REG_GPR8H: return (uint8_t)(TIMED_GPR + o->number % 16);
    case REG_XMM: return (uint8_t)(TIMED_VECTOR + o->number % 16);
    case REG_MMX:
    case REG_X87: return (uint8_t)(TIMED_MMX + o->number % 8);
    default: return TIMED_OTHER;
    }
}

static void add_source(struct recipe *r, uint8_t reg) {
    for (unsigned i = 0; i < RECIPE_SOURCES; i++) {
        if (r->source[i] != TIMED_NONE) continue;
        r->source[i] = reg;
        return;
    }
}

static void add_target(struct recipe *r, uint8_t reg) { r->target[r->target[0] != TIMED_SINK] = reg; }

static uint8_t address_register(uint8_t number) { return number < 16 ? number : TIMED_NONE; }

static bool is(const struct insn *insn, const char *words) {
    size_t length = strlen(insn->row->mnemonic);
    for (const char *at = strstr(words, insn->row->mnemonic); at; at = strstr(at + 1, insn->row->mnemonic))
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length])) return true;
    return false;
}

// --- operands ---

// `access`: what the row says of it: r, w, rw.
static void take_operand(const struct operand *o, const char *access, struct recipe *r) {
    bool reads = strchr(access, 'r'), writes = strchr(access, 'w');
    if (o->kind == OPERAND_REG) {
        if (reads) add_source(r, register_of(o));
        if (writes) add_target(r, register_of(o));
        return;
    }
    if (o->kind != OPERAND_MEM && o->kind != OPERAND_MOFFS) return;
    r->kind |= (reads ? RECIPE_LOAD : 0) | (writes ? RECIPE_STORE : 0);
    r->bytes = o->size;
}

// A byte or a word that is written leaves the rest of its register.
static bool merges(const struct insn *insn) {
    const struct operand *o = &insn->operand[0];
    return o->kind == OPERAND_REG && (o->class == REG_GPR8H || (o->class == REG_GPR && o->size < 4 && o->size));
}

static void take_operands(const struct insn *insn, const struct micro_ops_row *row, struct recipe *r) {
    const char *access = row->access;
    for (unsigned i = 0; i < insn->operand_count; i++) {
        const char *how = i == 0 ? access : i == 1 && strchr(row->flags, 'x') ? "rw" : "r";
        take_operand(&insn->operand[i], how, r);
    }
    if (merges(insn) && !strchr(access, 'r') && strchr(access, 'w')) add_source(r, register_of(&insn->operand[0]));
    for (unsigned i = 0; i < insn->operand_count; i++)
        if (insn->operand[i].kind == OPERAND_REG && insn->operand[i].class >= REG_MMX) r->kind |= RECIPE_VECTOR;
}

static void take_address(const struct insn *insn, struct recipe *r) {
    r->base = r->index = TIMED_NONE;
    if (insn->row->traits & T_STRING) return;
    r->base = address_register(insn->base);
    r->index = address_register(insn->index);
}

// Letters of the row: registers that are not operands, flags.
static void take_letters(const struct micro_ops_row *row, struct recipe *r) {
    static const char reads[] = "adst", writes[] = "ADST";
    static const uint8_t registers[] = {RAX, RDX, RSI, RDI};
    for (const char *letter = row->flags; *letter; letter++) {
        const char *read = strchr(reads, *letter), *write = strchr(writes, *letter);
        if (read) add_source(r, registers[read - reads]);
        if (write) add_target(r, registers[write - writes]);
        if (*letter == 'c') r->flag_source[0] = TIMED_FLAG_C;
        if (*letter == 'z') r->flag_source[1] = TIMED_FLAG_Z;
        if (*letter == 'C') r->flag_target[0] = TIMED_FLAG_C;
        if (*letter == 'Z') r->flag_target[1] = TIMED_FLAG_Z;
        r->kind |= *letter == 'l' ? RECIPE_LOGIC : *letter == 'u' ? RECIPE_USES_LOGIC : 0;
    }
}

static uint8_t late_of(const struct micro_ops_row *row) {
    const char *at = row->flags;
    while (*at && (*at < '1' || *at > '9')) at++;
    return *at ? (uint8_t)(*at - '0') : 0;
}

// --- kinds ---

// An immediate that is added to a register of 64 bits: the renamer does it.
static void take_immediate(const struct insn *insn, struct recipe *r) {
    int64_t by = 0;
    const struct operand *o = insn->operand;
    if (!insn->operand_count || o[0].kind != OPERAND_REG || o[0].class != REG_GPR || o[0].size != 8) return;
    if (is(insn, "add sub") && o[1].kind == OPERAND_IMM)
        by = is(insn, "add") ? insn->immediate : -insn->immediate;
    else if (is(insn, "inc dec"))
        by = is(insn, "inc") ? 1 : -1;
    else if (is(insn, "lea") && insn->base < 16 && insn->index == REG_NONE && insn->address_size == 8)
        by = insn->displacement;
    else
        return;
    if (by < -1023 || by > 1023) return;
    r->kind |= RECIPE_IMMEDIATE;
    r->immediate = (int16_t)by;
}

static void take_stack(const struct insn *insn, struct recipe *r) {
    if (is(insn, "push call pushf enter")) r->kind |= RECIPE_PUSH | RECIPE_STORE;
    if (is(insn, "pop ret popf leave iret")) r->kind |= RECIPE_POP | RECIPE_LOAD;
    if (r->kind & (RECIPE_PUSH | RECIPE_POP) && !r->bytes) r->bytes = insn->operand_size;
}

static void take_branch(const struct insn *insn, struct recipe *r) {
    bool direct = insn->operand_count && insn->operand[0].kind == OPERAND_REL;
    if (!(insn->row->traits & T_BRANCH) || insn->row->traits & T_STRING) return;
    if (is(insn, "jmp"))
        r->branch = direct ? BRANCH_DIRECT : BRANCH_INDIRECT;
    else if (is(insn, "call"))
        r->branch = direct ? BRANCH_CALL : BRANCH_CALL_INDIRECT;
    else if (is(insn, "ret"))
        r->branch = BRANCH_RETURN;
    else if (direct)
        r->branch = BRANCH_CONDITIONAL;
    else
        r->branch = BRANCH_INDIRECT, r->kind |= RECIPE_SERIAL;
}

static void take_fusion(const struct insn *insn, struct recipe *r) {
    bool immediate_and_memory = r->kind & RECIPE_LOAD && insn->operand[1].kind == OPERAND_IMM;
    if (r->branch == BRANCH_CONDITIONAL) {
        bool carry = r->flag_source[0] != TIMED_NONE, other = is(insn, "jo jno js jns jp jnp");
        r->fuse = carry ? FUSE_CARRY : other ? FUSE_ALL : FUSE_ZERO;
        if (is(insn, "loop loope loopne jrcxz")) r->fuse = FUSE_NOT;
        return;
    }
    if (r->kind & RECIPE_STORE || immediate_and_memory) return;
    r->fuse = is(insn, "test and")      ? FUSE_ALL
              : is(insn, "cmp add sub") ? FUSE_CARRY
              : is(insn, "inc dec")     ? FUSE_ZERO
                                        : FUSE_NOT;
}

// Before which the pipeline is empty: SDM Vol. 2, LFENCE, MFENCE, RDTSCP.
static bool waits(const struct insn *insn) { return is(insn, "lfence mfence rdtscp"); }

// MOV to a control register but CR8, to a debug register. What reads them serialises nothing.
static bool moves_to_control(const struct insn *insn) {
    const struct operand *to = &insn->operand[0];
    return is(insn, "mov") && to->kind == OPERAND_REG &&
           ((to->class == REG_CR && to->number != 8) || to->class == REG_DR);
}

// Instructions before and after which the pipeline is empty, SDM Vol. 3A, 8.3, and what is microcode throughout.
static bool serial(const struct insn *insn) {
    return moves_to_control(insn) ||
           is(insn, "cpuid iret rsm wrmsr invd invlpg invpcid lgdt lidt lldt ltr wbinvd int int1 int3 into sysenter "
                    "sysexit syscall sysret xsetbv in out ins outs clts lmsw hlt mwait "
                    "vmlaunch vmresume vmcall vmxon vmxoff vmptrld vmclear vmptrst invept invvpid vmfunc");
}

static void take_kind(const struct insn *insn, struct recipe *r) {
    if (is(insn, "lea")) {
        r->kind = (uint16_t)(r->kind & ~(RECIPE_LOAD | RECIPE_STORE));
        add_source(r, r->base);
        add_source(r, r->index);
    }
    if (is(insn, "nop endbr32 endbr64")) r->kind = 0;
    if (insn->lock || (is(insn, "xchg") && r->kind & RECIPE_STORE)) r->kind |= RECIPE_LOCK;
    if (insn->row->traits & T_STRING) r->kind |= RECIPE_STRING;
    if (is(insn, "movsx movsxd")) r->kind |= RECIPE_EXTENDS;
    if (is(insn, "shl shr sar rol ror rcl rcr shld shrd")) r->kind |= RECIPE_SHIFT;
    if (is(insn, "movs stos")) r->kind |= RECIPE_STORE;
    if (is(insn, "movs lods scas cmps")) r->kind |= RECIPE_LOAD;
    if (insn->row->traits & T_STRING) r->bytes = insn->operand_size;
    bool registers =
        insn->operand_count == 2 && insn->operand[0].kind == OPERAND_REG && insn->operand[1].kind == OPERAND_REG;
    if (registers && is(insn, "mov movzx movaps movapd movups movupd movdqa movdqu")) r->kind |= RECIPE_MOVE;
    bool immediate = insn->operand_count > 1 && insn->operand[1].kind == OPERAND_IMM;
    if (immediate && insn->operand_size == 2 && strstr(insn->row->encoding, " id")) r->kind |= RECIPE_LCP;
    if (is(insn, "mov") && insn->operand_size == 8 && (insn->opcode & 0xf8) == 0xb8) r->kind |= RECIPE_WIDE;
    if (serial(insn) || waits(insn)) r->kind |= RECIPE_SERIAL;
}

static void take_vtx(const struct insn *insn, struct recipe *r) {
    uint8_t vtx = is(insn, "vmread")            ? VTX_READ
                  : is(insn, "vmwrite")         ? VTX_WRITE
                  : is(insn, "vmptrld vmclear") ? VTX_POINTER
                  : is(insn, "invept")          ? VTX_INVEPT
                                                : VTX_NONE;
    if (!vtx) return;
    r->vtx = vtx;
    r->field = vtx <= VTX_WRITE ? insn->operand[vtx == VTX_READ].number % 16 : 0;
}

// --- shapes ---

static bool is_complex_lea(const struct insn *insn, const struct core *core, const struct recipe *r) {
    if (!is(insn, "lea") || r->index == TIMED_NONE) return false;
    return core->renames_immediates ? insn->scale != 0 : r->base != TIMED_NONE;
}

static bool is_common(const struct work *work, const struct recipe *r, uint8_t late) {
    const uint16_t rare = RECIPE_STRING | RECIPE_LOCK | RECIPE_LCP | RECIPE_WIDE | RECIPE_SERIAL;
    return !(r->kind & rare) && !late && work->groups <= 1 && work->micro_ops <= 1;
}

static enum recipe_shape shape_of(const struct work *work, const struct recipe *r) {
    bool loads = r->kind & RECIPE_LOAD, stores = r->kind & RECIPE_STORE, branches = r->branch;
    enum recipe_more more = r->kind & RECIPE_SHIFT ? SHIFT : r->kind & RECIPE_USES_LOGIC ? CONDITION : NOTHING;
    if (work->renamed && !loads && !stores) return SHAPE_RENAMED;
    if (work->groups ? work->group[0].busy > 1 || work->latency > UINT8_MAX : work->latency != 0) return SHAPE_ANY;
    if (r->branch == BRANCH_CONDITIONAL && !loads && !stores) return SHAPE_BRANCH;
#define SHAPE(name, loading, storing, own, branching, wanted)                                                          \
    if (loads == (loading) && stores == (storing) && work->groups == (own) && branches == (branching) &&               \
        more == (wanted))                                                                                              \
        return SHAPE_##name;
    RECIPE_SHAPES(SHAPE)
#undef SHAPE
    return SHAPE_ANY;
}

static void take_shape(const struct insn *insn, const struct core *core, uint16_t row, uint8_t late, struct recipe *r) {
    const struct work *work = &core->work[row];
    r->shape = (uint8_t)(is_common(work, r, late) ? shape_of(work, r) : SHAPE_ANY);
    if (r->shape == SHAPE_ONE && r->kind & RECIPE_IMMEDIATE && core->renames_immediates) r->shape = SHAPE_IMMEDIATE;
    if (r->shape == SHAPE_ANY) {
        if (r->kind & RECIPE_IMMEDIATE) r->immediate = 0; // nobody asks, and what VT-x does lies there
        if (r->vtx) r->shape = SHAPE_VTX;
        if (insn->rep && is(insn, "movs stos")) r->shape = SHAPE_STRING;
        r->row = row;
        r->late = late;
        if (r->kind & RECIPE_SERIAL) r->after = (uint8_t)(waits(insn) ? 0 : core->serial_cycles);
        return;
    }
    bool lea = is_complex_lea(insn, core, r);
    r->ports = (uint16_t)(lea ? core->complex_lea_ports : work->group[0].ports);
    r->latency = (uint8_t)(lea ? core->complex_lea_cycles : work->latency ? work->latency : 1);
}

void recipe_make(const struct insn *insn, const struct core *core, struct recipe *r) {
    static const struct micro_ops_row unknown = {"", "", "rw", ""};
    *r = (struct recipe){
        .length = insn->length, .flag_source = {TIMED_NONE, TIMED_NONE}, .flag_target = {TIMED_SINK, TIMED_SINK}};
    memset(r->source, TIMED_NONE, sizeof r->source);
    memset(r->target, TIMED_SINK, sizeof r->target);
    uint16_t number = (uint16_t)micro_ops_find(insn);
    const struct micro_ops_row *row = number < micro_ops_count ? micro_ops_row(number) : &unknown;
    take_address(insn, r);
    take_operands(insn, row, r);
    take_letters(row, r);
    take_kind(insn, r);
    take_immediate(insn, r);
    take_stack(insn, r);
    take_branch(insn, r);
    take_fusion(insn, r);
    take_vtx(insn, r);
    take_shape(insn, core, number, late_of(row), r);
}
