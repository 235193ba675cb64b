// What a machine is made of, as frames; see setup.h.
//
// FORM   the model's name, vendor and brand; the numbers of the configuration by name (named.h); 4 bytes: how many
//        features of the processor, their names; 4 bytes: how many devices, as -device has them; 4 bytes: how many
//        drives, and of each what setup.c puts of it; 4 bytes: how many files; 1 byte: whether there is a boot image
// FILE   its name, 4 bytes: its length; DATA until it is complete
// BOOT   4 bytes: how many pieces; each 8 bytes: physical address, 8: length, 8: how much of it is given; 4 bytes: how
//        many registers; each: its name, 8 bytes: its value; then DATA for each piece
#include "devices/snapshot/setup.h"
#include "devices/machine/machine_private.h"
#include "devices/snapshot/named.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_BYTES = 1 << 20, MOST_FILES = 4096, LEAST_BITS = 36, MOST_BITS = 48, CONTROL_BITS = 5, MOST_RATE = 31 };

#define NUMBER(member) STATE_ONE(struct machine_config, member)
static const struct state_field numbers[] = {
    NUMBER(ram_bytes),
    NUMBER(cpus),
    NUMBER(serial_ports),
    NUMBER(rtc_epoch),
    NUMBER(seed),
    STATE_ONE_TO(struct machine_config, machine, MACHINE_KINDS - 1),
    NUMBER(bios_tick),
    NUMBER(boot_order),
    NUMBER(boot_once),
    NUMBER(boot_menu),
    NUMBER(timing),
    NUMBER(model.tsc_hz),
    NUMBER(model.crystal_hz),
    NUMBER(model.signature),
    NUMBER(model.microcode),
    STATE_ONE_TO(struct machine_config, model.physical_bits, MOST_BITS),
    STATE_ONE_TO(struct machine_config, model.linear_bits, 57),
    STATE_ONE_TO(struct machine_config, model.feature_control, CONTROL_BITS),
    STATE_ONE_TO(struct machine_config, model.preemption_timer_rate, MOST_RATE),
};
static const struct state_table form = STATE_COUNTS("configuration", numbers);
// What they are called where two of them are compared.
static const char *const titles[] = {"bytes of RAM",
                                     "processors",
                                     "serial ports",
                                     "seconds since 1970 at the start",
                                     "seed",
                                     "machine (0 plain, 1 pc, 2 q35)",
                                     "bios-tick",
                                     "-boot order",
                                     "-boot once",
                                     "-boot menu",
                                     "timing model",
                                     "cycles a second",
                                     "crystal's Hertz",
                                     "processor's signature",
                                     "processor's microcode",
                                     "physical-address bits",
                                     "linear-address bits",
                                     "feature_control",
                                     "rate of the VMX-preemption timer"};
_Static_assert(sizeof titles / sizeof *titles == sizeof numbers / sizeof *numbers, "a title for each number");

// --- writing ---

static void put_data(struct frame_writer *w, const uint8_t *bytes, uint64_t count) {
    while (count && !w->wrong) {
        size_t piece = count < DATA_BYTES ? (size_t)count : DATA_BYTES;
        frame_begin(w, FRAME_DATA);
        frame_put(w, bytes, piece);
        frame_end(w);
        bytes += piece, count -= piece;
    }
}

static void put_features(struct frame_writer *w, const struct cpu_model *model) {
    unsigned count = 0;
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++) count += model->features[f];
    frame_put_number(w, count, 4);
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++)
        if (model->features[f]) frame_put_text(w, feature_text((enum feature)f));
}

static void put_drives(struct frame_writer *w, const struct machine_config *c) {
    frame_put_number(w, c->drives, 4);
    for (unsigned i = 0; i < c->drives; i++) {
        const struct drive_config *d = &c->drive[i];
        frame_put_text(w, d->id);
        frame_put_text(w, d->serial);
        frame_put_text(w, d->image);
        frame_put_number(w, d->interface, 1);
        frame_put_number(w, d->index, 1);
        frame_put_number(w, d->cdrom, 1);
        frame_put_number(w, d->read_only, 1);
        frame_put_number(w, d->bytes, 8);
        frame_put_number(w, d->identity, 8);
    }
}

static void put_form(struct frame_writer *w, const struct machine *m) {
    const struct machine_config *c = &m->config;
    frame_begin(w, FRAME_FORM);
    frame_put_text(w, c->model.name);
    frame_put_text(w, c->model.vendor);
    frame_put_text(w, c->model.brand);
    named_put(w, &form, c);
    put_features(w, &c->model);
    frame_put_number(w, c->devices, 4);
    for (unsigned i = 0; i < c->devices; i++) frame_put_text(w, c->device[i]);
    put_drives(w, c);
    frame_put_number(w, c->files, 4);
    frame_put_number(w, m->boot != NULL, 1);
    frame_end(w);
}

static void put_file(struct frame_writer *w, const struct machine_file *f) {
    frame_begin(w, FRAME_FILE);
    frame_put_text(w, f->name);
    frame_put_number(w, f->bytes, 4);
    frame_end(w);
    put_data(w, f->data, f->bytes);
}

static void put_boot(struct frame_writer *w, const struct boot_image *boot) {
    struct register_row row;
    frame_begin(w, FRAME_BOOT);
    frame_put_number(w, boot->pieces, 4);
    for (unsigned i = 0; i < boot->pieces; i++) {
        frame_put_number(w, boot->piece[i].physical, 8);
        frame_put_number(w, boot->piece[i].bytes, 8);
        frame_put_number(w, boot->piece[i].present, 8);
    }
    frame_put_number(w, boot->registers, 4);
    for (unsigned i = 0; i < boot->registers; i++) {
        frame_put_text(w, register_row(boot->reg[i].number, &row) ? row.name : "");
        frame_put_number(w, boot->reg[i].value, 8);
    }
    if (boot->file) frame_put_number(w, boot->file_bytes, 8);
    frame_end(w);
    for (unsigned i = 0; i < boot->pieces; i++) put_data(w, boot->piece[i].data, boot->piece[i].present);
    if (boot->file) put_data(w, boot->file, boot->file_bytes);
}

bool setup_put(struct frame_writer *w, const struct machine *m) {
    put_form(w, m);
    for (unsigned i = 0; i < m->config.files; i++) put_file(w, &m->config.file[i]);
    if (m->boot) put_boot(w, m->boot);
    return !w->wrong;
}

// --- reading ---

// So many bytes out of the frames that follow; memory is taken as they come. NULL: they are not there.
static void *take_data(struct frame_reader *r, uint64_t bytes) {
    uint8_t *data = malloc(1);
    uint64_t have = 0;
    if (!data) frame_fail(r, "memory is short");
    while (data && have < bytes && frame_expect(r, FRAME_DATA)) {
        if (!r->size || r->size > bytes - have) {
            frame_fail(r, "there are more bytes than were announced");
            break;
        }
        uint8_t *more = realloc(data, have + r->size);
        if (!more) frame_fail(r, "memory is short");
        if (!more) break;
        data = more;
        memcpy(data + have, frame_take(r, r->size), r->size);
        have += r->size;
    }
    if (data && have == bytes) return data;
    free(data);
    return NULL;
}

static int feature_named(const char *name) {
    for (int f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++)
        if (!strcmp(feature_text((enum feature)f), name)) return f;
    return -1;
}

// The features make a model that can be had: as -cpu NAME,+feature,... would ask for it.
static bool model_is_possible(struct frame_reader *r, const struct cpu_model *model) {
    char text[4096], error[200];
    struct cpu_model same;
    int used = snprintf(text, sizeof text, "%s", cpu_model_at(0)->name);
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++)
        if (!model->features[f])
            used += snprintf(text + used, sizeof text - (size_t)used, ",-%s", feature_text((enum feature)f));
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++)
        if (model->features[f])
            used += snprintf(text + used, sizeof text - (size_t)used, ",+%s", feature_text((enum feature)f));
    if (!cpu_model_parse(text, &same, error, sizeof error)) return frame_fail(r, "%s", error);
    if (memcmp(same.features + 1, model->features + 1, sizeof same.features - sizeof same.features[0]) != 0)
        return frame_fail(r, "the features of the processor do not go together");
    if (model->physical_bits < LEAST_BITS) return frame_fail(r, "the processor has too few physical-address bits");
    return model->feature_control & ~CONTROL_BITS ? frame_fail(r, "feature_control cannot be so") : true;
}

static bool take_features(struct frame_reader *r, struct cpu_model *model) {
    char name[FRAME_TEXT];
    for (uint64_t count = frame_take_number(r, 4); count; count--) {
        if (!frame_take_text(r, name)) return false;
        int feature = feature_named(name);
        if (feature < 0) return frame_fail(r, "there is no feature %.60s of processors in this version", name);
        if (model->features[feature]) return frame_fail(r, "the processor's feature %s is there twice", name);
        model->features[feature] = true;
    }
    return model_is_possible(r, model);
}

static bool take_short_text(struct frame_reader *r, char *to, size_t room) {
    char text[FRAME_TEXT];
    if (!frame_take_text(r, text)) return false;
    if (strlen(text) >= room) return frame_fail(r, "%.60s is too long", text);
    strcpy(to, text);
    return true;
}

static bool take_devices(struct frame_reader *r, struct machine_config *c) {
    char text[FRAME_TEXT], error[200];
    for (uint64_t count = frame_take_number(r, 4); count; count--) {
        if (!frame_take_text(r, text)) return false;
        if (!machine_config_device(c, text, error, sizeof error))
            return frame_fail(r, "-device %.60s: %s", text, error);
    }
    return true;
}

static bool take_drive(struct frame_reader *r, struct machine_config *c) {
    struct drive_config d = {0};
    char error[200];
    if (!take_short_text(r, d.id, sizeof d.id) || !take_short_text(r, d.serial, sizeof d.serial) ||
        !take_short_text(r, d.image, sizeof d.image))
        return false;
    d.interface = (uint8_t)frame_take_number(r, 1);
    d.index = (uint8_t)frame_take_number(r, 1);
    d.cdrom = frame_take_number(r, 1);
    d.read_only = frame_take_number(r, 1);
    d.bytes = frame_take_number(r, 8);
    d.identity = frame_take_number(r, 8);
    if (*r->wrong) return false;
    if (d.interface >= DRIVE_INTERFACES) return frame_fail(r, "drive %s is of no interface that there is", d.id);
    return machine_config_drive(c, &d, error, sizeof error) || frame_fail(r, "drive %.31s: %s", d.id, error);
}

static bool take_drives(struct frame_reader *r, struct machine_config *c) {
    for (uint64_t count = frame_take_number(r, 4); count; count--)
        if (!take_drive(r, c)) return false;
    return true;
}

static bool take_form(struct frame_reader *r, struct setup *s) {
    struct machine_config *c = &s->config;
    struct cpu_model *model = &c->model;
    if (!frame_expect(r, FRAME_FORM) || !take_short_text(r, s->name, sizeof s->name) ||
        !take_short_text(r, model->vendor, sizeof model->vendor) || !take_short_text(r, s->brand, sizeof s->brand) ||
        !named_take(r, "the configuration", &form, c) || !take_features(r, model) || !take_devices(r, c) ||
        !take_drives(r, c))
        return false;
    model->name = s->name;
    model->brand = s->brand;
    uint64_t files = frame_take_number(r, 4), has_boot = frame_take_number(r, 1);
    if (!frame_done(r)) return false;
    if (files > MOST_FILES || has_boot > 1) return frame_fail(r, "it has %u files", (unsigned)files);
    s->has_boot = has_boot;
    c->file = s->file = calloc(files + 1, sizeof *s->file);
    c->files = s->file ? (uint32_t)files : 0;
    return s->file || frame_fail(r, "memory is short");
}

static bool take_file(struct frame_reader *r, struct machine_file *f) {
    char name[FRAME_TEXT];
    if (!frame_expect(r, FRAME_FILE) || !frame_take_text(r, name)) return false;
    f->bytes = (uint32_t)frame_take_number(r, 4);
    if (!frame_done(r)) return false;
    char *copy = malloc(strlen(name) + 1);
    f->name = copy ? strcpy(copy, name) : NULL;
    f->data = take_data(r, f->bytes);
    return (f->name && f->data) || frame_fail(r, "memory is short");
}

static bool take_pieces(struct frame_reader *r, struct setup *s) {
    enum { PIECE_BYTES = 24 };
    uint64_t count = frame_take_number(r, 4);
    const uint8_t *from = frame_take(r, count * PIECE_BYTES);
    if (!from) return false;
    s->boot.piece = s->piece = calloc(count + 1, sizeof *s->piece);
    if (!s->piece) return frame_fail(r, "memory is short");
    s->boot.pieces = (unsigned)count;
    for (unsigned i = 0; i < count; i++, from += PIECE_BYTES) {
        uint64_t words[3];
        memcpy(words, from, sizeof words);
        s->piece[i] = (struct boot_piece){.physical = words[0], .bytes = words[1], .present = words[2]};
    }
    return true;
}

static int register_named(const char *name) {
    struct register_row row;
    for (unsigned i = 0; register_row(i, &row); i++)
        if (!strcmp(row.name, name)) return (int)i;
    return -1;
}

static bool take_registers(struct frame_reader *r, struct setup *s) {
    char name[FRAME_TEXT];
    uint64_t count = frame_take_number(r, 4);
    if (*r->wrong || count > REGISTER_COUNT) return frame_fail(r, "it names %u registers", (unsigned)count);
    s->boot.reg = s->reg = calloc(count + 1, sizeof *s->reg);
    if (!s->reg) return frame_fail(r, "memory is short");
    for (unsigned i = 0; i < count; i++) {
        if (!frame_take_text(r, name)) return false;
        int number = register_named(name);
        if (number < 0) return frame_fail(r, "there is no register %.60s in this version", name);
        s->reg[i] = (struct boot_register){(enum register_number)number, frame_take_number(r, 8)};
        s->boot.registers = i + 1;
    }
    if (r->at < r->size) s->boot.file_bytes = frame_take_number(r, 8); // of those who kept the file
    return frame_done(r);
}

static bool take_boot(struct frame_reader *r, struct setup *s) {
    if (!frame_expect(r, FRAME_BOOT) || !take_pieces(r, s) || !take_registers(r, s)) return false;
    for (unsigned i = 0; i < s->boot.pieces; i++)
        if (!(s->piece[i].data = take_data(r, s->piece[i].present))) return frame_fail(r, "memory is short");
    if (s->boot.file_bytes && !(s->boot.file = take_data(r, s->boot.file_bytes)))
        return frame_fail(r, "memory is short");
    return true;
}

bool setup_take(struct frame_reader *r, struct setup *s) {
    *s = (struct setup){0};
    if (!take_form(r, s)) return false;
    for (unsigned i = 0; i < s->config.files; i++)
        if (!take_file(r, &s->file[i])) return false;
    return !s->has_boot || take_boot(r, s);
}

void setup_free(struct setup *s) {
    for (unsigned i = 0; s->file && i < s->config.files; i++) {
        free((void *)(uintptr_t)s->file[i].name);
        free((void *)(uintptr_t)s->file[i].data);
    }
    for (unsigned i = 0; s->piece && i < s->boot.pieces; i++) free((void *)(uintptr_t)s->piece[i].data);
    free((void *)(uintptr_t)s->boot.file);
    free(s->file);
    free(s->piece);
    free(s->reg);
    *s = (struct setup){0};
}

// --- comparing ---

static uint64_t number_of(const struct machine_config *c, const struct state_field *f) {
    uint64_t value = 0;
    memcpy(&value, (const char *)c + f->offset, f->width);
    return value;
}

static const char *feature_differs(const struct cpu_model *here, const struct cpu_model *there, char *text,
                                   size_t size) {
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++) {
        if (here->features[f] == there->features[f]) continue;
        snprintf(text, size, "the processor's feature %s: %s here, %s there", feature_text((enum feature)f),
                 here->features[f] ? "on" : "off", there->features[f] ? "on" : "off");
        return text;
    }
    return NULL;
}

static bool same_drive(const struct drive_config *a, const struct drive_config *b) {
    return !strcmp(a->id, b->id) && !strcmp(a->serial, b->serial) && a->interface == b->interface &&
           a->index == b->index && a->cdrom == b->cdrom && a->read_only == b->read_only && a->bytes == b->bytes;
}

// Where an image lies is no difference.
static const char *drive_differs(const struct machine_config *here, const struct machine_config *there, char *text,
                                 size_t size) {
    for (unsigned i = 0; i < here->drives || i < there->drives; i++) {
        const struct drive_config *a = i < here->drives ? &here->drive[i] : NULL,
                                  *b = i < there->drives ? &there->drive[i] : NULL;
        bool same = a && b && same_drive(a, b);
        if (same && a->identity == b->identity) continue;
        snprintf(text, size, "drive %u: %s here, %s there%s", i + 1, a ? a->id : "none", b ? b->id : "none",
                 same                             ? ", with other contents"
                 : a && b && a->bytes != b->bytes ? ", of another size"
                 : a && b                         ? ", in another way"
                                                  : "");
        return text;
    }
    return NULL;
}

static const char *list_differs(const struct machine_config *here, const struct machine_config *there, char *text,
                                size_t size) {
    for (unsigned i = 0; i < here->devices || i < there->devices; i++) {
        const char *a = i < here->devices ? here->device[i] : "none",
                   *b = i < there->devices ? there->device[i] : "none";
        if (strcmp(a, b) == 0) continue;
        snprintf(text, size, "device %u: %.60s here, %.60s there", i + 1, a, b);
        return text;
    }
    for (unsigned i = 0; i < here->files || i < there->files; i++) {
        const struct machine_file *a = i < here->files ? &here->file[i] : NULL,
                                  *b = i < there->files ? &there->file[i] : NULL;
        if (a && b && !strcmp(a->name, b->name) && a->bytes == b->bytes && !memcmp(a->data, b->data, a->bytes))
            continue;
        snprintf(text, size, "firmware's file %u: %.60s here, %.60s there%s", i + 1, a ? a->name : "none",
                 b ? b->name : "none", a && b && !strcmp(a->name, b->name) ? ", with other contents" : "");
        return text;
    }
    return NULL;
}

const char *setup_differs(const struct machine_config *here, const struct machine_config *there, char *text,
                          size_t size) {
    for (unsigned i = 0; i < form.count; i++) {
        uint64_t a = number_of(here, &numbers[i]), b = number_of(there, &numbers[i]);
        if (a == b) continue;
        snprintf(text, size, "%s: %llu here, %llu there", titles[i], (unsigned long long)a, (unsigned long long)b);
        return text;
    }
    const struct cpu_model *a = &here->model, *b = &there->model;
    if (strcmp(a->vendor, b->vendor) || strcmp(a->brand, b->brand) || strcmp(a->name, b->name)) {
        snprintf(text, size, "the processor: %s here, %s there", a->name, b->name);
        return text;
    }
    const char *feature = feature_differs(a, b, text, size);
    if (feature) return feature;
    const char *drive = drive_differs(here, there, text, size);
    return drive ? drive : list_differs(here, there, text, size);
}
