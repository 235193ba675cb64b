// vmcs: prints a VMCS, bit by bit, and what changed since the last entry with it.
#include "monitor/vtx/vtx.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void print_field_meaning(struct monitor *monitor, enum vmcs_field field, uint64_t value) {
    struct text text = {0};
    vmcs_decode(&text, field, value);
    print(monitor, "%s", text.at);
}

static void print_field(struct monitor *monitor, const struct vmcs_image *image, const struct history_vmcs *entry,
                        unsigned f) {
    struct vmx_field row;
    uint64_t value = image->field[f];
    bool differs = entry && entry->field[f] != value;
    vmx_field(f, &row);
    print_in(monitor, differs ? BOLD : PLAIN, "%c %-24s ", differs ? '*' : ' ', row.name);
    print(monitor, "%*s%0*" PRIx64, 16 - vmcs_digits(f), "", vmcs_digits(f), value);
    print_field_meaning(monitor, f, value);
    if (differs) print_in(monitor, DIM, "  (%0*" PRIx64 " at the entry)", vmcs_digits(f), entry->field[f]);
    print(monitor, "\n");
}

static void print_title(struct monitor *monitor, const struct vmcs_image *image) {
    const struct cpu *cpu = look_cpu(&monitor->look);
    bool launched;
    print_in(monitor, BOLD, "%s", image->name);
    for (unsigned level = 1; level < VMX_LEVELS; level++)
        if (vmx_level_vmcs(cpu, level) == image->pointer && image->pointer != VMX_NO_VMCS)
            print(monitor, ", level %u", level);
    if (image->pointer == vmx_current_vmcs(cpu)) print(monitor, ", current");
    if (vmx_vmcs_launched(cpu, image->pointer, &launched)) print(monitor, launched ? ", launched" : ", clear");
    print(monitor, vmx_vmcs_active(cpu, image->pointer) ? "\n" : ", in memory\n");
}

static void print_all(struct monitor *monitor, const struct vmcs_image *image, const struct history_vmcs *entry) {
    static const struct {
        uint8_t type;
        const char *text;
    } parts[] = {{VMX_FIELD_INFORMATION, "VM-exit information"},
                 {VMX_FIELD_CONTROL, "Controls"},
                 {VMX_FIELD_GUEST, "Guest state"},
                 {VMX_FIELD_HOST, "Host state"}};
    struct vmx_field row;
    print_title(monitor, image);
    for (unsigned p = 0; p < sizeof parts / sizeof *parts; p++) {
        print_in(monitor, BOLD, "%s\n", parts[p].text);
        for (unsigned f = 0; vmx_field(f, &row); f++)
            if (row.type == parts[p].type && image->known[f]) print_field(monitor, image, entry, f);
    }
}

static bool print_matching(struct monitor *monitor, const struct vmcs_image *image, const struct history_vmcs *entry,
                           const char *word) {
    struct vmcs_match match = {.word = word, .at = -1};
    bool any = false;
    for (; vmcs_match_next(&match, image); any = true) print_field(monitor, image, entry, (unsigned)match.at);
    return any || monitor_error(monitor, "%s: %s has no such field (vmcs alone prints all)", word, image->name);
}

static bool show(struct monitor *monitor, const char *arguments, struct vmcs_image *image) {
    const struct history *h = look_history(&monitor->look);
    char word[64];
    if (!h) return false;
    bool named = vmcs_named(arguments), twelve = strncmp(arguments, "vmcs12", 6) == 0;
    const char *current = "current";
    if (!vmcs_take(monitor, named ? &arguments : &current, image)) return false;
    const struct history_vmcs *entry = twelve ? NULL : history_entry(h, image->pointer);
    if (!*arguments) print_all(monitor, image, entry);
    while (take_word(&arguments, word, sizeof word))
        if (!print_matching(monitor, image, entry, word)) return false;
    return true;
}

bool command_vmcs(struct monitor *monitor, const char *arguments) {
    static const struct {
        const char *word;
        bool (*function)(struct monitor *monitor, const char *arguments);
    } words[] = {{"diff", vmcs_diff}, {"check", vmcs_check}, {"exit", vmcs_exit}, {"merge", vmcs_merge}};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i].word);
        if (strncmp(arguments, words[i].word, length) != 0 || !strchr(" \t", arguments[length])) continue;
        return words[i].function(monitor, arguments + length + strspn(arguments + length, " \t"));
    }
    struct vmcs_image *image = malloc(sizeof *image);
    bool done = image ? show(monitor, arguments, image) : monitor_error(monitor, "not enough memory");
    free(image);
    return done;
}
