// What error codes say, bit by bit; see fault.h. The rows of cpu/memory/access_right.def and error_code.def.
#include "cpu/memory/rights.h"
#include "cpu/state/section.h"
#include "monitor/faults/fault.h"

static const struct place nowhere = {.space = PLACE_NONE};

static void add_bits(struct fact *fact, uint64_t code, uint64_t bits) {
    fact->holds = code & bits;
    fact_value(fact, "error code", nowhere, code, bits, bits);
}

unsigned page_fault_code_facts(uint64_t code, struct fact *facts, unsigned count, unsigned max) {
    const char *name, *text;
    for (unsigned bit = 0; bit < PAGE_FAULT_BITS && count < max; bit++) {
        if (!page_fault_bit_row(bit, &name, &text)) continue;
        facts[count] = (struct fact){.rule = name,
                                     .section = section_texts[SECTION_S4_7].number,
                                     .section_title = section_texts[SECTION_S4_7].title,
                                     .text = text};
        add_bits(&facts[count++], code, BIT(bit));
    }
    return count;
}

static const struct {
    const char *name, *text;
    uint64_t bits;
} rows[] = {
#define SELECTOR_BITS(name, high, low, text) {#name, text, BITS(high, low)},
#include "monitor/faults/error_code.def"
#undef SELECTOR_BITS
};

unsigned selector_code_facts(uint64_t code, struct fact *facts, unsigned count, unsigned max) {
    for (unsigned i = 0; i < sizeof rows / sizeof *rows && count < max; i++) {
        facts[count] = (struct fact){.rule = rows[i].name,
                                     .section = section_texts[SECTION_S6_13].number,
                                     .section_title = section_texts[SECTION_S6_13].title,
                                     .text = rows[i].text};
        add_bits(&facts[count++], code, rows[i].bits);
    }
    return count;
}
