// info vapic: the virtual APIC of a guest, as its VMCS and its virtual-APIC page have it. SDM Vol. 3C, chapter 29.
#include "monitor/info/info.h"
#include "monitor/causes/virtual_apic.h"
#include "monitor/vtx/vtx.h"
#include "monitor/vtx/why.h"
#include "monitor/vmcs/vmcs.h"
#include <inttypes.h>

enum { WORDS = 8 };

void vectors_print(struct monitor *monitor, const char *name, const uint32_t bits[8]) {
    print(monitor, "%-8s", name);
    for (unsigned v = 0; v < 256; v++)
        if (bits[v / 32] >> v % 32 & 1) print(monitor, " %02x", v);
    print(monitor, vectors_highest(bits) >= 0 ? "\n" : " none\n");
}

static void print_controls(struct monitor *monitor, const struct virtual_apic *v) {
    const struct {
        bool set;
        const char *text;
    } rows[] = {{APIC_CONTROL(v, proc, PROC, TPR_SHADOW), "use TPR shadow"},
                {APIC_CONTROL(v, proc2, PROC2, VIRTUALIZE_APIC_ACCESSES), "virtualize APIC accesses"},
                {APIC_CONTROL(v, proc2, PROC2, VIRTUALIZE_X2APIC), "virtualize x2APIC mode"},
                {APIC_CONTROL(v, proc2, PROC2, APIC_REGISTERS), "APIC-register virtualization"},
                {APIC_DELIVERS(v), "virtual-interrupt delivery"},
                {APIC_POSTS(v), "process posted interrupts"},
                {APIC_CONTROL(v, pin, PIN, EXTERNAL_INTERRUPT_EXITING), "external-interrupt exiting"}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) print(monitor, "  %u %s\n", rows[i].set, rows[i].text);
}

static void print_page(struct monitor *monitor, const struct virtual_apic *v) {
    print(monitor, "page     %016" PRIx64 "\n", v->page);
    print(monitor, "VTPR     %02x, threshold %u  VPPR %02x\n", (unsigned)v->tpr & 0xff, v->threshold,
          (unsigned)v->ppr & 0xff);
    if (APIC_DELIVERS(v)) print(monitor, "RVI      %02x  SVI %02x\n", v->rvi, v->svi);
    vectors_print(monitor, "VIRR", v->irr);
    vectors_print(monitor, "VISR", v->isr);
}

static void print_eoi_exits(struct monitor *monitor, const struct virtual_apic *v) {
    uint32_t bits[WORDS];
    for (unsigned i = 0; i < WORDS / 2; i++) {
        uint64_t field = 0;
        (void)vmx_vmcs_read(look_cpu(&monitor->look), v->vmcs, FIELD_EOI_EXIT_BITMAP0 + i, &field);
        bits[2 * i] = (uint32_t)field;
        bits[2 * i + 1] = (uint32_t)(field >> 32);
    }
    vectors_print(monitor, "EOI exit", bits);
}

static void print_descriptor(struct monitor *monitor, const struct virtual_apic *v) {
    uint64_t vector = 0;
    (void)vmx_vmcs_read(look_cpu(&monitor->look), v->vmcs, FIELD_POSTED_VECTOR, &vector);
    print(monitor, "posted   %016" PRIx64 "  ON %u, notification vector %02x\n", v->descriptor, v->outstanding,
          (unsigned)vector & 0xff);
    vectors_print(monitor, "PIR", v->pir);
}

bool info_vapic(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    struct vmcs_image image;
    struct virtual_apic v;
    if (!look_cpu(&monitor->look)->wire.extension)
        return monitor_error(monitor, "info %s: there is no VT-x", page->name);
    if (!vmcs_take_pointer(monitor, arguments, &image)) return false;
    virtual_apic_read(monitor->look.machine, monitor->look.processor, image.pointer, &v);
    print_in(monitor, BOLD, "Virtual APIC of the guest with VMCS %" PRIx64 "\n", v.vmcs);
    print_controls(monitor, &v);
    if (v.has_page) print_page(monitor, &v);
    if (APIC_CONTROL(&v, proc, PROC, TPR_SHADOW) && !v.has_page)
        print(monitor, "the virtual-APIC page %" PRIx64 " is no RAM\n", v.page);
    if (APIC_DELIVERS(&v)) print_eoi_exits(monitor, &v);
    if (v.has_descriptor) print_descriptor(monitor, &v);
    if (APIC_POSTS(&v) && !v.has_descriptor) print(monitor, "the descriptor %" PRIx64 " is no RAM\n", v.descriptor);
    why_virtual(monitor, v.vmcs);
    return true;
}
