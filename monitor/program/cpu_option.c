// -cpu MODEL[,+feature,-feature]. One of our models is taken exactly as written. A name of QEMU's stands for the
// default model, with a warning; of what is added to it, what can be had is had, and the rest is left out with a
// warning.
#include "monitor/program/cpu_option.h"
#include "monitor/host/parse.h"
#include "monitor/host/status.h"
#include <stdio.h>
#include <string.h>

enum { WORD = 64, TEXT = 1024, PHYSICAL_BITS_LEAST = 36, PHYSICAL_BITS_MOST = 48 };

static bool is_ours(const char *name) {
    const struct cpu_model *model;
    for (unsigned i = 0; (model = cpu_model_at(i)); i++)
        if (strcmp(model->name, name) == 0) return true;
    return false;
}

// Beginnings of the names of QEMU's models of Intel processors; -v2, -noTSX and the like may follow.
static bool is_qemus(const char *name) {
    static const char *const names[] = {"max",        "host",    "base",      "qemu64",        "kvm64",
                                        "Conroe",     "Penryn",  "Nehalem",   "Westmere",      "SandyBridge",
                                        "IvyBridge",  "Haswell", "Broadwell", "Skylake",       "Cascadelake",
                                        "Cooperlake", "Icelake", "Snowridge", "SapphireRapids"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0) return true;
    return false;
}

// QEMU spells features with '-', '_' or '.', we as Linux does in /proc/cpuinfo.
static void respell(char *feature) {
    for (char *p = feature; *p; p++)
        if (*p == '-' || *p == '.') *p = '_';
    if (strcmp(feature, "tsc_deadline") == 0) strcpy(feature, "tsc_deadline_timer");
}

// KEY=VALUE that means something here, or that means nothing to anybody who runs without KVM.
static bool take_property(const char *item, struct cpu_model *model) {
    static const char *const ignored[] = {"host-phys-bits", "migratable", "kvm", "l3-cache", "check", "enforce"};
    uint64_t bits;
    if (strcmp(item, "vendor=GenuineIntel") == 0) return true;
    if (strncmp(item, "phys-bits=", 10) == 0 && parse_number(item + 10, &bits) && bits >= PHYSICAL_BITS_LEAST &&
        bits <= PHYSICAL_BITS_MOST) {
        model->physical_bits = (uint8_t)bits;
        return true;
    }
    if (cpu_model_number(model, item)) return true;
    for (unsigned i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        size_t length = strlen(ignored[i]);
        if (strncmp(item, ignored[i], length) == 0 && (!item[length] || item[length] == '=')) return true;
    }
    return false;
}

// Adds ",+feature" or ",-feature" to the text if that gives a model.
static bool try_feature(char *text, const char *item, struct cpu_model *model) {
    char feature[WORD + 32], longer[TEXT], error[200];
    struct cpu_model candidate;
    snprintf(feature, sizeof feature, "%s", item + 1);
    respell(feature);
    if ((size_t)snprintf(longer, sizeof longer, "%s,%c%s", text, *item, feature) >= sizeof longer) return false;
    if (!cpu_model_parse(longer, &candidate, error, sizeof error)) return false;
    candidate.physical_bits = model->physical_bits;
    *model = candidate;
    strcpy(text, longer);
    return true;
}

static void warn_left_out(const char *item) { complain("warning: -cpu: '%s' cannot be had and is left out", item); }

static bool take_qemus(const char *name, const char *list, struct cpu_model *model) {
    char text[TEXT], item[WORD];
    *model = *cpu_model_at(0);
    snprintf(text, sizeof text, "%s", model->name);
    complain("warning: -cpu %s: taken for %s; -cpu help lists the models", name, model->name);
    while (parse_item(&list, item, sizeof item)) {
        bool adds = item[0] == '+', removes = item[0] == '-';
        bool done = adds || removes ? try_feature(text, item, model) : take_property(item, model);
        if (!done && !removes) warn_left_out(item);
    }
    return true;
}

bool cpu_option_parse(const char *text, struct cpu_model *model, char *error, size_t error_size) {
    char name[WORD];
    const char *list = text;
    if (parse_item(&list, name, sizeof name) && !is_ours(name) && is_qemus(name)) return take_qemus(name, list, model);
    return cpu_model_parse(text, model, error, error_size);
}
