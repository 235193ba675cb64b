// Characters of a terminal and keys of the machine.
#ifndef MONITOR_CURSES_KEY_H
#define MONITOR_CURSES_KEY_H
#include <stdbool.h>
#include <stdint.h>

struct curses_key {
    uint8_t key; // enum key_number
    bool shift, control, alt;
};
bool curses_knows_terminal(void); // TERM names one that can be drawn on
// The presses that give what a terminal sent (a byte, or a key as ncurses numbers it). False: there are none.
bool curses_key_of(int typed, struct curses_key *key);
// What a code of the PC's character set (code page 437) looks like, in Unicode.
uint16_t curses_character(uint8_t code);

#endif
