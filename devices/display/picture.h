// What a display shows, as a front end pulls it: dots, and which rows are not what they were at the last pull. Looking
// changes nothing of the machine.
#ifndef DEVICES_PICTURE_H
#define DEVICES_PICTURE_H
#include "cpu/pages/pages.h"

enum { PICTURE_TEXT_COLUMNS = 256, PICTURE_TEXT_ROWS = 128 };

struct picture {
    uint32_t width, height;
    uint32_t *dot;    // rows one after the other; 00RRGGBBH
    uint8_t *changed; // of each row: 1: it is not what it was
    uint32_t changes; // how many are
    bool resized;
    // In text modes, the characters behind the dots: code and attribute; 0 columns: it is none.
    uint32_t columns, rows;
    uint16_t *text;
    int32_t cursor; // its cell; -1: it is not seen
    // its own
    uint64_t seen;           // hash of the registers that the last picture was drawn from
    const struct area *area; // whose pages are watched
    uint8_t *dirty;          // of each page: 1: it was stored to since the last pull
    bool all;                // everything is drawn anew
    size_t capacity, lines;  // of dot and changed
    uint32_t *row;           // where one is drawn before it is compared
    struct page_watcher watcher;
};

// For displays. False: memory is short, or a side is 0 or larger than 16384.
bool picture_begin(struct picture *picture, uint32_t width, uint32_t height, uint64_t registers);
bool picture_is_dirty(const struct picture *picture, uint64_t first, uint64_t bytes); // of the area
void picture_put(struct picture *picture, uint32_t y);                                // what lies in `row`

#endif
