// Which VMCS is meant: the current one, that of a level, one at an address, as it was at the last entry, or one that a
// guest made for a guest of its own.
#include "monitor/expression/expression.h"
#include "monitor/explain/vmcs.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What is kept on the processor, or begins as a region does.
static bool is_vmcs(struct monitor *monitor, uint64_t pointer) {
    uint32_t first;
    if (vmx_vmcs_active(look_cpu(&monitor->look), pointer)) return true;
    if (!machine_read(monitor->look.machine, pointer, &first, sizeof first))
        return monitor_error(monitor, "VMCS %" PRIx64 ": there is no memory", pointer);
    if ((first & INT32_MAX) == vmx_revision()) return true;
    return monitor_error(monitor,
                         "VMCS %" PRIx64 ": there is none; the first 4 bytes are %x, not the revision identifier %x",
                         pointer, first, vmx_revision());
}

bool vmcs_hardware(struct monitor *monitor, uint64_t pointer, struct vmcs_image *image) {
    struct cpu *cpu = look_cpu(&monitor->look);
    *image = (struct vmcs_image){.pointer = pointer};
    snprintf(image->name, sizeof image->name, "VMCS %" PRIx64, pointer);
    if (pointer == VMX_NO_VMCS) return monitor_error(monitor, "there is no such VMCS now (info levels lists them)");
    if (!is_vmcs(monitor, pointer)) return false;
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        image->known[f] = vmx_field_exists(cpu, f) && vmx_vmcs_read(cpu, pointer, f, &image->field[f]);
    return true;
}

bool vmcs_at_entry(struct monitor *monitor, uint64_t pointer, struct vmcs_image *image) {
    struct history *h = history_of(monitor);
    if (!h) return false;
    const struct history_vmcs *v = history_entry(h, pointer);
    if (!v)
        return monitor_error(monitor, "VMCS %" PRIx64 ": no entry with it was seen since the first prompt", pointer);
    *image = (struct vmcs_image){.pointer = pointer};
    snprintf(image->name, sizeof image->name, "VMCS %" PRIx64 " at step %" PRIu64, pointer, v->step);
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        image->known[f] = vmx_field_exists(look_cpu(&monitor->look), f);
        image->field[f] = v->field[f];
    }
    return true;
}

bool vmcs_twelve(struct monitor *monitor, unsigned level, struct vmcs_image *image) {
    struct history *h = history_of(monitor);
    struct vmx_level_info info;
    if (!h) return false;
    if (level < 2 || !vmx_level_info(look_cpu(&monitor->look), level - 1, &info) || info.current == VMX_NO_VMCS)
        return monitor_error(monitor, "level %u: no guest below it has loaded a VMCS of its own", level);
    const struct history_vmcs12 *v = history_vmcs12(h, level - 1, info.current);
    if (!v)
        return monitor_error(monitor, "level %u: nobody wrote its VMCS %" PRIx64 " since the first prompt", level,
                             info.current);
    *image = (struct vmcs_image){.pointer = info.current};
    snprintf(image->name, sizeof image->name, "VMCS %" PRIx64 " of level %u", info.current, level - 1);
    const struct vmcs_source guest = {monitor->look.machine, h, look_cpu(&monitor->look), level - 1};
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        image->known[f] = v->known[f];
        image->field[f] = v->field[f];
        image->known[f] |= vmcs_shadowed(&guest, f, &image->field[f]);
    }
    return true;
}

static bool is_reset(const char *text) { return strncmp(text, "reset", 5) == 0 && strchr(" \t", text[5]); }

// A region of zeros after VMCLEAR.
static bool take_reset(struct monitor *monitor, const char **text, struct vmcs_image *image) {
    *text += strlen("reset");
    *text += strspn(*text, " \t");
    *image = (struct vmcs_image){.name = "a VMCS of zeros", .pointer = VMX_NO_VMCS};
    for (unsigned f = 0; f < FIELD_COUNT; f++) image->known[f] = vmx_field_exists(look_cpu(&monitor->look), f);
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
    return vmcs_twelve(monitor, level, image);
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
    return entry ? vmcs_at_entry(monitor, pointer, image) : vmcs_hardware(monitor, pointer, image);
}

bool vmcs_take_pointer(struct monitor *monitor, const char *text, struct vmcs_image *image) {
    uint64_t pointer;
    if (!*text) text = "current";
    if (!vmcs_named(text) || is_reset(text) || strncmp(text, "entry:", 6) == 0 || strncmp(text, "vmcs12", 6) == 0)
        return monitor_error(monitor, "which VMCS of the processor's? current, @LEVEL or an address");
    return take_pointer(monitor, &text, &pointer) && take_end(&monitor->look, text) &&
           vmcs_hardware(monitor, pointer, image);
}
