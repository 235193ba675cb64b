#include "tests/field.h"
#include "tests/vmx/small_pages.h"
#include "cpu/memory/tlb.h"
#include <string.h>

void small_pages_map(struct bench *b, uint64_t table, uint64_t bits) {
    for (uint64_t i = 0; i < 512; i++) bench_store(b, table + 8 * i, 8, i << 12 | bits);
}

uint64_t small_pages_other_eptp(struct bench *b) {
    for (unsigned i = 0; i < 4; i++) memcpy(b->ram + OTHER_EPT + 0x1000 * i, b->ram + AT_EPT_PML4 + 0x1000 * i, 0x1000);
    for (unsigned i = 0; i < 3; i++) bench_store(b, OTHER_EPT + 0x1000 * i, 8, (OTHER_EPT + 0x1000 * (i + 1)) | 7);
    return OTHER_EPT | (bench_field(b, EPT_POINTER) & 0xfff);
}

struct bench *small_pages(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    small_pages_map(b, AT_PT, P | W | U);
    for (uint64_t i = PAGES >> 12; i < 512; i++)
        if ((i - (PAGES >> 12)) % 3 == 2) bench_store(b, AT_PT + 8 * i, 8, i << 12 | P | W | U | G);
    bench_store(b, AT_PD, 8, AT_PT | P | W | U);
    tlb_flush_vpid(b->cpu, 0, true);
    gpr_put(b->cpu, RBX, PAGES);
    return b;
}

uint32_t small_pages_enter(struct bench *b) {
    bench_set(b, GUEST_RIP, AT_GUEST_CODE);
    return bench_vmx(b)->vmcs->launched ? bench_reenter(b, 20) : bench_enter(b, 20);
}
