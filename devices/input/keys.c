// The table of keys; see keys.h.
#include "devices/input/keys.h"
#include <stddef.h>
#include <string.h>

static const struct key_row rows[] = {
#define KEY(name, prefix, set1, set2, set3)                                                                            \
    {#name, (set1) | ((prefix) ? KEY_EXTENDED : 0), {0, set1, set2, set3}, (prefix) != 0},
#include "devices/input/key.def"
};
enum { ROWS = sizeof rows / sizeof *rows };

static const struct {
    const char *name, *of;
} others[] = {
    {"ctrl_l", "ctrl"},   {"alt_l", "alt"},
    {"shift_l", "shift"}, {"kp_multiply", "asterisk"},
    {"altgr", "alt_r"},   {"kp_period", "kp_decimal"},
    {"compose", "menu"},  {"escape", "esc"},
    {"return", "ret"},    {"space", "spc"},
    {"page_up", "pgup"},  {"page_down", "pgdn"},
    {"enter", "ret"},
};

const struct key_row *key_at(unsigned index) { return index < ROWS ? &rows[index] : NULL; }

const struct key_row *key_numbered(uint8_t number) {
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].number == number) return &rows[i];
    return NULL;
}

const struct key_row *key_named(const char *name) {
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(others[i].name, name)) name = others[i].of;
    for (unsigned i = 0; i < ROWS; i++)
        if (!strcmp(rows[i].name, name)) return &rows[i];
    return NULL;
}

// Rows without the prefix come first: with it the codes translate alike.
uint8_t key_translated(uint8_t code) {
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].code[2] == code) return rows[i].code[1];
    return code;
}
