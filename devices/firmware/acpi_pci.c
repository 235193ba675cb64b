// PCI in ACPI's name space: ACPI 6.3, 6.2.13 (_PRT), 5.8.1 (_PIC), 6.2.1, 6.2.2, 6.2.16 (links), PCI Firmware
// specification 3.0, 4.6. On the plain board pins go to I/O APIC inputs alone. On a chipset they go to PIRQs, each of
// which has a link (LNKA, ...), whose methods read and write the ISA bridge's registers; on q35 the I/O APIC's inputs
// stand for themselves.
#include "devices/firmware/acpi_pci.h"
#include "devices/chipset/setup.h"

enum { SLOTS = 32, PINS = 4, DISABLED = 0x80 };

bool acpi_is_q35(const struct acpi_config *config) { return config->chipset && config->chipset->kind == CHIPSET_Q35; }
static unsigned pirqs(const struct acpi_config *config) { return acpi_is_q35(config) ? 8 : config->chipset ? 4 : 0; }

// --- _PRT ---
static void pin_row(struct aml *a, const struct acpi_config *config, unsigned slot, unsigned pin, bool links) {
    const struct chipset *c = config->chipset;
    unsigned pirq = c ? chipset_pirq(c, slot, pin) : 0;
    char link[] = "\\_SB_.LNKA";
    link[sizeof link - 2] = (char)('A' + pirq);
    aml_package(a, 4);
    aml_integer(a, slot << 16 | 0xffff);
    aml_integer(a, pin);
    if (links)
        aml_reference(a, link);
    else
        aml_integer(a, 0);
    aml_integer(a, links ? 0 : c ? (unsigned)chipset_input(c, pirq) : 16 + ((slot + pin) & 7));
    aml_end(a);
}

static void routing_table(struct aml *a, const struct acpi_config *config, const char *name, bool links) {
    aml_name(a, name);
    aml_package(a, SLOTS * PINS);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        for (unsigned pin = 0; pin < PINS; pin++) pin_row(a, config, slot, pin, links);
    aml_end(a);
}

// q35: links, unless the operating system has said that it uses I/O APICs.
static void routing(struct aml *a, const struct acpi_config *config) {
    if (!acpi_is_q35(config)) {
        routing_table(a, config, "_PRT", config->chipset);
        return;
    }
    routing_table(a, config, "PRTP", true);
    routing_table(a, config, "PRTA", false);
    aml_method(a, "_PRT", 0);
    aml_if(a);
    aml_op(a, AML_EQUAL);
    aml_reference(a, "\\PICF");
    aml_integer(a, 0);
    aml_op(a, AML_RETURN);
    aml_reference(a, "PRTP");
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_reference(a, "PRTA");
    aml_end(a);
}

void acpi_pci_mode(struct aml *a, const struct acpi_config *config) {
    if (!config->chipset) return;
    aml_name(a, "\\PICF");
    aml_integer(a, 0);
    aml_method(a, "\\_PIC", 1);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ARGUMENT);
    aml_reference(a, "\\PICF");
    aml_end(a);
}

// --- links ---
static const char register_names[8][5] = {"PRQA", "PRQB", "PRQC", "PRQD", "PRQE", "PRQF", "PRQG", "PRQH"};
static void put_register(struct aml *a, unsigned pirq) {
    char path[] = "\\_SB_.PCI0.ISA_.PRQA";
    path[sizeof path - 2] = register_names[pirq][3];
    aml_reference(a, path);
}

// In the ISA bridge: 60H to 63H, of ICH9 68H to 6BH too.
static void link_registers(struct aml *a, const struct acpi_config *config) {
    static const struct {
        const char *region;
        unsigned first;
    } blocks[2] = {{"PRR0", 0x60}, {"PRR1", 0x68}};
    for (unsigned i = 0; i < pirqs(config) / PINS; i++) {
        aml_config_region(a, blocks[i].region, blocks[i].first, PINS);
        aml_byte_fields(a, blocks[i].region);
        for (unsigned n = 0; n < PINS; n++) aml_byte_field(a, register_names[PINS * i + n]);
        aml_end(a);
    }
}

// If (And (PRQx, 0x80))
static void if_disabled(struct aml *a, unsigned pirq) {
    aml_if(a);
    aml_op(a, AML_AND);
    put_register(a, pirq);
    aml_integer(a, DISABLED);
    aml_op(a, AML_NOWHERE);
}

static void link_status(struct aml *a, unsigned pirq) {
    enum { PRESENT = 0x0b, PRESENT_DISABLED = 0x09 };
    aml_method(a, "_STA", 0);
    if_disabled(a, pirq);
    aml_op(a, AML_RETURN);
    aml_integer(a, PRESENT_DISABLED);
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_integer(a, PRESENT);
    aml_end(a);
}

static void link_disable(struct aml *a, unsigned pirq) {
    aml_method(a, "_DIS", 0);
    aml_op(a, AML_OR);
    put_register(a, pirq);
    aml_integer(a, DISABLED);
    put_register(a, pirq);
    aml_end(a);
}

// CreateDWordField (RESOURCES, 5, PRRI): the interrupt in an Interrupt descriptor.
static void interrupt_field(struct aml *a, const char *resources) {
    aml_op(a, AML_DWORD_FIELD);
    if (resources)
        aml_reference(a, resources);
    else
        aml_op(a, AML_ARGUMENT);
    aml_integer(a, 5);
    aml_reference(a, "PRRI");
}

static void link_current(struct aml *a, unsigned pirq) {
    enum { SERIALIZED = 8 };
    aml_method(a, "_CRS", SERIALIZED);
    aml_name(a, "PRR_");
    aml_resources(a);
    aml_interrupts(a, (const uint8_t[]){0}, 1);
    aml_resources_end(a);
    interrupt_field(a, "PRR_");
    aml_op(a, AML_AND);
    put_register(a, pirq);
    aml_integer(a, 15);
    aml_reference(a, "PRRI");
    if_disabled(a, pirq);
    aml_op(a, AML_STORE);
    aml_integer(a, 0);
    aml_reference(a, "PRRI");
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_reference(a, "PRR_");
    aml_end(a);
}

static void link_set(struct aml *a, unsigned pirq) {
    aml_method(a, "_SRS", 1);
    interrupt_field(a, NULL);
    aml_op(a, AML_STORE);
    aml_reference(a, "PRRI");
    put_register(a, pirq);
    aml_end(a);
}

static void link_device(struct aml *a, unsigned pirq) {
    static const uint8_t possible[] = {5, 10, 11};
    char name[] = "LNKA";
    name[3] = (char)('A' + pirq);
    aml_device_id(a, name, "PNP0C0F");
    aml_name(a, "_UID");
    aml_integer(a, pirq);
    aml_name(a, "_PRS");
    aml_resources(a);
    aml_interrupts(a, possible, sizeof possible);
    aml_resources_end(a);
    link_status(a, pirq);
    link_disable(a, pirq);
    link_current(a, pirq);
    link_set(a, pirq);
    aml_end(a);
}

// --- the root ---
static void windows(struct aml *a, const struct acpi_config *config) {
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_window_bus(a, 0, 255);
    aml_io(a, 0xcf8, 8);
    aml_window_io(a, 0, 0xcf7);
    aml_window_io(a, 0xd00, 0xffff);
    aml_window_memory(a, 0xa0000, 0xbffff);
    aml_window_memory(a, config->pci_window_first, config->pci_window_last);
    aml_resources_end(a);
}

void acpi_pci_root(struct aml *a, const struct acpi_config *config) {
    bool q35 = acpi_is_q35(config);
    aml_device_id(a, "PCI0", q35 ? "PNP0A08" : "PNP0A03");
    if (q35) {
        aml_name(a, "_CID");
        aml_eisa_id(a, "PNP0A03");
    }
    aml_name(a, "_UID");
    aml_integer(a, 0);
    windows(a, config);
    routing(a, config);
    aml_device(a, "ISA");
    aml_name(a, "_ADR");
    aml_integer(a, q35 ? 0x1f << 16 : 1 << 16);
    if (config->chipset) link_registers(a, config);
    config->describe(config->owner, ACPI_ISA, a);
    aml_end(a);
    config->describe(config->owner, ACPI_PCI, a);
    aml_end(a);
    for (unsigned i = 0; i < pirqs(config); i++) link_device(a, i);
}
