// From a decoded instruction to what the pipeline wants to know of it.
#include "cpu/timing/recipe.h"
#include "cpu/state/architecture.h"
#include "cpu/timing/micro_ops.h"
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

static void add_target(struct recipe *r, uint8_t reg) { r->target[r->target[0] != TIMED_NONE] = reg; }

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
    r->scale = insn->scale;
}

// Letters of the row: registers that are not operands, flags.
static void take_letters(const struct micro_ops_row *row, struct recipe *r) {
    static const char reads[] = "adst", writes[] = "ADST";
    static const uint8_t registers[] = {RAX, RDX, RSI, RDI};
    for (const char *letter = row->flags; *letter; letter++) {
        const char *read = strchr(reads, *letter), *write = strchr(writes, *letter);
        if (read) add_source(r, registers[read - reads]);
        if (write) add_target(r, registers[write - writes]);
        r->flags |= *letter == 'c' ? READS_C : *letter == 'z' ? READS_Z : *letter == 'C' ? WRITES_C : 0;
        if (*letter >= '1' && *letter <= '9') r->late = (uint8_t)(*letter - '0');
        r->flags |= *letter == 'Z' ? WRITES_Z : 0;
        r->kind |= *letter == 'l' ? RECIPE_LOGIC : *letter == 'u' ? RECIPE_USES_LOGIC : 0;
    }
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
        bool carry = r->flags & READS_C, other = is(insn, "jo jno js jns jp jnp");
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

// Instructions before and after which the pipeline is empty, SDM Vol. 3A, 8.3, and what is microcode throughout.
static bool serial(const struct insn *insn) {
    return is(insn,
              "cpuid iret rsm wrmsr invd invlpg invpcid lgdt lidt lldt ltr wbinvd int int1 int3 into sysenter sysexit "
              "syscall sysret lfence mfence xsetbv in out ins outs clts lmsw hlt mwait rdtscp "
              "vmlaunch vmresume vmcall vmxon vmxoff vmptrld vmclear vmptrst invept invvpid vmfunc") ||
           (is(insn, "mov") && insn->operand[0].kind == OPERAND_REG &&
            (insn->operand[0].class == REG_CR || insn->operand[0].class == REG_DR));
}

static void take_kind(const struct insn *insn, struct recipe *r) {
    if (is(insn, "lea")) {
        r->kind = (uint16_t)((r->kind & ~(RECIPE_LOAD | RECIPE_STORE)) | RECIPE_LEA);
        add_source(r, r->base);
        add_source(r, r->index);
    }
    if (is(insn, "nop endbr32 endbr64")) r->kind = 0;
    if (insn->lock || (is(insn, "xchg") && r->kind & RECIPE_STORE)) r->kind |= RECIPE_LOCK;
    if (insn->row->traits & T_STRING) r->kind |= RECIPE_STRING;
    if (is(insn, "movsx movsxd")) r->kind |= RECIPE_EXTENDS;
    if (is(insn, "shl shr sar rol ror rcl rcr shld shrd")) r->flags |= IS_SHIFT;
    if (is(insn, "movs stos")) r->kind |= RECIPE_STORE;
    if (is(insn, "movs lods scas cmps")) r->kind |= RECIPE_LOAD;
    if (insn->row->traits & T_STRING) r->bytes = insn->operand_size;
    bool registers =
        insn->operand_count == 2 && insn->operand[0].kind == OPERAND_REG && insn->operand[1].kind == OPERAND_REG;
    if (registers && is(insn, "mov movzx movaps movapd movups movupd movdqa movdqu")) r->kind |= RECIPE_MOVE;
    bool immediate = insn->operand_count > 1 && insn->operand[1].kind == OPERAND_IMM;
    if (immediate && insn->operand_size == 2 && strstr(insn->row->encoding, " id")) r->kind |= RECIPE_LCP;
    if (is(insn, "mov") && insn->operand_size == 8 && (insn->opcode & 0xf8) == 0xb8) r->kind |= RECIPE_WIDE;
    if (serial(insn)) r->kind |= RECIPE_SERIAL;
}

static void take_vtx(const struct insn *insn, struct recipe *r) {
    r->vtx = is(insn, "vmread")            ? VTX_READ
             : is(insn, "vmwrite")         ? VTX_WRITE
             : is(insn, "vmptrld vmclear") ? VTX_POINTER
             : is(insn, "invept")          ? VTX_INVEPT
                                           : VTX_NONE;
    if (r->vtx == VTX_READ || r->vtx == VTX_WRITE) r->field = insn->operand[r->vtx == VTX_READ].number % 16;
}

void recipe_make(const struct insn *insn, struct recipe *r) {
    static const struct micro_ops_row unknown = {"", "", "rw", ""};
    *r = (struct recipe){.row = (uint16_t)micro_ops_find(insn), .length = insn->length};
    memset(r->source, TIMED_NONE, sizeof r->source);
    memset(r->target, TIMED_NONE, sizeof r->target);
    const struct micro_ops_row *row = r->row < micro_ops_count ? micro_ops_row(r->row) : &unknown;
    take_address(insn, r);
    take_operands(insn, row, r);
    take_letters(row, r);
    take_kind(insn, r);
    take_immediate(insn, r);
    take_stack(insn, r);
    take_branch(insn, r);
    take_fusion(insn, r);
    take_vtx(insn, r);
}
