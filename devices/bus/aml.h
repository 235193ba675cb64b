// Writes ACPI machine language: one function for each kind of object. ACPI 6.3, chapter 20 (AML), 6.4 (resources).
#ifndef DEVICES_AML_H
#define DEVICES_AML_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AML_DEPTH = 8 };
struct aml {
    uint8_t *bytes;
    size_t size, capacity;
    bool overflow;          // something did not fit
    size_t open[AML_DEPTH]; // where the packages that are being written have their lengths
    unsigned depth;
};

void aml_scope(struct aml *aml, const char *name);                          // Scope (\xxxx) {   ... aml_end
void aml_device(struct aml *aml, const char *name);                         // Device (xxxx) {   ... aml_end
void aml_device_id(struct aml *aml, const char *name, const char *eisa_id); // the same, with a _HID
void aml_package(struct aml *aml, unsigned elements);                       // Package () {      ... aml_end
void aml_method(struct aml *aml, const char *name, unsigned arguments);     // Method (xxxx, n) { ... aml_end
void aml_if(struct aml *aml);                                               // If (               ... aml_end
void aml_byte_fields(struct aml *aml, const char *region); // Field (xxxx, ByteAcc, NoLock, Preserve) { ... aml_end
void aml_end(struct aml *aml);
void aml_byte_field(struct aml *aml, const char *name); // of these
void aml_config_region(struct aml *aml, const char *name, unsigned first,
                       unsigned bytes);                // OperationRegion, PCI_Config
void aml_reference(struct aml *aml, const char *name); // \\AAAA.BBBB or CCCC
// Of methods: operands follow, and where the result goes.
enum aml_opcode {
    AML_NOWHERE = 0x00,
    AML_ARGUMENT = 0x68, // the first one
    AML_STORE = 0x70,
    AML_AND = 0x7b,
    AML_OR = 0x7d,
    AML_DWORD_FIELD = 0x8a,
    AML_EQUAL = 0x93,
    AML_RETURN = 0xa4,
};
void aml_op(struct aml *aml, enum aml_opcode opcode);
void aml_name(struct aml *aml, const char *name); // Name (xxxx, the object that follows)
void aml_integer(struct aml *aml, uint64_t value);
void aml_eisa_id(struct aml *aml, const char *id); // EISAID ("PNP0A03")

// ResourceTemplate () { ... aml_resources_end
void aml_resources(struct aml *aml);
void aml_resources_end(struct aml *aml);
void aml_io(struct aml *aml, uint16_t base, uint8_t count);
void aml_irq(struct aml *aml, unsigned irq);
void aml_interrupts(struct aml *aml, const uint8_t *inputs, unsigned count); // Interrupt: level, active high, shared
void aml_memory(struct aml *aml, uint32_t base, uint32_t bytes);             // Memory32Fixed, read and write
void aml_window_bus(struct aml *aml, uint16_t first, uint16_t last);         // WordBusNumber
void aml_window_io(struct aml *aml, uint16_t first, uint16_t last);          // WordIO
void aml_window_memory(struct aml *aml, uint32_t first, uint32_t last);      // DWordMemory, not cacheable

#endif
