// Which VMCS is meant: the current one, that of a level, one at an address, as it was at the last entry, or one that a
// guest made for a guest of its own.
#include "monitor/expression/expression.h"
#include "monitor/vtx/vtx.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool vmcs_source_of(struct monitor *monitor, unsigned level, struct vmcs_source *from) {
    *from = (struct vmcs_source){monitor->look.machine, look_history(&monitor->look), look_cpu(&monitor->look), level};
    return from->history;
}

static bool take_hardware(struct monitor *monitor, uint64_t pointer, struct vmcs_image *image) {
    const struct vmcs_source from = {monitor->look.machine, NULL, look_cpu(&monitor->look), 0};
    char error[VMCS_ERROR_ROOM];
    return vmcs_hardware(&from, pointer, image, error) || monitor_error(monitor, "%s", error);
}

static bool take_entry(struct monitor *monitor, uint64_t pointer, struct vmcs_image *image) {
    struct vmcs_source from;
    char error[VMCS_ERROR_ROOM];
    if (!vmcs_source_of(monitor, 0, &from)) return false;
    return vmcs_at_entry(&from, pointer, image, error) || monitor_error(monitor, "%s", error);
}

static bool is_reset(const char *text) { return strncmp(text, "reset", 5) == 0 && strchr(" \t", text[5]); }

static bool take_reset(struct monitor *monitor, const char **text, struct vmcs_image *image) {
    *text += strlen("reset");
    *text += strspn(*text, " \t");
    vmcs_reset(look_cpu(&monitor->look), image);
    return true;
}

bool vmcs_named(const char *text) {
    return *text == '@' || isdigit((unsigned char)*text) || *text == '$' || strncmp(text, "entry:", 6) == 0 ||
           strncmp(text, "vmcs12", 6) == 0 || strncmp(text, "current", 7) == 0 || is_reset(text);
}

static bool take_level(struct monitor *monitor, const char **text, unsigned *level) {
    char *end;
    *level = (unsigned)strtoul(*text + 1, &end, 10);
    if (end == *text + 1 || *level >= VMX_LEVELS || !*level)
        return monitor_error(monitor, "%s: @LEVEL is @1 to @%d", *text, VMX_LEVELS - 1);
    *text = end + strspn(end, " \t");
    return true;
}

static bool take_twelve(struct monitor *monitor, const char **text, struct vmcs_image *image) {
    unsigned level = 2;
    *text += strlen("vmcs12");
    if (**text == '@' && !take_level(monitor, text, &level)) return false;
    *text += strspn(*text, " \t");
    struct vmcs_source from;
    char error[VMCS_ERROR_ROOM];
    if (!vmcs_source_of(monitor, level, &from)) return false;
    return vmcs_twelve(&from, image, error) || monitor_error(monitor, "%s", error);
}

static bool take_pointer(struct monitor *monitor, const char **text, uint64_t *pointer) {
    unsigned level;
    if (**text == '@') {
        if (!take_level(monitor, text, &level)) return false;
        *pointer = vmx_level_vmcs(look_cpu(&monitor->look), level);
    } else if (strncmp(*text, "current", 7) == 0) {
        *text += 7 + strspn(*text + 7, " \t");
        *pointer = vmx_current_vmcs(look_cpu(&monitor->look));
    } else {
        char word[32], *end;
        take_word(text, word, sizeof word);
        *pointer = *word == '$' ? 0 : strtoull(word, &end, 16);
        const char *from = word;
        bool expression = *word == '$' || strncmp(word, "0x", 2) == 0;
        if (expression && !take_value(&monitor->look, &from, pointer)) return false;
        if ((!expression && *end) || *pointer % 4096)
            return monitor_error(monitor, "%s: not the address of a VMCS, which is a multiple of 1000 (hexadecimal)",
                                 word);
    }
    return true;
}

bool vmcs_take(struct monitor *monitor, const char **text, struct vmcs_image *image) {
    uint64_t pointer;
    bool entry = strncmp(*text, "entry:", 6) == 0;
    if (strncmp(*text, "vmcs12", 6) == 0) return take_twelve(monitor, text, image);
    if (is_reset(*text)) return take_reset(monitor, text, image);
    if (entry) *text += 6;
    if (!vmcs_named(*text))
        return monitor_error(monitor, "which VMCS? current, @LEVEL, an address, entry: before these, vmcs12 or reset");
    if (!take_pointer(monitor, text, &pointer)) return false;
    return entry ? take_entry(monitor, pointer, image) : take_hardware(monitor, pointer, image);
}

bool vmcs_take_pointer(struct monitor *monitor, const char *text, struct vmcs_image *image) {
    uint64_t pointer;
    if (!*text) text = "current";
    if (!vmcs_named(text) || is_reset(text) || strncmp(text, "entry:", 6) == 0 || strncmp(text, "vmcs12", 6) == 0)
        return monitor_error(monitor, "which VMCS of the processor's? current, @LEVEL or an address");
    return take_pointer(monitor, &text, &pointer) && take_end(&monitor->look, text) &&
           take_hardware(monitor, pointer, image);
}
