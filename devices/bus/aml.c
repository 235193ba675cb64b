// ACPI machine language. ACPI 6.3, 20.2 (grammar), 6.4 (resource data types).
// Package lengths always take three bytes, buffers have sizes below 256: simple, and valid (20.2.4).
#include "devices/bus/aml.h"
#include "cpu/state/outcome.h"
#include <string.h>

enum {
    ZERO_OP = 0x00,
    ONE_OP = 0x01,
    NAME_OP = 0x08,
    BYTE_PREFIX = 0x0a,
    WORD_PREFIX = 0x0b,
    DWORD_PREFIX = 0x0c,
    SCOPE_OP = 0x10,
    BUFFER_OP = 0x11,
    PACKAGE_OP = 0x12,
    EXT_OP = 0x5b,
    METHOD_OP = 0x14,
    DUAL_NAME_PREFIX = 0x2e,
    MULTI_NAME_PREFIX = 0x2f,
    REGION_OP = 0x80,
    FIELD_OP = 0x81,
    DEVICE_OP = 0x82,
    IF_OP = 0xa0,
};

static void put(struct aml *aml, const void *bytes, size_t count) {
    if (aml->overflow || count > aml->capacity - aml->size) {
        aml->overflow = true;
        return;
    }
    memcpy(aml->bytes + aml->size, bytes, count);
    aml->size += count;
}
static void put8(struct aml *aml, unsigned v) { put(aml, &(uint8_t){(uint8_t)v}, 1); }
static void put16(struct aml *aml, unsigned v) { put(aml, &(uint16_t){(uint16_t)v}, 2); }
static void put32(struct aml *aml, uint32_t v) { put(aml, &v, 4); }

// NameString: a root prefix and segments of four characters, padded with underscores; 20.2.2.
static void put_name(struct aml *aml, const char *name) {
    unsigned segments = 1;
    if (*name == '\\') put8(aml, (unsigned char)*name++);
    for (const char *p = name; *p; p++) segments += *p == '.';
    if (segments == 2) put8(aml, DUAL_NAME_PREFIX);
    if (segments > 2) put8(aml, MULTI_NAME_PREFIX), put8(aml, segments);
    for (; segments; segments--) {
        char segment[4] = {'_', '_', '_', '_'};
        size_t length = strcspn(name, ".");
        memcpy(segment, name, length < 4 ? length : 4);
        put(aml, segment, 4);
        name += length + (name[length] == '.');
    }
}

static void begin(struct aml *aml) {
    if (aml->depth == AML_DEPTH) {
        aml->overflow = true;
        return;
    }
    aml->open[aml->depth++] = aml->size;
    put(aml, "\0\0\0", 3);
}

// PkgLength: two bytes follow the first; the length counts itself.
void aml_end(struct aml *aml) {
    if (aml->overflow || !aml->depth) return;
    size_t start = aml->open[--aml->depth], length = aml->size - start;
    aml->bytes[start] = (uint8_t)(2 << 6 | (length & 15));
    aml->bytes[start + 1] = (uint8_t)(length >> 4);
    aml->bytes[start + 2] = (uint8_t)(length >> 12);
}

void aml_scope(struct aml *aml, const char *name) {
    put8(aml, SCOPE_OP);
    begin(aml);
    put_name(aml, name);
}

void aml_device(struct aml *aml, const char *name) {
    put8(aml, EXT_OP);
    put8(aml, DEVICE_OP);
    begin(aml);
    put_name(aml, name);
}

void aml_package(struct aml *aml, unsigned elements) {
    put8(aml, PACKAGE_OP);
    begin(aml);
    put8(aml, elements);
}

void aml_method(struct aml *aml, const char *name, unsigned arguments) {
    put8(aml, METHOD_OP);
    begin(aml);
    put_name(aml, name);
    put8(aml, arguments);
}

void aml_if(struct aml *aml) {
    put8(aml, IF_OP);
    begin(aml);
}

void aml_op(struct aml *aml, enum aml_opcode opcode) { put8(aml, opcode); }
void aml_reference(struct aml *aml, const char *name) { put_name(aml, name); }

void aml_config_region(struct aml *aml, const char *name, unsigned first, unsigned bytes) {
    enum { PCI_CONFIG_SPACE = 2 };
    put8(aml, EXT_OP);
    put8(aml, REGION_OP);
    put_name(aml, name);
    put8(aml, PCI_CONFIG_SPACE);
    aml_integer(aml, first);
    aml_integer(aml, bytes);
}

void aml_byte_fields(struct aml *aml, const char *region) {
    enum { BYTE_ACCESS = 1 };
    put8(aml, EXT_OP);
    put8(aml, FIELD_OP);
    begin(aml);
    put_name(aml, region);
    put8(aml, BYTE_ACCESS);
}
void aml_byte_field(struct aml *aml, const char *name) {
    put_name(aml, name);
    put8(aml, 8);
}

void aml_name(struct aml *aml, const char *name) {
    put8(aml, NAME_OP);
    put_name(aml, name);
}

void aml_integer(struct aml *aml, uint64_t value) {
    if (value == 0) {
        put8(aml, ZERO_OP);
    } else if (value == 1) {
        put8(aml, ONE_OP);
    } else if (value <= UINT8_MAX) {
        put8(aml, BYTE_PREFIX);
        put8(aml, (unsigned)value);
    } else if (value <= UINT16_MAX) {
        put8(aml, WORD_PREFIX);
        put16(aml, (unsigned)value);
    } else {
        put8(aml, DWORD_PREFIX);
        put32(aml, (uint32_t)value);
    }
}

static unsigned hexadecimal(char c) { return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10); }

// 19.3.4: three letters of five bits and four hexadecimal digits, most significant byte first.
void aml_eisa_id(struct aml *aml, const char *id) {
    uint32_t v = (uint32_t)(id[0] - '@') << 26 | (uint32_t)(id[1] - '@') << 21 | (uint32_t)(id[2] - '@') << 16 |
                 hexadecimal(id[3]) << 12 | hexadecimal(id[4]) << 8 | hexadecimal(id[5]) << 4 | hexadecimal(id[6]);
    put8(aml, DWORD_PREFIX);
    put32(aml, __builtin_bswap32(v));
}

void aml_device_id(struct aml *aml, const char *name, const char *eisa_id) {
    aml_device(aml, name);
    aml_name(aml, "_HID");
    aml_eisa_id(aml, eisa_id);
}

// A buffer: its size, known only at the end, is a byte integer after the package length.
void aml_resources(struct aml *aml) {
    put8(aml, BUFFER_OP);
    begin(aml);
    put8(aml, BYTE_PREFIX);
    put8(aml, 0);
}

void aml_resources_end(struct aml *aml) {
    put(aml, "\x79\0", 2); // end tag; checksum 0: not checked
    if (!aml->overflow && aml->depth) {
        size_t size_at = aml->open[aml->depth - 1] + 4, size = aml->size - size_at - 1;
        if (size > UINT8_MAX)
            aml->overflow = true;
        else
            aml->bytes[size_at] = (uint8_t)size;
    }
    aml_end(aml);
}

void aml_io(struct aml *aml, uint16_t base, uint8_t count) { // 6.4.2.5
    put8(aml, 0x47);
    put8(aml, 1); // decodes 16 bits
    put16(aml, base);
    put16(aml, base);
    put8(aml, 1);
    put8(aml, count);
}

void aml_interrupts(struct aml *aml, const uint8_t *inputs, unsigned count) {
    enum { EXTENDED_INTERRUPT = 0x89, CONSUMER_LEVEL_HIGH_SHARED = 9 };
    put8(aml, EXTENDED_INTERRUPT);
    put16(aml, 2 + 4 * count);
    put8(aml, CONSUMER_LEVEL_HIGH_SHARED);
    put8(aml, count);
    for (unsigned i = 0; i < count; i++) put32(aml, inputs[i]);
}

void aml_irq(struct aml *aml, unsigned irq) { // 6.4.2.1: edge-triggered, active high, exclusive
    put8(aml, 0x22);
    put16(aml, 1u << irq);
}

void aml_memory(struct aml *aml, uint32_t base, uint32_t bytes) { // 6.4.3.4
    put8(aml, 0x86);
    put16(aml, 9);
    put8(aml, 1);
    put32(aml, base);
    put32(aml, bytes);
}

// 6.4.3.5.2 and .3: address space descriptors. Producer, minimum and maximum fixed, positive decode.
enum { SPACE_MEMORY, SPACE_IO, SPACE_BUS, WINDOW_FLAGS = 0x0c };

static void window_word(struct aml *aml, unsigned space, unsigned type_flags, uint16_t first, uint16_t last) {
    put8(aml, 0x88);
    put16(aml, 13);
    put8(aml, space);
    put8(aml, WINDOW_FLAGS);
    put8(aml, type_flags);
    put16(aml, 0); // granularity
    put16(aml, first);
    put16(aml, last);
    put16(aml, 0); // translation
    put16(aml, (unsigned)(last - first + 1));
}

void aml_window_bus(struct aml *aml, uint16_t first, uint16_t last) { window_word(aml, SPACE_BUS, 0, first, last); }
void aml_window_io(struct aml *aml, uint16_t first, uint16_t last) { window_word(aml, SPACE_IO, 3, first, last); }

void aml_window_memory(struct aml *aml, uint32_t first, uint32_t last) {
    put8(aml, 0x87);
    put16(aml, 23);
    put8(aml, SPACE_MEMORY);
    put8(aml, WINDOW_FLAGS);
    put8(aml, 1); // read and write, not cacheable
    put32(aml, 0);
    put32(aml, first);
    put32(aml, last);
    put32(aml, 0);
    put32(aml, last - first + 1);
}
