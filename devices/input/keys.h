// The keys of a keyboard: their numbers, names and scan codes (key.def).
#ifndef DEVICES_KEYS_H
#define DEVICES_KEYS_H
#include <stdbool.h>
#include <stdint.h>

enum { KEY_EXTENDED = 0x80, KEY_NUMBERS = 256 };
#define KEY(name, prefix, set1, set2, set3) KEY_##name = (set1) | ((prefix) ? KEY_EXTENDED : 0),
enum key_number {
#include "devices/input/key.def"
};

struct key_row {
    const char *name;
    uint8_t number;  // enum key_number
    uint8_t code[4]; // by set: 1, 2, 3; 0: it has none
    bool prefix;     // E0H comes before it in sets 1 and 2
};
const struct key_row *key_at(unsigned index);       // NULL past the last row
const struct key_row *key_numbered(uint8_t number); // NULL: there is no such key
// By name, as sendkey has it: those of key.def, and QEMU's other spellings of some.
const struct key_row *key_named(const char *name);
// What the keyboard controller makes of a code of set 2; 8042: bytes from 80H on that are no codes pass as they are.
uint8_t key_translated(uint8_t code);

#endif
