// Random instructions of every opcode on this machine's processor and on the model, a few seconds of them, the same
// each time, on processors whose differences were listed (allow.def). By hand: test_silicon [SEED [FIRST [COUNT
// [each]]]] begins at a case, tries COUNT, and tells each difference.
#include "tests/silicon/campaign.h"
#include "tests/silicon/silicon.h"
#include "tests/tap.h"
#include <stdlib.h>

enum { SEED = 1, CASES = 20000, SECONDS = 20 };

static uint64_t argument(int count, char **arguments, int n, uint64_t otherwise) {
    return count > n ? strtoull(arguments[n], NULL, 0) : otherwise;
}

int main(int count, char **arguments) {
    const char *why;
    if (!native_open(&why)) {
        skip("random instructions on this machine's processor", why);
        return done_testing();
    }
    if (native_is_intel() && count == 1) {
        skip("random instructions on this machine's processor",
             "what may differ was listed on processors of another vendor; long_silicon judges this one");
        native_close();
        return done_testing();
    }
    campaign(argument(count, arguments, 1, SEED), argument(count, arguments, 2, 0),
             argument(count, arguments, 3, CASES), count > 3 ? UINT32_MAX : SECONDS, count > 4);
    native_close();
    return done_testing();
}
