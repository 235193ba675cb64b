// Where a value lives, in the machine and in what a checkpoint has of it; see place.h and kept_place.h.
#include "devices/asking/kept_place.h"
#include "cpu/system/msr.h"
#include "devices/machine/machine_private.h"
#include "vmx/level/view.h"
#include "devices/snapshot/machine_image.h"
#include "vmx/vmcs/vmx.h"
#include <string.h>

static uint64_t bytes_at(const void *from, unsigned bytes) {
    uint64_t value = 0;
    memcpy(&value, from, bytes);
    return value;
}

static bool sized(const struct place *p) { return p->bytes && p->bytes <= sizeof(uint64_t); }

static bool device_part(struct machine *m, const struct place *p, struct machine_part *part) {
    return machine_part(m, (unsigned)(p->address >> 32), part) && part->object;
}

static bool device_read(struct machine *m, const struct place *p, uint64_t *value) {
    struct machine_part part;
    if (!device_part(m, p, &part)) return false;
    *value = bytes_at((const uint8_t *)part.object + (uint32_t)p->address, p->bytes);
    return true;
}

static bool memory_read(const struct machine *m, const struct place *p, uint64_t *value) {
    const uint8_t *from = pages_read(&m->memory.pages, p->address, p->bytes);
    if (from) *value = bytes_at(from, p->bytes);
    return from;
}

static bool field_read(const struct cpu *cpu, const struct place *p, uint64_t *value) {
    int field = vmx_field_encoded(cpu, p->address);
    return field >= 0 && vmx_vmcs_read(cpu, p->vmcs, (unsigned)field, value);
}

// Some of RFLAGS is worked out when it is asked for.
static bool is_rflags(const struct place *p) { return p->address - offsetof(struct cpu, rflags) < sizeof(uint64_t); }

static bool register_read(const struct cpu *cpu, const struct place *p, uint64_t *value) {
    if (p->address > sizeof *cpu - p->bytes) return false;
    *value = bytes_at((const uint8_t *)cpu + p->address, p->bytes);
    if (is_rflags(p)) *value = cpu_rflags(cpu) & (~0ull >> (64 - 8 * p->bytes));
    return true;
}

bool place_read(const struct machine *m, const struct place *p, uint64_t *value) {
    const struct cpu *cpu = machine_cpu(m, p->processor);
    struct machine *mutable = (struct machine *)(uintptr_t)m; // machine_part gives pointers to look at
    if (!cpu || !sized(p)) return false;
    switch (p->space) {
    case PLACE_REGISTER: return register_read(cpu, p, value);
    case PLACE_MSR: return machine_msr(m, p->processor, (uint32_t)p->address, value);
    case PLACE_FIELD: return field_read(cpu, p, value);
    case PLACE_PHYSICAL: return memory_read(m, p, value);
    case PLACE_DEVICE: return device_read(mutable, p, value);
    default: return false;
    }
}

// --- among the saved bytes ---

// Of a member of a part, by its offset in the object.
static bool saved_member(const struct state_table *table, uint64_t offset, unsigned bytes, size_t *at) {
    for (uint32_t i = 0; i < table->count; i++) {
        const struct state_field *f = &table->fields[i];
        uint64_t from = offset - f->offset, stride = f->count > 1 ? f->stride : f->width;
        uint64_t index = from / stride, within = from % stride;
        if (offset >= f->offset && index < f->count && within + bytes <= f->width) {
            *at += index * f->width + within;
            return true;
        }
        *at += (size_t)f->width * f->count;
    }
    return false;
}

// Where a part begins among the bytes of an image. False: there is no such part, or nothing in it; or it is a timing
// model's, which not every image has.
static bool part_begins(struct machine *m, unsigned index, struct machine_part *part, size_t *at) {
    struct machine_walk walk = {0};
    struct machine_piece piece;
    *at = MACHINE_IMAGE_HEAD;
    if (!machine_part(m, index, part) || !part->object) return false;
    for (; machine_piece(m, &walk, &piece) && piece.kind == PIECE_PART; *at += state_size(piece.part.table))
        if (piece.part.table == part->table && piece.part.object == part->object) return true;
    return false;
}

// A processor's part by its name.
static bool part_of_cpu(struct machine *m, unsigned processor, const char *name, unsigned *index) {
    struct machine_part part;
    for (*index = 0; machine_part(m, *index, &part); ++*index)
        if (!strcmp(part.name, name) && !processor--) return true;
    return false;
}

static bool in_part(struct machine *m, unsigned index, uint64_t offset, struct kept_place *k) {
    struct machine_part part;
    if (!part_begins(m, index, &part, &k->image) || !saved_member(part.table, offset, k->bytes, &k->image))
        return false;
    k->kind = KEPT_IN_IMAGE;
    return true;
}

static bool in_cpu(struct machine *m, const struct place *p, uint64_t offset, struct kept_place *k) {
    unsigned index;
    return part_of_cpu(m, p->processor, "cpu", &index) && in_part(m, index, offset, k);
}

static bool in_memory(struct machine *m, uint64_t address, struct kept_place *k) {
    struct page_frame f = pages_frame(&m->memory.pages, address);
    k->offset = (unsigned)(address & (PAGE_BYTES - 1));
    if (!frame_exists(f) || k->offset + k->bytes > PAGE_BYTES) return false;
    k->kind = KEPT_IN_MEMORY;
    k->area = (uint32_t)(f.area - m->memory.pages.area);
    k->page = f.page;
    k->has_page = true;
    return true;
}

static bool in_vmcs(struct machine *m, const struct place *p, struct kept_place *k) {
    struct machine_part part;
    unsigned index;
    int field = vmx_field_encoded(m->cpu[p->processor], p->address);
    if (field < 0 || !part_of_cpu(m, p->processor, "vmx", &index) || !part_begins(m, index, &part, &k->image))
        return false;
    k->bytes = sizeof(uint64_t);
    (void)in_memory(m, vmx_vmcs_field_address(p->vmcs, (unsigned)field), k);
    k->kind = KEPT_IN_VMCS;
    k->vmcs = p->vmcs;
    k->field = (unsigned)field;
    return true;
}

bool kept_place(struct machine *m, const struct place *p, struct kept_place *k) {
    *k = (struct kept_place){.bytes = p->bytes};
    if (!sized(p) || p->processor >= m->config.cpus) return false;
    int member = p->space == PLACE_MSR ? msr_member(m->cpu[p->processor], (uint32_t)p->address) : -1;
    switch (p->space) {
    case PLACE_REGISTER: return !is_rflags(p) && in_cpu(m, p, p->address, k);
    case PLACE_MSR: return member >= 0 && in_cpu(m, p, (uint64_t)member, k);
    case PLACE_FIELD: return in_vmcs(m, p, k);
    case PLACE_PHYSICAL: return in_memory(m, p->address, k);
    case PLACE_DEVICE: return in_part(m, (unsigned)(p->address >> 32), (uint32_t)p->address, k);
    default: return false;
    }
}

uint64_t kept_value(const struct kept_place *k, const uint8_t *image, const uint8_t *page) {
    uint64_t value = 0;
    if (k->kind == KEPT_IN_VMCS && vmx_vmcs_saved(image + k->image, k->vmcs, k->field, &value)) return value;
    if (k->kind == KEPT_IN_IMAGE) return bytes_at(image + k->image, k->bytes);
    value = page && k->has_page ? bytes_at(page + k->offset, k->bytes) : 0;
    return k->kind == KEPT_IN_VMCS ? vmx_field_bits(k->field, value) : value;
}
