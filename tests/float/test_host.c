// The host's floating-point operations against the integer arithmetic: more than a million operands.
#include "tests/float/host.h"
#include "tests/tap.h"

int main(void) {
    host_compare(40000);
    return done_testing();
}
