// Whether a translation permits an access: the rows of access_right.def. SDM Vol. 3A, 4.6; 4.7 for the error code.
#ifndef CPU_RIGHTS_H
#define CPU_RIGHTS_H
#include "cpu/memory/entry.h"
#include "cpu/memory/paging.h"

enum page_fault_bit {
#define FAULT_BIT(name, bit, when, text) PF_##name = 1 << (bit),
#include "cpu/memory/access_right.def"
#undef FAULT_BIT
};

#include "cpu/memory/words.h"
// `rights`: TLB_WRITE, TLB_USER, TLB_EXECUTE of all entries together, and the protection key at TLB_PKEY_SHIFT.
ALWAYS_INLINE bool access_permitted(const struct paging_rules *rules, uint64_t rights,
                                    const struct translation_access *access) {
#define ACCESS_RIGHT(name, when, must, error, section, text)                                                           \
    if ((when) && !(must)) return false;
#include "cpu/memory/access_right.def"
#undef ACCESS_RIGHT
    return true;
}

// Why there is a page fault.
struct page_fault_cause {
    bool found;          // every entry is present
    bool reserved;       // one sets a reserved bit
    bool protection_key; // that is at least one reason
};
static inline uint32_t page_fault_code(const struct paging_rules *rules, const struct translation_access *access,
                                       const struct page_fault_cause *outcome) {
    return 0
#define FAULT_BIT(name, bit, when, text) | ((when) ? PF_##name : 0u)
#include "cpu/memory/access_right.def"
#undef FAULT_BIT
        ;
}
#include "cpu/memory/words.h"

// The cause of the fault of an access that is not permitted.
struct page_fault_cause access_forbidden(const struct paging_rules *rules, uint64_t rights,
                                         const struct translation_access *access);

// For those who explain: row by row.
struct access_right_read {
    const char *what; // "CR0.WP", "U/S", "PKRU"
    uint64_t value;
};
enum { ACCESS_RIGHT_READS = 8 };
struct access_right {
    const char *name, *text;
    uint8_t section; // enum section
    bool applies, holds;
    unsigned reads;
    struct access_right_read read[ACCESS_RIGHT_READS];
};
// False past the last row.
bool access_right_row(unsigned row, const struct paging_rules *rules, uint64_t rights,
                      const struct translation_access *access, struct access_right *out);
// "RSVD" and its meaning when it is 1; false: not a bit of the error code.
bool page_fault_bit_row(unsigned bit, const char **name, const char **text);

#endif
