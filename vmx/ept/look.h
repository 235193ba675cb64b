// The walk of EPT as a question, and an access through both stages as a question: what would come of it, and from which
// entries? Nothing is used, filled or set. By the rows that the processor walks by. SDM Vol. 3C, 28.3.
#ifndef VMX_EPT_LOOK_H
#define VMX_EPT_LOOK_H
#include "cpu/memory/look.h"
#include "vmx/ept/entry.h"

// The rules of this processor for these tables.
struct ept_rules ept_rules_with(const struct cpu *cpu, uint64_t eptp, bool user_execute);
// Walks a guest-physical address. True when the verdict is LOOK_MAPS; LOOK_RESERVED: misconfiguration.
bool ept_look(const struct ept_rules *rules, const struct look_memory *memory, uint64_t eptp, uint64_t guest_physical,
              struct table_look *look);

// Physical memory: `bytes` up to 8 within a page. False: there is no RAM.
struct look_physical {
    void *context;
    bool (*read)(void *context, uint64_t physical, unsigned bytes, uint64_t *value);
};
struct access_question {
    struct look_roots roots;
    struct look_physical memory;
    bool second_stage;
    uint64_t eptp;
    struct ept_rules ept;
};
enum access_verdict {
    ACCESS_DONE,
    ACCESS_PAGE_FAULT,
    ACCESS_EPT_VIOLATION,
    ACCESS_EPT_MISCONFIGURATION,
    ACCESS_NOT_CANONICAL,
    ACCESS_NO_MEMORY, // a table lies outside RAM
};
struct access_answer {
    enum access_verdict verdict;
    uint64_t physical;       // ACCESS_DONE
    uint64_t guest_physical; // of the page, or of what EPT refuses
    uint32_t error_code;
    uint64_t qualification;
    struct second_stage_access refused; // what EPT refuses: of a guest's table, or of the page
    struct table_look first, second;    // second: the walk that ends the access, or of the page
};
void ask_access(const struct access_question *question, uint64_t linear, const struct translation_access *access,
                struct access_answer *answer);

#endif
