// A judge of translations that shares nothing with the program: the tables of the manual once more, as masks. What the
// processor does and what is said about it are both measured against it.
#ifndef TESTS_VMX_WALK_JUDGE_H
#define TESTS_VMX_WALK_JUDGE_H
#include "tests/vmx/bench.h"
#include "vmx/ept/look.h"

struct judge {
    const uint8_t *ram;
    struct paging_rules rules;
    uint64_t cr3, pdpte[4];
    bool ept;
    uint64_t eptp;
    bool execute_only, page_2m, page_1g, user_execute, flags; // of EPT
};
struct judged {
    enum access_verdict verdict;
    uint64_t physical, qualification;
    uint32_t error_code;
    uint64_t bad;    // of the entry that ends it: reserved bits that are set, or what misconfigures it
    uint64_t rights; // of a page that is mapped: TLB_WRITE, TLB_USER, TLB_EXECUTE
};
struct judged judge_access(const struct judge *j, uint64_t linear, const struct translation_access *access);

#endif
