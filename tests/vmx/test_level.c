// Levels, as found out by watching: this program is the hypervisor at level 0, its guests only execute the instructions
// that tell. What vmx/level/level.c should conclude follows from the order, as a nested hypervisor would make it.
#include "tests/vmx/bench.h"
#include "vmx/level/view.h"

// VMCS pointers in the guests' memory; and the operands of their VMPTRLDs, which L1 and L2 have at the same places.
enum { L1_FOR_L2 = 0x111000, L1_FOR_L3 = 0x112000, L2_FOR_L3 = 0x222000 };
#define VMPTRLD_DATA_0 "0f c7 34 25 00 e0 00 00"
#define VMPTRLD_DATA_8 "0f c7 34 25 08 e0 00 00"
#define VMPTRLD_DATA_16 "0f c7 34 25 10 e0 00 00"
#define VMCLEAR_DATA_0 "66 0f c7 34 25 00 e0 00 00"
#define VMXON_DATA_0 "f3 0f c7 34 25 00 e0 00 00"
#define VMLAUNCH "0f 01 c2"
#define VMRESUME "0f 01 c3"
#define HLT "f4"

static struct vmx_level_info info(struct bench *b, unsigned level) {
    struct vmx_level_info i = {0};
    if (!vmx_level_info(b->cpu, level, &i)) i.level = ~0u;
    return i;
}

// The guest of VMCS `vmcs` executes this and exits.
static uint32_t guest_does(struct bench *b, uint64_t vmcs, const char *hex) {
    bench_vmptrld(b, vmcs);
    bench_guest(b, hex);
    return bench_vmx(b)->vmcs->launched ? bench_reenter(b, 5) : bench_enter(b, 5);
}

static struct bench *levels_new(void) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_store(b, AT_DATA, 8, L1_FOR_L2);
    bench_store(b, AT_DATA + 8, 8, L2_FOR_L3);
    bench_store(b, AT_DATA + 16, 8, L1_FOR_L3);
    return b;
}

// L1 launches L2 with the VMCS at L1_FOR_L2; the processor runs it with AT_VMCS2.
static void launch_l2(struct bench *b) {
    guest_does(b, AT_VMCS, VMPTRLD_DATA_0);
    guest_does(b, AT_VMCS, VMLAUNCH);
    bench_vmclear(b, AT_VMCS2);
    bench_vmptrld(b, AT_VMCS2);
    bench_valid_vmcs(b);
    guest_does(b, AT_VMCS2, VMXON_DATA_0);
}

// L2 launches L3 with the VMCS at L2_FOR_L3; L1 has L1_FOR_L3 for it; the processor has AT_VMCS2 again.
static void launch_l3(struct bench *b) {
    guest_does(b, AT_VMCS2, VMPTRLD_DATA_8);
    guest_does(b, AT_VMCS, HLT); // L1 sees that
    guest_does(b, AT_VMCS, VMRESUME);
    guest_does(b, AT_VMCS2, VMLAUNCH);
    guest_does(b, AT_VMCS, VMPTRLD_DATA_16);
    guest_does(b, AT_VMCS, VMLAUNCH);
}

static void test_two(void) {
    struct bench *b = levels_new();
    ok(guest_does(b, AT_VMCS, VMPTRLD_DATA_0) == EXIT_VMPTRLD && info(b, 1).current == L1_FOR_L2,
       "the operand of level 1's VMPTRLD");
    launch_l2(b);
    ok(vmx_exit_count(b->cpu, 2, EXIT_VMXON) == 1 && vmx_exit_count(b->cpu, 1, EXIT_VMLAUNCH) == 1, "level 2 runs");
    struct vmx_level_info i = info(b, 2);
    ok(i.vmcs == L1_FOR_L2 && i.hardware == AT_VMCS2 && i.in_hardware && !i.running, "level 2's VMCSs");
    i = info(b, 1);
    ok(i.vmcs == AT_VMCS && i.hardware == AT_VMCS && i.in_hardware, "level 1's VMCS");
    guest_does(b, AT_VMCS, HLT);
    ok(vmx_exit_count(b->cpu, 1, EXIT_HLT) == 1 && info(b, 3).level == ~0u, "an exit reflected to level 1");
    // A failed VMLAUNCH: level 1 goes on with its own VMCS.
    guest_does(b, AT_VMCS, VMLAUNCH);
    guest_does(b, AT_VMCS, HLT);
    ok(vmx_exit_count(b->cpu, 1, EXIT_HLT) == 2 && info(b, 1).vmcs == AT_VMCS,
       "level 1 remains level 1 when its VMLAUNCH fails");
    bench_free(b);
}

static void test_three(void) {
    struct bench *b = levels_new();
    uint64_t rip = 0;
    launch_l2(b);
    launch_l3(b);
    bench_vmptrld(b, AT_VMCS2);
    uint64_t of_l2 = bench_field(b, GUEST_RIP);
    bench_set(b, GUEST_RIP, AT_GUEST_CODE + 0x800); // level 3 is elsewhere
    ok(guest_does(b, AT_VMCS2, HLT) == EXIT_HLT && vmx_exit_count(b->cpu, 3, EXIT_HLT) == 1, "level 3 runs");
    struct vmx_level_info i = info(b, 3);
    ok(i.vmcs == L2_FOR_L3 && i.hardware == AT_VMCS2 && i.in_hardware, "level 3's VMCSs");
    i = info(b, 2);
    ok(i.vmcs == L1_FOR_L2 && i.current == L2_FOR_L3 && i.hardware == AT_VMCS2 && !i.in_hardware,
       "level 2's, in the way");
    ok(info(b, 1).current == L1_FOR_L3, "level 1 has loaded the one for level 3");
    ok(vmx_level_read(b->cpu, 2, FIELD_GUEST_RIP, &rip) && rip == of_l2, "level 2's state is still known");
    ok(vmx_level_read(b->cpu, 3, FIELD_GUEST_RIP, &rip) && rip == AT_GUEST_CODE + 0x800, "and level 3's");
    // Level 1 resumes level 2 with its VMCS for it.
    guest_does(b, AT_VMCS, VMPTRLD_DATA_0);
    guest_does(b, AT_VMCS, VMRESUME);
    guest_does(b, AT_VMCS2, HLT);
    ok(vmx_exit_count(b->cpu, 2, EXIT_HLT) == 1, "level 2 again, through the same VMCS");
    // It resumes level 3, which level 1 does for it.
    guest_does(b, AT_VMCS2, VMRESUME);
    guest_does(b, AT_VMCS, VMPTRLD_DATA_16);
    guest_does(b, AT_VMCS, VMRESUME);
    guest_does(b, AT_VMCS2, HLT);
    ok(vmx_exit_count(b->cpu, 3, EXIT_HLT) == 2, "and level 3");
    bench_free(b);
}

// Level 1 gives up the VMCS of the stand-in, and uses the page for a guest that is no hypervisor's.
static void test_vmclear(void) {
    struct bench *b = levels_new();
    launch_l2(b);
    launch_l3(b);
    guest_does(b, AT_VMCS2, HLT);
    guest_does(b, AT_VMCS, VMCLEAR_DATA_0);
    ok(info(b, 1).current == L1_FOR_L3, "VMCLEAR of another VMCS");
    bench_vmclear(b, AT_VMCS2);
    guest_does(b, AT_VMCS, HLT);
    bench_vmptrld(b, AT_VMCS2);
    bench_valid_vmcs(b);
    bench_set(b, GUEST_CR3, AT_PML4 | BIT(4)); // a guest of its own
    guest_does(b, AT_VMCS2, HLT);
    ok(vmx_exit_count(b->cpu, 1, EXIT_HLT) == 3 && vmx_exit_count(b->cpu, 3, EXIT_HLT) == 1,
       "a VMCS that was cleared and is entered without anybody's VMLAUNCH is for a guest");
    bench_free(b);
}

// What one processor has seen holds for the other, where both VMCSs are moved to, as KVM does it.
static void test_processors(void) {
    struct bench *a = levels_new(), *b = levels_new();
    vmx_share(b->cpu, a->cpu);
    launch_l2(a);
    bench_vmclear(a, AT_VMCS2);
    bench_vmclear(a, AT_VMCS);
    bench_vmptrld(b, AT_VMCS2);
    bench_valid_vmcs(b);
    ok(guest_does(b, AT_VMCS2, HLT) == EXIT_HLT && vmx_exit_count(b->cpu, 2, EXIT_HLT) == 1,
       "level 2 on another processor");
    ok(guest_does(b, AT_VMCS, VMRESUME) == EXIT_VMRESUME && vmx_exit_count(b->cpu, 1, EXIT_VMRESUME) == 1,
       "level 1 there");
    ok(guest_does(b, AT_VMCS2, HLT) == EXIT_HLT && vmx_exit_count(b->cpu, 2, EXIT_HLT) == 2, "and level 2 again");
    bench_free(a);
    ok(guest_does(b, AT_VMCS2, HLT) == EXIT_HLT && vmx_exit_count(b->cpu, 2, EXIT_HLT) == 3,
       "when the first one is gone");
    bench_free(b);
}

int main(void) {
    test_two();
    test_three();
    test_vmclear();
    test_processors();
    done_testing();
}
