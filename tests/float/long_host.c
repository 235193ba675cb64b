// The host's floating-point operations against the integer arithmetic: 10^8 operands and more.
#include "tests/float/host.h"
#include "tests/tap.h"

int main(void) {
    host_compare(4000000);
    return done_testing();
}
