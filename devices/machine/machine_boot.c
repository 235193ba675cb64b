// What a machine begins with, applied: see machine_boot.h.
#include "devices/machine/machine_boot.h"
#include "cpu/memory/mode.h"
#include "devices/machine/machine_private.h"

static bool piece_fits(const struct machine *m, const struct boot_piece *piece) {
    return piece->present <= piece->bytes && (piece->data || !piece->present) &&
           memory_look(&m->memory, piece->physical, piece->bytes);
}

static bool image_fits(const struct machine *m, const struct boot_image *image) {
    struct register_row row;
    for (unsigned i = 0; i < image->pieces; i++)
        if (!piece_fits(m, &image->piece[i])) return false;
    for (unsigned i = 0; i < image->registers; i++) {
        const struct boot_register *r = &image->reg[i];
        if (!register_row(r->number, &row) || row.bytes > sizeof r->value || r->value & ~row.bits) return false;
    }
    return true;
}

void machine_apply_boot(struct machine *m) {
    const struct boot_image *image = m->boot;
    struct register_row row;
    for (unsigned i = 0; image && i < image->pieces; i++) {
        const struct boot_piece *p = &image->piece[i];
        machine_store(m, p->physical, p->data, p->present);
        machine_store(m, p->physical + p->present, NULL, p->bytes - p->present);
    }
    for (unsigned i = 0; image && i < image->registers; i++) {
        const struct boot_register *r = &image->reg[i];
        if (register_row(r->number, &row)) (void)register_store(m->cpu[0], r->number, &r->value, row.bytes);
    }
    cpu_update_space(m->cpu[0]);
    machine_drop_derived(m);
}

const struct boot_image *machine_boot_image(const struct machine *m) { return m->boot; }

bool machine_set_boot(struct machine *m, const struct boot_image *image) {
    if (image && !image_fits(m, image)) return false;
    m->boot = image;
    return true;
}

bool machine_boot(struct machine *m, const struct boot_image *image) {
    if (!machine_set_boot(m, image)) return false;
    machine_apply_boot(m);
    return true;
}
