// The fields of the VMCS behind a level, for gdb: members of one register, $vmcs. As registers of their own they would
// be 151 lines of `info registers`: gdb 13 counts every register of x86 that it does not know among the general ones,
// whatever its group is in the description, so that `info registers vmcs` would find none. A union that has a vector
// among its members is printed once, not in two formats; the fields are found in it by their names, because the
// structure that has them has none.
#include "monitor/gdb/gdb_private.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"
#include <ctype.h>
#include <string.h>

// The next field that the processors have, from *index on.
static bool next_field(const struct gdb *gdb, unsigned *index, struct vmx_field *field) {
    const struct cpu *cpu = gdb_cpu(gdb, (struct gdb_thread){0});
    for (; cpu->wire.extension && vmx_field(*index, field); ++*index)
        if (vmx_field_exists(cpu, *index)) return true;
    return false;
}

static unsigned all_bytes(const struct gdb *gdb) {
    struct vmx_field field;
    unsigned bytes = 0;
    for (unsigned i = 0; next_field(gdb, &i, &field); i++) bytes += field.bytes;
    return bytes;
}

void gdb_xml_vmcs(const struct gdb *gdb, struct gdb_text *text) {
    struct vmx_field field;
    unsigned bytes = all_bytes(gdb);
    if (!bytes) return;
    gdb_text_print(text,
                   "  <feature name=\"org.vmxray.vmcs\">\n    <vector id=\"vmcs_word\" type=\"uint16\" count=\"1\"/>\n"
                   "    <struct id=\"vmcs_fields\">\n");
    for (unsigned i = 0; next_field(gdb, &i, &field); i++) {
        gdb_text_print(text, "      <field name=\"");
        for (const char *p = field.name; *p; p++) gdb_text_print(text, "%c", tolower((unsigned char)*p));
        gdb_text_print(text, "\" type=\"uint%u\"/>\n", field.bytes * 8);
    }
    gdb_text_print(
        text,
        "    </struct>\n    <union id=\"vmcs\">\n      <field name=\"\" type=\"vmcs_fields\"/>\n"
        "      <field name=\"first_word\" type=\"vmcs_word\"/>\n    </union>\n"
        "    <reg name=\"vmcs\" bitsize=\"%u\" type=\"vmcs\" group=\"vmcs\" regnum=\"%u\" save-restore=\"no\"/>\n"
        "  </feature>\n",
        bytes * 8, gdb_vmcs_number());
}

// Through which the level runs. Level 0 has none: the one that is current is shown with it.
static uint64_t pointer_of(const struct gdb *gdb, struct gdb_thread thread) {
    uint64_t vmcs = VMX_NO_VMCS;
    if (gdb_source(gdb, thread, &vmcs) == GDB_ABSENT) return VMX_NO_VMCS;
    return thread.level == 0 ? vmx_current_vmcs(gdb_cpu(gdb, thread)) : vmcs;
}

void gdb_print_vmcs(struct gdb *gdb, struct gdb_thread thread) {
    const struct cpu *cpu = gdb_cpu(gdb, thread);
    const uint64_t vmcs = pointer_of(gdb, thread);
    struct vmx_field field;
    uint64_t value;
    for (unsigned i = 0; next_field(gdb, &i, &field); i++) {
        bool known = vmcs != VMX_NO_VMCS && vmx_vmcs_read(cpu, vmcs, i, &value);
        if (known) gdb_text_hex(&gdb->reply, &value, field.bytes);
        for (unsigned byte = 0; !known && byte < field.bytes; byte++) gdb_text_add(&gdb->reply, "xx", 2);
    }
}

bool gdb_write_vmcs(struct gdb *gdb, const struct gdb_look *look, const char *text, char *why, size_t size) {
    const uint64_t vmcs = pointer_of(gdb, look->thread);
    struct vmx_field field;
    for (unsigned i = 0; next_field(gdb, &i, &field); i++) {
        uint64_t value = 0, old = 0;
        if (!gdb_take_bytes(&text, (uint8_t *)&value, field.bytes)) return false;
        if (vmcs != VMX_NO_VMCS && vmx_vmcs_read(look->cpu, vmcs, i, &old) && old == value) continue;
        if (!view_set_field(&look->view, i, value, why, size)) return false;
    }
    return true;
}
