// Tables of characters; see curses_key.h. KEY_DOWN and its like are ncurses' keys, KEY_down those of the machine.
#include "monitor/screen/curses_key.h"
#include "devices/input/keys.h"
#include <curses.h>
#include <stddef.h>
#include <string.h>
#include <term.h>

static const struct {
    int typed;
    struct curses_key key;
} others[] = {
    {KEY_DOWN, {KEY_down, 0, 0, 0}},
    {KEY_UP, {KEY_up, 0, 0, 0}},
    {KEY_LEFT, {KEY_left, 0, 0, 0}},
    {KEY_RIGHT, {KEY_right, 0, 0, 0}},
    {KEY_HOME, {KEY_home, 0, 0, 0}},
    {KEY_END, {KEY_end, 0, 0, 0}},
    {KEY_DC, {KEY_delete, 0, 0, 0}},
    {KEY_IC, {KEY_insert, 0, 0, 0}},
    {KEY_NPAGE, {KEY_pgdn, 0, 0, 0}},
    {KEY_PPAGE, {KEY_pgup, 0, 0, 0}},
    {KEY_ENTER, {KEY_kp_enter, 0, 0, 0}},
    {KEY_BTAB, {KEY_tab, true, 0, 0}},
    {KEY_BACKSPACE, {KEY_backspace, 0, 0, 0}},
    {0x7f, {KEY_backspace, 0, 0, 0}},
    {'\b', {KEY_backspace, 0, 0, 0}},
    {'\t', {KEY_tab, 0, 0, 0}},
    {'\r', {KEY_ret, 0, 0, 0}},
    {'\n', {KEY_ret, 0, 0, 0}},
    {0x1b, {KEY_esc, 0, 0, 0}},
    {' ', {KEY_spc, 0, 0, 0}},
};

// An American keyboard: what stands on the keys from a number on, without SHIFT and with.
static const struct {
    uint8_t first;
    const char *plain, *shifted;
} rows[] = {{KEY_1, "1234567890-=", "!@#$%^&*()_+"},
            {KEY_q, "qwertyuiop[]", "QWERTYUIOP{}"},
            {KEY_a, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
            {KEY_backslash, "\\zxcvbnm,./", "|ZXCVBNM<>?"}};

static bool printed(int typed, struct curses_key *key) {
    for (unsigned i = 0; typed > ' ' && typed < 0x7f && i < sizeof rows / sizeof *rows; i++) {
        const char *plain = strchr(rows[i].plain, typed), *shifted = strchr(rows[i].shifted, typed);
        if (!plain && !shifted) continue;
        long place = plain ? plain - rows[i].plain : shifted - rows[i].shifted;
        *key = (struct curses_key){.key = (uint8_t)(rows[i].first + place), .shift = !plain};
        return true;
    }
    return false;
}

bool curses_knows_terminal(void) {
    enum { OUTPUT = 1 };
    int known = 0;
    return setupterm(NULL, OUTPUT, &known) == OK && known == 1;
}

bool curses_key_of(int typed, struct curses_key *key) {
    enum { FUNCTION_KEYS = 12, LETTERS = 26 };
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        if (others[i].typed != typed) continue;
        *key = others[i].key;
        return true;
    }
    if (typed > KEY_F0 && typed <= KEY_F0 + FUNCTION_KEYS) {
        int number = typed - KEY_F0;
        *key = (struct curses_key){.key = (uint8_t)(number <= 10 ? KEY_f1 + number - 1 : KEY_f11 + number - 11)};
        return true;
    }
    if (typed >= 1 && typed <= LETTERS && printed(typed + 'a' - 1, key)) return key->control = true;
    return printed(typed, key);
}

uint16_t curses_character(uint8_t code) {
    static const uint16_t low[32] = {' ',    0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022,
                                     0x25d8, 0x25cb, 0x25d9, 0x2642, 0x2640, 0x266a, 0x266b, 0x263c,
                                     0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7, 0x25ac, 0x21a8,
                                     0x2191, 0x2193, 0x2192, 0x2190, 0x221f, 0x2194, 0x25b2, 0x25bc};
    static const uint16_t high[129] = {
        0x2302, 0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef,
        0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff,
        0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1,
        0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593,
        0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
        0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560,
        0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518,
        0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5,
        0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264,
        0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, ' '};
    return code < 32 ? low[code] : code < 0x7f ? code : high[code - 0x7f];
}
