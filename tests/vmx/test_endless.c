// A guest whose handler of #AC runs at CPL 3 on a misaligned stack: delivering the exception raises it again, for ever
// (XSA-156, CVE-2015-5307). What breaks in is a VM exit, which says what was being delivered. SDM Vol. 3C, 27.2.4.
#include "tests/vmx/bench.h"

#define PUSH_EAX "50"
enum { USER_CODE = 0x28, USER_DATA = 0x20, IDT_AC = AT_IDT + 8 * VECTOR_AC, VALID_AC = 0x80000b00 | VECTOR_AC };

static struct bench *endless(void) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_off(b, ENTRY, IA32E_MODE_GUEST);
    bench_on(b, PROC2, UNRESTRICTED_GUEST);
    bench_set(b, GUEST_EFER, 0);
    bench_set(b, GUEST_CR0, (bench_field(b, GUEST_CR0) & ~(uint64_t)CR0_PG) | CR0_AM);
    bench_set(b, GUEST_CS_SELECTOR, USER_CODE | 3);
    bench_set(b, GUEST_CS_RIGHTS, 0xc0fb);
    for (unsigned s = ES; s <= GS; s++) {
        if (s == CS) continue;
        bench_write(b, FIELD_GUEST_ES_SELECTOR + s, USER_DATA | 3);
        bench_write(b, FIELD_GUEST_ES_RIGHTS + s, 0xc0f3);
    }
    bench_store(b, AT_GDT + USER_CODE, 8, 0x00cffb000000ffff);
    bench_store(b, AT_GDT + USER_DATA, 8, 0x00cff3000000ffff);
    bench_store(b, IDT_AC, 8,
                (uint64_t)(AT_HANDLER & 0xffff) | (uint64_t)(USER_CODE | 3) << 16 | 0xee00ull << 32 |
                    (uint64_t)(AT_HANDLER >> 16) << 48);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_AC);
    bench_set(b, GUEST_RSP, AT_GUEST_STACK + 2);
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_AC));
    bench_guest(b, PUSH_EAX);
    return b;
}

static void inject(struct bench *b) {
    bench_set(b, ENTRY_INTERRUPTION, VALID_AC);
    bench_set(b, ENTRY_ERROR_CODE, 0);
}

int main(void) {
    struct bench *b = endless();
    ok(bench_enter(b, 9) == EXIT_EXCEPTION_NMI && bench_field(b, EXIT_INTERRUPTION) == VALID_AC &&
           !(bench_field(b, IDT_VECTORING) & BIT(31)),
       "the guest's own #AC exits");
    for (unsigned i = 0; i < 3; i++) {
        inject(b);
        ok(bench_reenter(b, 9) == EXIT_EXCEPTION_NMI && bench_field(b, EXIT_INTERRUPTION) == VALID_AC &&
               bench_field(b, EXIT_ERROR_CODE) == 1,
           "injected, it comes up again, with EXT");
        ok(bench_field(b, IDT_VECTORING) == VALID_AC && bench_field(b, IDT_VECTORING_ERROR_CODE) == 0 &&
               bench_field(b, GUEST_RIP) == AT_GUEST_CODE && bench_field(b, GUEST_RSP) == AT_GUEST_STACK + 2,
           "and IDT-vectoring information tells of the injected one; the guest's state is as it was");
    }
    bench_store(b, AT_HANDLER, 2, 0xfeeb); // it stays there
    bench_set(b, GUEST_RSP, AT_GUEST_STACK);
    inject(b);
    ok(bench_reenter(b, 1) == ~0u && field(b->cpu, "rip") == AT_HANDLER && gpr(b->cpu, RSP) == AT_GUEST_STACK - 16,
       "on an aligned stack it is delivered");
    bench_free(b);
    b = endless();
    bench_set(b, EXCEPTION_BITMAP, 0);
    ok(bench_enter(b, 9) == EXIT_TRIPLE_FAULT, "without the exit the loop ends all the same");
    bench_free(b);
    return done_testing();
}
