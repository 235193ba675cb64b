// Random instructions of every opcode on this machine's processor and on the model, a few seconds of them, the same
// each time. On a processor of Intel's, whose differences nobody has listed yet, what has no row in allow.def is a
// remark. By hand: test_silicon [SEED [FIRST [COUNT [each]]]] begins at a case, tries COUNT, and tells each difference.
#include "tests/silicon/campaign.h"
#include "tests/silicon/silicon.h"
#include "tests/tap.h"
#include <stdlib.h>

enum { SEED = 1, CASES = 20000, SECONDS = 20, OTHERS_CASES = 500 };

static uint64_t argument(int count, char **arguments, int n, uint64_t otherwise) {
    return count > n ? strtoull(arguments[n], NULL, 0) : otherwise;
}

// The same processor taken for one of the other vendor's: its own rows do not count, and what they allowed is remarked.
static void other_vendor(struct campaign_plan plan) {
    bool intel = native_is_intel();
    native_take_for_intel(!intel);
    plan.count = OTHERS_CASES, plan.as_remarks = true;
    unsigned remarks = campaign(&plan);
    ok(intel || remarks > 0, "what has no row of the vendor's is a remark (%u)", remarks);
    native_take_for_intel(intel);
}

int main(int count, char **arguments) {
    const char *why;
    if (!native_open(&why)) {
        skip("random instructions on this machine's processor", why);
        return done_testing();
    }
    struct campaign_plan plan = {.seed = argument(count, arguments, 1, SEED),
                                 .first = argument(count, arguments, 2, 0),
                                 .count = argument(count, arguments, 3, CASES),
                                 .seconds = count > 3 ? UINT32_MAX : SECONDS,
                                 .each = count > 4,
                                 .as_remarks = native_is_intel()};
    campaign(&plan);
    if (count == 1) other_vendor(plan);
    native_close();
    return done_testing();
}
