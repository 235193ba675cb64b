// An interrupt line, as a value: a chip holds one for each output and sets its level; the board decides where it ends.
#ifndef DEVICES_LINE_H
#define DEVICES_LINE_H
#include <stdbool.h>

struct line {
    void (*set)(void *owner, unsigned input, bool level); // NULL: not connected
    void *owner;
    unsigned input;
};

static inline void line_set(const struct line *line, bool level) {
    if (line->set) line->set(line->owner, line->input, level);
}

#endif
