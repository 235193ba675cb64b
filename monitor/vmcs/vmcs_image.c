// The values of a VMCS: as the processor has it, as it was at the last entry with it, as a guest made it for a guest of
// its own, or after VMCLEAR of a region of zeros.
#include "monitor/vmcs/vmcs.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 3))) static bool refuse(char *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, VMCS_ERROR_ROOM, format, arguments);
    va_end(arguments);
    return false;
}

// What is kept on the processor, or begins as a region does.
static bool is_vmcs(const struct vmcs_source *from, uint64_t pointer, char *error) {
    uint32_t first;
    if (vmx_vmcs_active(from->cpu, pointer)) return true;
    if (!machine_read(from->machine, pointer, &first, sizeof first))
        return refuse(error, "VMCS %" PRIx64 ": there is no memory", pointer);
    if ((first & INT32_MAX) == vmx_revision()) return true;
    return refuse(error, "VMCS %" PRIx64 ": there is none; the first 4 bytes are %x, not the revision identifier %x",
                  pointer, first, vmx_revision());
}

static void take_stamp(const struct vmcs_source *from, uint64_t pointer, unsigned f, struct vmcs_image *image) {
    const struct vmcs_stamp *stamp = from->history ? history_stamp(from->history, pointer, f) : NULL;
    if (stamp) image->stamp[f] = *stamp;
}

bool vmcs_hardware(const struct vmcs_source *from, uint64_t pointer, struct vmcs_image *image, char *error) {
    *image = (struct vmcs_image){.pointer = pointer};
    snprintf(image->name, sizeof image->name, "VMCS %" PRIx64, pointer);
    if (pointer == VMX_NO_VMCS) return refuse(error, "there is no such VMCS now (info levels lists them)");
    if (!is_vmcs(from, pointer, error)) return false;
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        image->known[f] = vmx_field_exists(from->cpu, f) && vmx_vmcs_read(from->cpu, pointer, f, &image->field[f]);
        take_stamp(from, pointer, f, image);
    }
    return true;
}

bool vmcs_at_entry(const struct vmcs_source *from, uint64_t pointer, struct vmcs_image *image, char *error) {
    const struct history_vmcs *v = history_entry(from->history, pointer);
    if (!v) return refuse(error, "VMCS %" PRIx64 ": no entry with it was seen", pointer);
    *image = (struct vmcs_image){.pointer = pointer};
    snprintf(image->name, sizeof image->name, "VMCS %" PRIx64 " at step %" PRIu64, pointer, v->step);
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        image->known[f] = vmx_field_exists(from->cpu, f);
        image->field[f] = v->field[f];
    }
    return true;
}

bool vmcs_twelve(const struct vmcs_source *from, struct vmcs_image *image, char *error) {
    struct vmx_level_info info;
    unsigned level = from->level;
    if (level < 2 || !vmx_level_info(from->cpu, level - 1, &info) || info.current == VMX_NO_VMCS)
        return refuse(error, "level %u: no guest below it has loaded a VMCS of its own", level);
    const struct history_vmcs12 *v = history_vmcs12(from->history, level - 1, info.current);
    if (!v) return refuse(error, "level %u: nobody wrote its VMCS %" PRIx64, level, info.current);
    *image = (struct vmcs_image){.pointer = info.current};
    snprintf(image->name, sizeof image->name, "VMCS %" PRIx64 " of level %u", info.current, level - 1);
    const struct vmcs_source guest = {from->machine, from->history, from->cpu, level - 1};
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        image->known[f] = v->known[f];
        image->field[f] = v->field[f];
        image->stamp[f] = v->stamp[f];
        if (!vmcs_shadowed(&guest, f, &image->field[f])) continue;
        image->known[f] = true;
        take_stamp(from, vmcs_shadow_of(&guest, FIELD_VMREAD_BITMAP, f), f, image);
    }
    return true;
}

void vmcs_reset(const struct cpu *cpu, struct vmcs_image *image) {
    *image = (struct vmcs_image){.name = "a VMCS of zeros", .pointer = VMX_NO_VMCS};
    for (unsigned f = 0; f < FIELD_COUNT; f++) image->known[f] = vmx_field_exists(cpu, f);
}
