// Compares one instruction as decoded by us and by Zydis: length, mnemonic, operands. Where Zydis differs from the
// manual, the manual is quoted beside the exception.
#include "tests/decode/judge.h"
#include "cpu/state/cpu.h"
#include "cpu/decode/insn.h"
#include <stdio.h>
#include <string.h>

void judge_init(ZydisDecoder zydis[3]) {
    ZydisDecoderInit(&zydis[CODE_16], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&zydis[CODE_32], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    ZydisDecoderInit(&zydis[CODE_64], ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    static const ZydisDecoderMode off[] = {
        ZYDIS_DECODER_MODE_KNC,          ZYDIS_DECODER_MODE_MPX,      ZYDIS_DECODER_MODE_CLDEMOTE,
        ZYDIS_DECODER_MODE_AMD_BRANCHES, ZYDIS_DECODER_MODE_WBNOINVD, ZYDIS_DECODER_MODE_CET,
    };
    for (unsigned size = 0; size < 3; size++)
        for (unsigned i = 0; i < sizeof(off) / sizeof(off[0]); i++) ZydisDecoderEnableMode(&zydis[size], off[i], false);
}

// --- what is there at all ---

// The instruction sets that the model lists, in Zydis's names. An instruction of another set is ours to reject.
static bool set_listed(const ZydisDecodedInstruction *z) {
    switch (z->meta.isa_set) {
    case ZYDIS_ISA_SET_ADOX_ADCX:
    case ZYDIS_ISA_SET_BMI1:
    case ZYDIS_ISA_SET_BMI2:
    case ZYDIS_ISA_SET_CLFLUSHOPT:
    case ZYDIS_ISA_SET_CLFSH:
    case ZYDIS_ISA_SET_CLWB:
    case ZYDIS_ISA_SET_CMOV:
    case ZYDIS_ISA_SET_CMPXCHG16B:
    case ZYDIS_ISA_SET_FAT_NOP:
    case ZYDIS_ISA_SET_FCMOV:
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_FXSAVE64:
    case ZYDIS_ISA_SET_I186:
    case ZYDIS_ISA_SET_I286PROTECTED:
    case ZYDIS_ISA_SET_I286REAL:
    case ZYDIS_ISA_SET_I386:
    case ZYDIS_ISA_SET_I486:
    case ZYDIS_ISA_SET_I486REAL:
    case ZYDIS_ISA_SET_I86:
    case ZYDIS_ISA_SET_INVPCID:
    case ZYDIS_ISA_SET_LAHF:
    case ZYDIS_ISA_SET_LONGMODE:
    case ZYDIS_ISA_SET_LZCNT:
    case ZYDIS_ISA_SET_MOVBE:
    case ZYDIS_ISA_SET_PAUSE:
    case ZYDIS_ISA_SET_PENTIUMMMX:
    case ZYDIS_ISA_SET_PENTIUMREAL:
    case ZYDIS_ISA_SET_POPCNT:
    case ZYDIS_ISA_SET_PPRO:
    case ZYDIS_ISA_SET_PREFETCH_NOP:
    case ZYDIS_ISA_SET_RDPID:
    case ZYDIS_ISA_SET_RDPMC:
    case ZYDIS_ISA_SET_RDRAND:
    case ZYDIS_ISA_SET_RDSEED:
    case ZYDIS_ISA_SET_RDTSCP:
    case ZYDIS_ISA_SET_RDWRFSGS:
    case ZYDIS_ISA_SET_SMAP:
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX:
    case ZYDIS_ISA_SET_SSE3:
    case ZYDIS_ISA_SET_SSE3X87:
    case ZYDIS_ISA_SET_SSE4:
    case ZYDIS_ISA_SET_SSE42:
    case ZYDIS_ISA_SET_SSEMXCSR:
    case ZYDIS_ISA_SET_SSE_PREFETCH:
    case ZYDIS_ISA_SET_SSSE3:
    case ZYDIS_ISA_SET_SSSE3MMX:
    case ZYDIS_ISA_SET_VTX:
    case ZYDIS_ISA_SET_X87:
    case ZYDIS_ISA_SET_XSAVE:
    case ZYDIS_ISA_SET_XSAVEC:
    case ZYDIS_ISA_SET_XSAVEOPT:
    case ZYDIS_ISA_SET_XSAVES: return true;
    default: return false;
    }
}

// --- mnemonics ---

// Names that depend on the operand size, or differ between the manuals.
static const struct {
    const char *ours, *zydis;
} aliases[] = {
    {"cbw", "cwde"},          {"cbw", "cdqe"},
    {"cwd", "cdq"},           {"cwd", "cqo"},
    {"pushf", "pushfd"},      {"pushf", "pushfq"},
    {"popf", "popfd"},        {"popf", "popfq"},
    {"pusha", "pushad"},      {"popa", "popad"},
    {"iret", "iretd"},        {"iret", "iretq"},
    {"jrcxz", "jecxz"},       {"jrcxz", "jcxz"},
    {"xlatb", "xlat"},        {"retf", "ret"},
    {"nop", "prefetchw"},     {"nop", "prefetch"},
    {"int1", "int1"},         {"cmpxchg8b", "cmpxchg8b"},
    {"sysexit", "sysexit"},   {"jmpf", "jmp"},
    {"callf", "call"},        {"wait", "fwait"},
    {"movd", "movq"},         {"fxsave", "fxsave64"},
    {"fxrstor", "fxrstor64"}, {"xsave", "xsave64"},
    {"xrstor", "xrstor64"},   {"xsaveopt", "xsaveopt64"},
    {"xsavec", "xsavec64"},   {"xsaves", "xsaves64"},
    {"xrstors", "xrstors64"}, {"pextrd", "pextrq"},
    {"pinsrd", "pinsrq"},
};

static bool string_mnemonic(const struct insn *insn, const char *zydis) {
    char name[16];
    char letter = insn->operand_size == 1 ? 'b' : insn->operand_size == 2 ? 'w' : insn->operand_size == 4 ? 'd' : 'q';
    snprintf(name, sizeof(name), "%s%c", insn->row->mnemonic, letter);
    return strcmp(name, zydis) == 0;
}

static bool same_mnemonic(const struct insn *insn, const char *zydis) {
    const char *ours = insn->row->mnemonic;
    if (strcmp(ours, zydis) == 0) return true;
    if (insn->row->traits & T_STRING && string_mnemonic(insn, zydis)) return true;
    for (unsigned i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcmp(ours, aliases[i].ours) == 0 && strcmp(zydis, aliases[i].zydis) == 0) return true;
    return false;
}

// --- operands ---

static ZydisRegister gpr(unsigned number, unsigned size, bool high) {
    if (size == 1) {
        if (high) return (ZydisRegister)(ZYDIS_REGISTER_AH + number);
        return (ZydisRegister)(number < 4 ? ZYDIS_REGISTER_AL + number : ZYDIS_REGISTER_SPL + number - 4);
    }
    unsigned first = size == 2 ? ZYDIS_REGISTER_AX : size == 4 ? ZYDIS_REGISTER_EAX : ZYDIS_REGISTER_RAX;
    return (ZydisRegister)(first + number);
}

static ZydisRegister register_of(const struct operand *o) {
    switch (o->class) {
    case REG_GPR: return gpr(o->number, o->size, false);
    case REG_GPR8H: return gpr(o->number, 1, true);
    case REG_SEG: return (ZydisRegister)(ZYDIS_REGISTER_ES + o->number);
    case REG_CR: return (ZydisRegister)(ZYDIS_REGISTER_CR0 + o->number);
    case REG_DR: return (ZydisRegister)(ZYDIS_REGISTER_DR0 + o->number);
    case REG_X87: return (ZydisRegister)(ZYDIS_REGISTER_ST0 + o->number);
    case REG_MMX: return (ZydisRegister)(ZYDIS_REGISTER_MM0 + o->number);
    case REG_XMM: return (ZydisRegister)(ZYDIS_REGISTER_XMM0 + o->number);
    default: return ZYDIS_REGISTER_NONE;
    }
}

static ZydisRegister address_register(unsigned number, unsigned size) {
    if (number == REG_NONE) return ZYDIS_REGISTER_NONE;
    if (number == REG_RIP) return size == 4 ? ZYDIS_REGISTER_EIP : ZYDIS_REGISTER_RIP;
    return gpr(number, size, false);
}

static const char *compare_memory(const struct insn *insn, const struct operand *o, const ZydisDecodedOperand *z) {
    if (z->type != ZYDIS_OPERAND_TYPE_MEMORY) return "kind: we say memory";
    if (o->size && z->mem.type == ZYDIS_MEMOP_TYPE_MEM && o->size * 8 != z->size) return "size of memory operand";
    if (z->mem.base != address_register(insn->base, insn->address_size)) return "base";
    if (z->mem.index != address_register(insn->index, insn->address_size)) return "index";
    if (insn->index != REG_NONE && z->mem.scale != 1u << insn->scale) return "scale";
    if (z->mem.disp.value != insn->displacement) return "displacement";
    // LEA and its like do not access memory: Zydis gives no segment.
    if (z->mem.type == ZYDIS_MEMOP_TYPE_MEM && z->mem.segment != (ZydisRegister)(ZYDIS_REGISTER_ES + insn->segment))
        return "segment";
    return NULL;
}

static const char *compare_moffs(const struct insn *insn, const struct operand *o, const ZydisDecodedOperand *z) {
    uint64_t mask = ~0ull >> (64 - 8 * insn->address_size);
    if (z->type != ZYDIS_OPERAND_TYPE_MEMORY || z->mem.base || z->mem.index) return "kind: we say moffs";
    if (o->size * 8 != z->size) return "size of moffs";
    return (((uint64_t)z->mem.disp.value ^ (uint64_t)insn->displacement) & mask) == 0 ? NULL : "offset of moffs";
}

static const char *compare_register(const struct operand *o, const ZydisDecodedOperand *z) {
    if (z->type != ZYDIS_OPERAND_TYPE_REGISTER) return "kind: we say register";
    return z->reg.value == register_of(o) ? NULL : "register";
}

static const char *compare_immediate(const struct insn *insn, const struct operand *o, const ZydisDecodedOperand *z) {
    bool relative = o->kind == OPERAND_REL;
    if (z->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || z->imm.is_relative != relative) return "kind: we say immediate";
    bool second = o > insn->operand && o[-1].kind == OPERAND_IMM;
    uint64_t ours = second ? insn->immediate2 : (uint64_t)insn->immediate;
    uint64_t mask = z->size >= 64 ? ~0ull : (1ull << z->size) - 1;
    return ((ours ^ z->imm.value.u) & mask) == 0 ? NULL : "immediate";
}

static const char *compare_far(const struct insn *insn, const ZydisDecodedOperand *z) {
    if (z->type != ZYDIS_OPERAND_TYPE_POINTER) return "kind: we say far pointer";
    return z->ptr.segment == insn->far_selector && z->ptr.offset == (uint32_t)insn->displacement ? NULL : "far pointer";
}

static const char *compare_operand(const struct insn *insn, const struct operand *o, const ZydisDecodedOperand *z) {
    switch (o->kind) {
    case OPERAND_REG: return compare_register(o, z);
    case OPERAND_MEM: return compare_memory(insn, o, z);
    case OPERAND_MOFFS: return compare_moffs(insn, o, z);
    case OPERAND_IMM:
    case OPERAND_REL: return compare_immediate(insn, o, z);
    case OPERAND_FAR: return compare_far(insn, z);
    default: return "operand of no kind";
    }
}

static const char *compare_operands(const struct insn *insn, const ZydisDecodedInstruction *z,
                                    const ZydisDecodedOperand *operands) {
    unsigned visible = 0;
    if (insn->row->traits & T_STRING) return NULL; // hidden operands to Zydis
    for (unsigned i = 0; i < z->operand_count; i++) {
        if (operands[i].visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN) continue;
        if (visible == insn->operand_count) return insn->operand_count ? "operand count" : NULL;
        const char *why = compare_operand(insn, &insn->operand[visible], &operands[i]);
        if (why) return why;
        visible++;
    }
    return visible == insn->operand_count ? NULL : "operand count";
}

// --- documented differences ---

// What Zydis knows and the manual does not, or not here.
static bool unlisted(const ZydisDecodedInstruction *z) {
    if (z->mnemonic == ZYDIS_MNEMONIC_RSM) return true; // SDM Vol. 2B, RSM: #UD outside of system-management mode
    return !set_listed(z);
}

// The difference is Zydis's (version 4.0.0), by the manual.
static bool documented(const struct insn *insn, const ZydisDecodedInstruction *z, const ZydisDecodedOperand *operands) {
    const char *ours = insn->row->mnemonic;
    // SDM Vol. 2B, NOP: of the reserved no-operations only 0F 1F /0 has a described operand; none is accessed.
    if (strcmp(ours, "nop") == 0 && z->length == insn->length)
        return z->mnemonic == ZYDIS_MNEMONIC_NOP || z->mnemonic == ZYDIS_MNEMONIC_PREFETCH ||
               z->mnemonic == ZYDIS_MNEMONIC_PREFETCHW;
    // Without CET the same bytes are a NOP; we name them all the same.
    if (strncmp(ours, "endbr", 5) == 0) return z->mnemonic == ZYDIS_MNEMONIC_NOP;
    // SDM Vol. 2B, MOVSX/MOVSXD: "63 /r MOVSXD r16, r/m16".
    if (strcmp(ours, "movsxd") == 0 && insn->operand_size == 2) return operands[1].size == 32;
    // SDM Vol. 2B, MOVMSKPS: the destination is a 32-bit or 64-bit register, zero-extended: the same.
    if (strncmp(ours, "movmskp", 7) == 0) return insn->operand[0].class == REG_GPR;
    // Vol. 2A, FCOM: the comparison with ST(0); Zydis hides that operand.
    if (strncmp(ours, "fcom", 4) == 0 || strncmp(ours, "fucom", 5) == 0)
        return insn->operand_count == 0 || insn->operand[0].class == REG_X87;
    // Vol. 2A, CLFLUSH: "m8". Zydis gives the cache line.
    if (strncmp(ours, "cl", 2) == 0) return insn->operand[0].kind == OPERAND_MEM && insn->operand[0].size == 1;
    // SDM Vol. 2A, LSL: "LSL r64, r32/m16"; only the low 16 bits of the source are used.
    if (strcmp(ours, "lsl") == 0) return insn->operand[1].number == insn->modrm % 8 + (insn->rex & 1 ? 8 : 0);
    // SDM Vol. 2A, table 2-3, note 1: without a base, REX.B notwithstanding; Zydis gets it wrong with prefix 67.
    return insn->base == REG_NONE && insn->address_size == 4 && insn->modrm >> 6 == 0 && (insn->modrm & 7) == 4 &&
           insn->rex & 1;
}

struct verdict judge(const struct decoder *decoder, const ZydisDecoder zydis[3], enum code_size size,
                     const uint8_t bytes[15], struct insn *insn) {
    ZydisDecodedInstruction z;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    enum decode_error error = decode(decoder, size, bytes, 15, insn);
    bool other = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&zydis[size], bytes, 15, &z, operands));
    struct verdict v = {.mnemonic = ""};
    if (other)
        v.mnemonic = ZydisMnemonicGetString(z.mnemonic);
    else if (error == DECODE_OK)
        v.mnemonic = insn->row->mnemonic;
    if (error != DECODE_OK) {
        if (other && !unlisted(&z)) v.why = "we reject, Zydis accepts";
        return v;
    }
    if (!other) {
        v.why = "we accept, Zydis rejects";
        return v;
    }
    v.accepted = true;
    if (insn->length != z.length)
        v.why = "length";
    else if (!same_mnemonic(insn, v.mnemonic))
        v.why = "mnemonic";
    else
        v.why = compare_operands(insn, &z, operands);
    if (v.why && documented(insn, &z, operands)) v.why = NULL;
    return v;
}
