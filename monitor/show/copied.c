// What an instruction copies, from its operands as Zydis has them; see copied.h.
#include "monitor/show/copied.h"
#include "cpu/processor/register.h"
#include "monitor/explain/fact.h"
#include "monitor/explain/walk.h"
#include "monitor/explain/msr_name.h"
#include <Zydis/Zydis.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { XMM_BYTES = 16 };

struct copying {
    const struct look *look;
    const struct view *view;
    ZydisDecodedInstruction i;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
};

// --- operands as places ---

static struct place register_place_at(const struct copying *c, size_t offset, unsigned bytes) {
    return (struct place){.space = PLACE_REGISTER,
                          .level = (uint8_t)c->view->level,
                          .processor = (uint8_t)c->view->cpu->id,
                          .bytes = (uint8_t)bytes,
                          .address = offset};
}

static int gpr_of(ZydisRegister r) {
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    return whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15 ? (int)(whole - ZYDIS_REGISTER_RAX) : -1;
}

static int xmm_of(ZydisRegister r) {
    return r >= ZYDIS_REGISTER_XMM0 && r <= ZYDIS_REGISTER_XMM15 ? (int)(r - ZYDIS_REGISTER_XMM0) : -1;
}

static bool register_operand(const struct copying *c, ZydisRegister r, unsigned bits, struct place *p) {
    int gpr = gpr_of(r), xmm = xmm_of(r);
    unsigned second = r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH;
    if (gpr >= 0)
        *p = register_place_at(c, offsetof(struct cpu, gpr) + (unsigned)gpr * sizeof(uint64_t) + second, bits / 8);
    else if (xmm >= 0)
        *p = register_place_at(c, offsetof(struct cpu, fpu.vector) + (unsigned)xmm * sizeof c->view->cpu->fpu.vector[0],
                               XMM_BYTES);
    else if (r == ZYDIS_REGISTER_CR0)
        *p = register_place_at(c, offsetof(struct cpu, control.cr0), 8);
    else if (r == ZYDIS_REGISTER_CR2)
        *p = register_place_at(c, offsetof(struct cpu, control.cr2), 8);
    else if (r == ZYDIS_REGISTER_CR3)
        *p = register_place_at(c, offsetof(struct cpu, control.cr3), 8);
    else if (r == ZYDIS_REGISTER_CR4)
        *p = register_place_at(c, offsetof(struct cpu, control.cr4), 8);
    else
        return false;
    return true;
}

static uint64_t gpr_value(const struct copying *c, ZydisRegister r) {
    int gpr = gpr_of(r);
    if (r == ZYDIS_REGISTER_NONE || gpr < 0) return 0;
    uint64_t value = c->view->gpr[gpr];
    return c->i.address_width == 64 ? value : c->i.address_width == 32 ? (uint32_t)value : (uint16_t)value;
}

static bool memory_at(const struct copying *c, uint64_t linear, unsigned bytes, struct place *p) {
    uint64_t physical;
    if (view_code_bits(c->view) != 64) linear = (uint32_t)linear;
    uint64_t room = PAGE_BYTES - linear % PAGE_BYTES;
    if (!bytes || bytes > XMM_BYTES || (bytes > 8 && bytes > room) || !walk_linear(c->view, linear, &physical))
        return false;
    *p = (struct place){.space = PLACE_PHYSICAL,
                        .level = (uint8_t)c->view->level,
                        .processor = (uint8_t)c->view->cpu->id,
                        .bytes = (uint8_t)bytes,
                        .address = physical};
    return true;
}

static uint64_t segment_base(const struct copying *c, ZydisRegister segment) {
    static const unsigned segments[] = {ES, CS, SS, DS, FS, GS};
    if (segment < ZYDIS_REGISTER_ES || segment > ZYDIS_REGISTER_GS) return 0;
    unsigned s = segments[segment - ZYDIS_REGISTER_ES];
    return view_code_bits(c->view) == 64 && s != FS && s != GS ? 0 : c->view->base[s];
}

static bool memory_operand(const struct copying *c, const ZydisDecodedOperand *o, struct place *p) {
    bool pushes = o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && gpr_of(o->mem.base) == RSP &&
                  o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    uint64_t at = o->mem.disp.has_displacement ? (uint64_t)o->mem.disp.value : 0;
    if (o->mem.base == ZYDIS_REGISTER_RIP)
        at += view_code_address(c->view) + c->i.length;
    else
        at += gpr_value(c, o->mem.base);
    at += gpr_value(c, o->mem.index) * o->mem.scale;
    if (pushes) at -= o->size / 8;
    if (c->i.address_width < 64) at &= BITS(c->i.address_width - 1u, 0);
    return memory_at(c, segment_base(c, o->mem.segment) + at, o->size / 8, p);
}

static bool operand_place(const struct copying *c, const ZydisDecodedOperand *o, struct place *p) {
    if (o->type == ZYDIS_OPERAND_TYPE_REGISTER) return register_operand(c, o->reg.value, o->size, p);
    return o->type == ZYDIS_OPERAND_TYPE_MEMORY && memory_operand(c, o, p);
}

// --- instructions that copy ---

static bool copies_operands(ZydisMnemonic m) {
    switch (m) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_POP:
    case ZYDIS_MNEMONIC_XCHG:
    case ZYDIS_MNEMONIC_MOVSB:
    case ZYDIS_MNEMONIC_MOVSW:
    case ZYDIS_MNEMONIC_MOVSD:
    case ZYDIS_MNEMONIC_MOVSQ:
    case ZYDIS_MNEMONIC_STOSB:
    case ZYDIS_MNEMONIC_STOSW:
    case ZYDIS_MNEMONIC_STOSD:
    case ZYDIS_MNEMONIC_STOSQ:
    case ZYDIS_MNEMONIC_LODSB:
    case ZYDIS_MNEMONIC_LODSW:
    case ZYDIS_MNEMONIC_LODSD:
    case ZYDIS_MNEMONIC_LODSQ:
    case ZYDIS_MNEMONIC_LEAVE:
    case ZYDIS_MNEMONIC_MOVAPS: // by XMM registers, as memcpy does
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVAPD:
    case ZYDIS_MNEMONIC_MOVUPD:
    case ZYDIS_MNEMONIC_MOVDQA:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_MOVD:
    case ZYDIS_MNEMONIC_MOVQ:
    case ZYDIS_MNEMONIC_MOVSS:
    case ZYDIS_MNEMONIC_MOVLPS:
    case ZYDIS_MNEMONIC_MOVLPD:
    case ZYDIS_MNEMONIC_MOVNTDQ:
    case ZYDIS_MNEMONIC_MOVNTDQA:
    case ZYDIS_MNEMONIC_MOVNTPS:
    case ZYDIS_MNEMONIC_MOVNTPD:
    case ZYDIS_MNEMONIC_MOVNTI: return true;
    default: return m >= ZYDIS_MNEMONIC_CMOVB && m <= ZYDIS_MNEMONIC_CMOVZ;
    }
}

static bool is_written(const ZydisDecodedOperand *o) { return o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE; }
static bool is_read(const ZydisDecodedOperand *o) { return o->actions & ZYDIS_OPERAND_ACTION_MASK_READ; }

static bool overlap(const struct place *a, const struct place *b) {
    return a->space == b->space && a->address < b->address + b->bytes && b->address < a->address + a->bytes;
}

// Registers that only say where: they do not hold what is copied.
static bool only_addresses(const ZydisDecodedOperand *o) {
    return o->type == ZYDIS_OPERAND_TYPE_REGISTER && o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && is_written(o);
}

// The operand that is copied into operand `to`.
static const ZydisDecodedOperand *copied_operand(const struct copying *c, unsigned to) {
    for (unsigned n = 0; n < c->i.operand_count; n++) {
        const ZydisDecodedOperand *o = &c->operand[n];
        bool counter = o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && is_written(o) && is_read(o);
        if (n == to || counter || only_addresses(o) || !is_read(o)) continue;
        if (o->type == ZYDIS_OPERAND_TYPE_REGISTER && o->reg.value == ZYDIS_REGISTER_RFLAGS) continue;
        if (o->type == ZYDIS_OPERAND_TYPE_REGISTER && gpr_of(o->reg.value) < 0 &&
            o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
            continue;
        return o;
    }
    return NULL;
}

// Of the place that the operand is written to, the part that was asked about; of a source of the same layout.
static void take_part(const struct place *written, const struct place *target, struct place source,
                      struct copied *out) {
    uint64_t from = written->address > target->address ? written->address : target->address;
    uint64_t to = written->address + written->bytes, end = target->address + target->bytes;
    if (end < to) to = end;
    uint64_t offset = from - target->address, bytes = to - from;
    if (offset >= source.bytes) return; // bits that the instruction cleared or extended
    if (offset + bytes > source.bytes) bytes = source.bytes - offset;
    source.address += source.space == PLACE_FIELD || source.space == PLACE_MSR ? 0 : offset;
    source.bytes = source.space == PLACE_FIELD || source.space == PLACE_MSR ? source.bytes : (uint8_t)bytes;
    out->kind = COPIED_FROM;
    out->source = source;
    out->offset = (unsigned)(from - written->address);
    place_name(&source, out->name, sizeof out->name);
}

// A write of 4 bytes of a general register clears the other 4.
static void widen(const ZydisDecodedOperand *o, struct place *target) {
    if (o->type == ZYDIS_OPERAND_TYPE_REGISTER && target->space == PLACE_REGISTER && target->bytes == 4)
        target->bytes = 8;
}

static bool written_operand(const struct copying *c, const struct place *written, unsigned *n, struct place *target) {
    for (*n = 0; *n < c->i.operand_count; ++*n) {
        const ZydisDecodedOperand *o = &c->operand[*n];
        if (!is_written(o) || !operand_place(c, o, target)) continue;
        widen(o, target);
        if (overlap(written, target)) return true;
    }
    return false;
}

// MOVS copied the bytes before and behind in the same way.
static void whole_string(const struct place *written, const struct place *target, const struct place *source,
                         struct copied *out) {
    struct place whole = *source;
    whole.address -= target->address - written->address;
    whole.bytes = written->bytes;
    if (whole.address >> 12 == source->address >> 12 && (whole.address + whole.bytes - 1) >> 12 == whole.address >> 12)
        out->whole = whole;
}

static void by_operands(const struct copying *c, const struct place *written, struct copied *out) {
    struct place target, source;
    unsigned n;
    if (!written_operand(c, written, &n, &target)) return;
    const ZydisDecodedOperand *o = copied_operand(c, n);
    if (!o) return;
    if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) out->kind = COPIED_IMMEDIATE;
    if (!operand_place(c, o, &source)) return;
    take_part(written, &target, source, out);
    bool string = o->type == ZYDIS_OPERAND_TYPE_MEMORY && c->operand[n].type == ZYDIS_OPERAND_TYPE_MEMORY;
    if (string && c->i.mnemonic != ZYDIS_MNEMONIC_PUSH && c->i.mnemonic != ZYDIS_MNEMONIC_POP &&
        target.bytes < written->bytes)
        whole_string(written, &target, &source, out);
}

// --- VMCS fields and MSRs ---

static struct place field_place(const struct copying *c, const ZydisDecodedOperand *o) {
    const uint64_t encoding = gpr_value(c, o->reg.value);
    struct place p = {.space = PLACE_FIELD,
                      .processor = (uint8_t)c->view->cpu->id,
                      .bytes = 8,
                      .vmcs = vmx_current_vmcs(c->view->cpu),
                      .address = encoding};
    uint64_t link;
    if (vmx_in_non_root(c->view->cpu) && // of the shadow VMCS
        vmx_vmcs_read(c->view->cpu, p.vmcs, FIELD_VMCS_LINK_POINTER, &link))
        p.vmcs = link;
    return p;
}

static void by_vmread(const struct copying *c, const struct place *written, struct copied *out) {
    struct place target;
    if (!operand_place(c, &c->operand[0], &target) || !overlap(written, &target)) return;
    take_part(written, &target, field_place(c, &c->operand[1]), out);
}

static void by_vmwrite(const struct copying *c, const struct place *written, struct copied *out) {
    struct place source, field = field_place(c, &c->operand[0]);
    if (written->space != PLACE_FIELD || written->vmcs != field.vmcs || !operand_place(c, &c->operand[1], &source))
        return;
    struct place whole = *written;
    whole.address = 0;
    if (source.bytes > written->bytes) source.bytes = written->bytes;
    take_part(&whole, &whole, source, out);
}

static struct place gpr_place(const struct copying *c, unsigned gpr, unsigned bytes) {
    return register_place_at(c, offsetof(struct cpu, gpr) + gpr * sizeof(uint64_t), bytes);
}

// WRMSR: EDX:EAX. The half that is not zero, else the lower one.
static void by_wrmsr(const struct copying *c, const struct place *written, struct copied *out) {
    bool high = (uint32_t)c->view->gpr[RDX] && !(uint32_t)c->view->gpr[RAX];
    if (written->space == PLACE_PHYSICAL) return;
    out->kind = COPIED_FROM;
    out->source = gpr_place(c, high ? RDX : RAX, 4);
    out->offset = high ? 4 : 0;
    snprintf(out->name, sizeof out->name, "%s (of EDX:EAX)", high ? "edx" : "eax");
}

static void by_rdmsr(const struct copying *c, const struct place *written, struct copied *out) {
    if (written->space != PLACE_REGISTER) return;
    bool high = written->address == offsetof(struct cpu, gpr[RDX]);
    if (high) return; // the upper half of a place cannot be asked about
    out->kind = COPIED_FROM;
    out->source = (struct place){
        .space = PLACE_MSR, .processor = (uint8_t)c->view->cpu->id, .bytes = 8, .address = (uint32_t)c->view->gpr[RCX]};
    place_name(&out->source, out->name, sizeof out->name);
}

void copied_by(const struct look *look, const struct view *view, const struct place *written, struct copied *out) {
    struct copying c = {.look = look, .view = view};
    ZydisDecoder decoder;
    uint8_t bytes[15];
    unsigned bits = view_code_bits(view);
    *out = (struct copied){.kind = COPIED_NOT};
    size_t readable = view_read(view, SPACE_LINEAR, view_code_address(view), bytes, sizeof bytes);
    ZydisDecoderInit(&decoder,
                     bits == 64   ? ZYDIS_MACHINE_MODE_LONG_64
                     : bits == 32 ? ZYDIS_MACHINE_MODE_LEGACY_32
                                  : ZYDIS_MACHINE_MODE_LEGACY_16,
                     bits == 64   ? ZYDIS_STACK_WIDTH_64
                     : bits == 32 ? ZYDIS_STACK_WIDTH_32
                                  : ZYDIS_STACK_WIDTH_16);
    if (!readable || !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, readable, &c.i, c.operand))) return;
    switch (c.i.mnemonic) {
    case ZYDIS_MNEMONIC_VMREAD: by_vmread(&c, written, out); break;
    case ZYDIS_MNEMONIC_VMWRITE: by_vmwrite(&c, written, out); break;
    case ZYDIS_MNEMONIC_WRMSR: by_wrmsr(&c, written, out); break;
    case ZYDIS_MNEMONIC_RDMSR: by_rdmsr(&c, written, out); break;
    default:
        if (copies_operands(c.i.mnemonic)) by_operands(&c, written, out);
    }
}
