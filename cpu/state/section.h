// Sections of the manual that rows cite, by name: one that is not in section.def does not compile.
#ifndef CPU_SECTION_H
#define CPU_SECTION_H

enum section {
#define SECTION(name, volume, number, title) SECTION_##name,
#include "cpu/state/section.def"
#undef SECTION
    SECTION_COUNT
};
struct section_text {
    const char *number, *title; // "SDM Vol. 3A, 4.5.4"
};
extern const struct section_text section_texts[SECTION_COUNT];

#endif
