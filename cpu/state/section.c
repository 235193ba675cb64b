// The texts of the sections that rows cite.
#include "cpu/state/section.h"

const struct section_text section_texts[SECTION_COUNT] = {
#define SECTION(name, volume, number, title) {"SDM Vol. " volume ", " number, title},
#include "cpu/state/section.def"
#undef SECTION
};
