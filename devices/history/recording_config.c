// What a recorded machine is and begins with: each row is looked at as if somebody had made it up.
#include "devices/history/recording_config.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    TEXT_BYTES = MACHINE_DEVICE_TEXT,
    MOST_NUMBERS = 6,
    PHYSICAL_BITS_LEAST = 36,
    PHYSICAL_BITS_MOST = 48,
    RATE_MOST = 31
};

struct row {
    char key[RECORDING_NAME_BYTES], text[TEXT_BYTES];
    uint64_t number[MOST_NUMBERS];
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct recording_rows *rows, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (rows->error_size) vsnprintf(rows->error, rows->error_size, format, arguments);
    va_end(arguments);
    return false;
}

static bool take_machine(struct recording_rows *rows, const struct row *row) {
    struct machine_config *c = &rows->recording->config;
    const uint64_t *n = row->number;
    if (rows->machine || strcmp(row->text, "pc") != 0 || n[1] < 1 || n[1] > MACHINE_CPUS || n[2] > MACHINE_SERIAL_PORTS)
        return refuse(rows, "no machine that this vmxray can be");
    rows->machine = true;
    c->ram_bytes = n[0], c->cpus = (uint32_t)n[1], c->serial_ports = (uint32_t)n[2];
    c->rtc_epoch = n[3], c->seed = n[4], c->bios_tick = n[5];
    return true;
}

static bool take_model(struct recording_rows *rows, const struct row *row) {
    const uint64_t *n = row->number;
    strcpy(rows->model_name, "");
    if (strlen(row->text) < sizeof rows->model_name) strcpy(rows->model_name, row->text);
    if (n[0] < PHYSICAL_BITS_LEAST || n[0] > PHYSICAL_BITS_MOST || n[1] > UINT8_MAX || n[5] > RATE_MOST)
        return refuse(rows, "no processor that this vmxray can be");
    rows->model.physical_bits = (uint8_t)n[0], rows->model.feature_control = (uint8_t)n[1];
    rows->model.signature = (uint32_t)n[2], rows->model.tsc_hz = n[3], rows->model.crystal_hz = n[4];
    rows->model.preemption_timer_rate = (uint8_t)n[5];
    return true;
}

static bool take_feature(struct recording_rows *rows, const struct row *row) {
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++) {
        if (strcmp(feature_text((enum feature)f), row->text) != 0) continue;
        rows->model.features[f] = true;
        return true;
    }
    return refuse(rows, "the processor has %.60s, which this vmxray does not know", row->text);
}

static bool take_device(struct recording_rows *rows, const struct row *row) {
    char error[300];
    return machine_config_device(&rows->recording->config, row->text, error, sizeof error) ||
           refuse(rows, "device %.100s: %s", row->text, error);
}

static bool take_file(struct recording_rows *rows, const struct row *row) {
    struct recording *r = rows->recording;
    unsigned index = r->config.files;
    if (index == RECORDING_FILES || row->number[0] >= r->contents || strlen(row->text) >= RECORDING_NAME_BYTES ||
        r->content[row->number[0]].size > UINT32_MAX)
        return refuse(rows, "the file %.60s for firmware cannot be had", row->text);
    const struct recording_content *content = &r->content[row->number[0]];
    strcpy(r->file_name[index], row->text);
    r->file[index] = (struct machine_file){r->file_name[index], content->bytes, (uint32_t)content->size};
    r->config.file = r->file;
    r->config.files++;
    return true;
}

static bool take_piece(struct recording_rows *rows, const struct row *row) {
    struct recording *r = rows->recording;
    const uint64_t *n = row->number;
    if (r->boot.pieces == RECORDING_PIECES || n[2] >= r->contents || n[1] < r->content[n[2]].size)
        return refuse(rows, "a piece of memory that cannot be had");
    const struct recording_content *content = &r->content[n[2]];
    r->piece[r->boot.pieces++] = (struct boot_piece){n[0], n[1], content->size, content->bytes};
    return true;
}

static bool take_register(struct recording_rows *rows, const struct row *row) {
    struct recording *r = rows->recording;
    struct register_row known;
    for (unsigned i = 0; register_row(i, &known) && r->boot.registers < RECORDING_REGISTERS; i++) {
        if (strcmp(known.name, row->text) != 0) continue;
        r->reg[r->boot.registers++] = (struct boot_register){(enum register_number)i, row->number[0]};
        return true;
    }
    return refuse(rows, "a register %.60s that cannot be had", row->text);
}

static const struct {
    const char *key;
    unsigned numbers;
    bool (*take)(struct recording_rows *, const struct row *);
} kinds[] = {{"machine", 6, take_machine},  {"model", 6, take_model}, {"feature", 0, take_feature},
             {"device", 0, take_device},    {"file", 1, take_file},   {"piece", 3, take_piece},
             {"register", 1, take_register}};

bool recording_row(struct recording_rows *rows, struct code_in *in) {
    struct row row = {.key = ""};
    code_take_text(in, row.key, sizeof row.key);
    code_take_text(in, row.text, sizeof row.text);
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].key, row.key) != 0) continue;
        for (unsigned n = 0; n < kinds[i].numbers; n++) row.number[n] = code_take_number(in);
        if (in->failed || code_left(in)) return refuse(rows, "%s has not what belongs to it", row.key);
        return kinds[i].take(rows, &row);
    }
    return refuse(rows, "it says something about '%.60s', which this vmxray does not know", row.key);
}

// The model of that name, with the features that were listed and no others. Removals come first: what depends on a
// feature goes with it.
static bool find_model(struct recording_rows *rows, struct cpu_model *out) {
    char text[TEXT_BYTES * 16], error[200];
    const struct cpu_model *listed = &rows->model;
    if (!cpu_model_parse(rows->model_name, out, error, sizeof error)) return refuse(rows, "%s", error);
    size_t used = (size_t)snprintf(text, sizeof text, "%s", rows->model_name);
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT && used < sizeof text; f++)
            if (listed->features[f] != out->features[f] && listed->features[f] == (pass == 1))
                used += (size_t)snprintf(text + used, sizeof text - used, ",%c%s", pass ? '+' : '-',
                                         feature_text((enum feature)f));
    return cpu_model_parse(text, out, error, sizeof error) || refuse(rows, "%s", error);
}

bool recording_rows_end(struct recording_rows *rows) {
    struct recording *r = rows->recording;
    struct cpu_model model;
    char word[32];
    r->boot.piece = r->piece, r->boot.reg = r->reg;
    if (!rows->machine || !*rows->model_name) return refuse(rows, "it does not say what machine it was");
    if (!find_model(rows, &model)) return false;
    if (model.signature != rows->model.signature || model.tsc_hz != rows->model.tsc_hz ||
        model.crystal_hz != rows->model.crystal_hz)
        return refuse(rows, "the processor %s of this vmxray is another one", model.name);
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++)
        if (model.features[f] != rows->model.features[f])
            return refuse(rows, "the features of the processor do not go together");
    snprintf(word, sizeof word, "feature_control=%u", rows->model.feature_control);
    if (model.feature_control != rows->model.feature_control && !cpu_model_number(&model, word))
        return refuse(rows, "the processor has no %s", word);
    model.physical_bits = rows->model.physical_bits;
    model.preemption_timer_rate = rows->model.preemption_timer_rate;
    r->config.model = model;
    return true;
}
