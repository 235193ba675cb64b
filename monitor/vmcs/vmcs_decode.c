// What the values of VMCS fields mean. SDM Vol. 3C, 24.4 to 24.9; each field is a row of vmcs_value.def.
#include "monitor/vmcs/vmcs.h"
#include <inttypes.h>

static const struct {
    enum control_group group;
    uint8_t bit;
    const char *text;
} controls[] = {
#define CONTROL(group, bit, name, support, text) {GROUP_##group, bit, text},
#include "vmx/vmcs/control.def"
#undef CONTROL
};
enum { CONTROLS = sizeof controls / sizeof *controls };

void vmcs_controls(struct text *text, enum control_group group, uint64_t value) {
    const char *between = "  ";
    for (unsigned i = 0; i < CONTROLS; i++) {
        if (controls[i].group != group || !(value >> controls[i].bit & 1)) continue;
        text_add(text, "%s%s", between, controls[i].text);
        between = ", ";
    }
}

const char *vmcs_vector_name(unsigned vector) {
    static const char *const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "",    "#TS",
                                        "#NP", "#SS", "#GP", "#PF", "",    "#MF", "#AC", "#MC", "#XM", "#VE", "#CP"};
    return vector < sizeof names / sizeof *names ? names[vector] : "";
}

static void decode_CONTROLS(struct text *text, uint64_t value, unsigned group) {
    vmcs_controls(text, (enum control_group)group, value);
}

static void decode_BITS(struct text *text, uint64_t value, unsigned group) {
    bit_names(text, value, (enum bit_group)group);
}

static void decode_EXCEPTIONS(struct text *text, uint64_t value, unsigned argument) {
    (void)argument;
    const char *between = "  ";
    for (unsigned v = 0; v < 32; v++) {
        if (!(value >> v & 1) || !*vmcs_vector_name(v)) continue;
        text_add(text, "%s%s", between, vmcs_vector_name(v));
        between = " ";
    }
}

// Tables 24-16, 24-18, 24-19.
void vmcs_interruption(struct text *text, uint64_t information) {
    static const char *const types[] = {"external interrupt", "reserved type",      "NMI",
                                        "hardware exception", "software interrupt", "privileged software exception",
                                        "software exception", "other event"};
    unsigned vector = information & 0xff, type = information >> 8 & 7;
    text_add(text, "%s, vector %02x", types[type], vector);
    if (type >= EVENT_HARDWARE_EXCEPTION && type != EVENT_SOFTWARE_INTERRUPT && *vmcs_vector_name(vector))
        text_add(text, " %s", vmcs_vector_name(vector));
    if (information >> 11 & 1) text_add(text, ", error code");
    if (information >> 12 & 1) text_add(text, ", NMI unblocking due to IRET");
}

static void decode_INTERRUPTION(struct text *text, uint64_t value, unsigned argument) {
    (void)argument;
    text_add(text, "  ");
    if (value >> 31 & 1)
        vmcs_interruption(text, value);
    else
        text_add(text, "not valid");
}

static void decode_REASON(struct text *text, uint64_t value, unsigned argument) {
    (void)argument;
    const char *name = vmx_exit_name(value & UINT16_MAX);
    text_add(text, "  %s%s", name ? name : "?", value >> 31 & 1 ? ", VM-entry failure" : "");
}

static void decode_ERROR(struct text *text, uint64_t value, unsigned argument) {
    (void)argument;
    const char *error = vmx_error_text((unsigned)value);
    if (error) text_add(text, "  %s", error);
}

static void decode_EPTP(struct text *text, uint64_t value, unsigned argument) {
    (void)argument;
    text_add(text, "  root %" PRIx64 ", %s, %u levels%s", (uint64_t)(value & BITS(51, 12)),
             (value & 7) == 6   ? "write-back"
             : (value & 7) == 0 ? "uncacheable"
                                : "reserved memory type",
             (unsigned)(value >> 3 & 7) + 1, value >> 6 & 1 ? ", accessed and dirty flags" : "");
}

static void decode_LINK(struct text *text, uint64_t value, unsigned argument) {
    (void)argument;
    text_add(text, "%s", value == VMX_NO_VMCS ? "  none" : "  the shadow VMCS");
}

// Table 24-2.
static void decode_RIGHTS(struct text *text, uint64_t value, unsigned argument) {
    (void)argument;
    if (value & RIGHTS_UNUSABLE) {
        text_add(text, "  unusable");
        return;
    }
    text_add(text, "  type %u, %s, DPL %u%s%s%s%s", (unsigned)value & 15,
             !(value & RIGHTS_S) ? "system"
             : value & 8         ? "code"
                                 : "data",
             (unsigned)(value >> RIGHTS_DPL_SHIFT & 3), value & RIGHTS_P ? ", present" : ", not present",
             value & RIGHTS_L ? ", 64-bit" : "", value & RIGHTS_DB ? ", D/B" : "", value & RIGHTS_G ? ", G" : "");
}

// Table 24-3.
static void decode_INTERRUPTIBILITY(struct text *text, uint64_t value, unsigned argument) {
    (void)argument;
    static const char *const names[] = {"blocking by STI", "blocking by MOV SS", "blocking by SMI", "blocking by NMI",
                                        "enclave interruption"};
    const char *between = "  ";
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(value >> i & 1)) continue;
        text_add(text, "%s%s", between, names[i]);
        between = ", ";
    }
}

static void decode_ACTIVITY(struct text *text, uint64_t value, unsigned argument) {
    (void)argument;
    static const char *const names[] = {"active", "HLT", "shutdown", "wait-for-SIPI"};
    text_add(text, "  %s", value < 4 ? names[value] : "reserved");
}

// Table 24-4.
static void decode_PENDING_DEBUG(struct text *text, uint64_t value, unsigned argument) {
    (void)argument;
    if (value & 15) text_add(text, "  B3:B0 %x", (unsigned)value & 15);
    if (value >> 12 & 1) text_add(text, "  enabled breakpoint");
    if (value >> 14 & 1) text_add(text, "  BS");
    if (value >> 16 & 1) text_add(text, "  RTM");
}

static const struct {
    void (*decode)(struct text *text, uint64_t value, unsigned argument);
    unsigned argument;
} decoders[FIELD_COUNT] = {
#define VALUE(field, how, argument) [FIELD_##field] = {decode_##how, argument},
#include "monitor/vmcs/vmcs_value.def"
#undef VALUE
};

void vmcs_decode(struct text *text, enum vmcs_field field, uint64_t value) {
    if (field < FIELD_COUNT && decoders[field].decode) decoders[field].decode(text, value, decoders[field].argument);
}

bool vmcs_control_group(enum vmcs_field field, enum control_group *group) {
    if (field >= FIELD_COUNT || decoders[field].decode != decode_CONTROLS) return false;
    *group = (enum control_group)decoders[field].argument;
    return true;
}

int vmcs_digits(enum vmcs_field field) {
    struct vmx_field row;
    return vmx_field(field, &row) ? row.bytes * 2 : 16;
}
