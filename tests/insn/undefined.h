// Flags that the SDM leaves undefined after an instruction (Vol. 2, "Flags Affected"): they are compared with the host
// only where the host is a processor whose behaviour we model.
#ifndef TESTS_INSN_UNDEFINED_H
#define TESTS_INSN_UNDEFINED_H
#include "cpu/state/flags.h"
#include <string.h>

static const struct {
    const char *mnemonic;
    uint64_t flags;
    const char *manual;
} undefined_flags[] = {
    {"and", FLAG_AF, "The state of the AF flag is undefined."},
    {"or", FLAG_AF, "The state of the AF flag is undefined."},
    {"xor", FLAG_AF, "the state of the AF flag is undefined."},
    {"test", FLAG_AF, "The state of the AF flag is undefined."},
    {"andn", FLAG_AF | FLAG_PF, "The AF and PF flags are undefined."},
    {"mul", FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF, "The SF, ZF, AF, and PF flags are undefined."},
    {"imul", FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF, "The SF, ZF, AF, and PF flags are undefined."},
    {"div", FLAGS_ARITHMETIC, "The CF, OF, SF, ZF, AF, and PF flags are undefined."},
    {"idiv", FLAGS_ARITHMETIC, "The CF, OF, SF, ZF, AF, and PF flags are undefined."},
    {"shl", FLAG_OF | FLAG_AF | FLAG_CF,
     "CF is undefined where the count is not less than the size; OF for counts but 1; AF."},
    {"shr", FLAG_OF | FLAG_AF | FLAG_CF,
     "CF is undefined where the count is not less than the size; OF for counts but 1; AF."},
    {"sar", FLAG_OF | FLAG_AF, "The OF flag is affected only on 1-bit shifts; AF is undefined."},
    {"rol", FLAG_OF, "The OF flag is affected only for single-bit rotates; it is undefined for multi-bit rotates."},
    {"ror", FLAG_OF, "The OF flag is affected only for single-bit rotates; it is undefined for multi-bit rotates."},
    {"rcl", FLAG_OF, "The OF flag is affected only for single-bit rotates; it is undefined for multi-bit rotates."},
    {"rcr", FLAG_OF, "The OF flag is affected only for single-bit rotates; it is undefined for multi-bit rotates."},
    {"shld", FLAG_OF | FLAG_AF, "For shifts greater than 1 bit, the OF flag is undefined; AF is undefined."},
    {"shrd", FLAG_OF | FLAG_AF, "For shifts greater than 1 bit, the OF flag is undefined; AF is undefined."},
    {"bt", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, "The OF, SF, AF, and PF flags are undefined."},
    {"bts", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, "The OF, SF, AF, and PF flags are undefined."},
    {"btr", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, "The OF, SF, AF, and PF flags are undefined."},
    {"btc", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, "The OF, SF, AF, and PF flags are undefined."},
    {"bsf", FLAGS_ARITHMETIC & ~FLAG_ZF, "The CF, OF, SF, AF, and PF flags are undefined."},
    {"bsr", FLAGS_ARITHMETIC & ~FLAG_ZF, "The CF, OF, SF, AF, and PF flags are undefined."},
    {"tzcnt", FLAG_OF | FLAG_SF | FLAG_PF | FLAG_AF, "OF, SF, PF, and AF flags are undefined."},
    {"lzcnt", FLAG_OF | FLAG_SF | FLAG_PF | FLAG_AF, "OF, SF, PF and AF flags are undefined."},
    {"blsr", FLAG_AF | FLAG_PF, "The AF and PF flags are undefined."},
    {"blsmsk", FLAG_AF | FLAG_PF, "AF and PF flags are undefined."},
    {"blsi", FLAG_AF | FLAG_PF, "AF and PF flags are undefined."},
    {"bzhi", FLAG_AF | FLAG_PF, "The AF and PF flags are undefined."},
    {"aaa", FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF, "The OF, SF, ZF, and PF flags are undefined."},
    {"aas", FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF, "The OF, SF, ZF, and PF flags are undefined."},
    {"daa", FLAG_OF, "The OF flag is undefined."},
    {"das", FLAG_OF, "The OF flag is undefined."},
    {"aam", FLAG_OF | FLAG_AF | FLAG_CF, "The OF, AF, and CF flags are undefined."},
    {"aad", FLAG_OF | FLAG_AF | FLAG_CF, "The OF, AF, and CF flags are undefined."},
    {"bextr", FLAG_AF | FLAG_SF | FLAG_PF, "The AF, SF, and PF flags are undefined."},
};

static inline uint64_t flags_undefined(const char *mnemonic) {
    for (unsigned i = 0; i < sizeof(undefined_flags) / sizeof(undefined_flags[0]); i++)
        if (strcmp(undefined_flags[i].mnemonic, mnemonic) == 0) return undefined_flags[i].flags;
    return 0;
}

#endif
