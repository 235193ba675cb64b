// BIOS calls of the guest, as far as they pass through us: INT 13H, because its first disk is the second one, and those
// of INT 15H that tell how much memory there is. The entries of the interrupt table lead to hooks.S in the guest's
// memory, whose VMCALLs lead here. Ralf Brown's list has the calls; what this BIOS does with the others we need not
// know.
#include "below.h"
#include "interrupt.h"

extern const uint8_t hooks[], hooks_end[], hook_disk[], hook_disk_call[], hook_disk_done[], hook_system[],
    hook_system_call[];
extern const uint8_t hook_failed[], hook_old_disk[], hook_old_system[];
uint64_t bios_page;

enum vector { VECTOR_DISK = 0x13, VECTOR_SYSTEM = 0x15 };
enum disk { FIRST_DISK = 0x80, SECOND_DISK = 0x81 };
enum disk_function { DISK_PARAMETERS = 0x08, DISK_TYPE = 0x15 };
#define RFLAGS_CF BIT(0)
#define RFLAGS_ZF BIT(6)
#define RFLAGS_STATUS 0x8d5ull // CF, PF, AF, ZF, SF, OF
#define SMAP 0x534d4150u

static uint64_t disk_calls, system_calls, sectors_read;
static uint8_t disk_asked; // the call that is under way: its DL, and its AH
static uint8_t disk_function;

static void *real_mode_pointer(uint64_t segment_base, uint64_t offset) {
    uint64_t address = segment_base + (uint16_t)offset;
    __asm__("" : "+r"(address)); // the compiler does not believe that there is memory so low
    return (void *)address;
}

// --- our page below 640 KBytes: memory that the BIOS counts to the guest's, until now ---
static void vector_take(enum vector vector, const uint8_t *hook, const uint8_t *old) {
    uint32_t *entry = real_mode_pointer(0, vector * 4);
    memcpy((uint8_t *)bios_page + (old - hooks), entry, 4);
    *entry = (uint32_t)bios_hook() << 16 | (uint32_t)(hook - hooks);
}

uint16_t bios_hook(void) {
    uint16_t *kbytes = real_mode_pointer(0, 0x413); // of memory below 640, in the BIOS's data area
    if (bios_page) return (uint16_t)(bios_page >> 4);
    bios_page = (*kbytes * 1024ull - PAGE) & ~(PAGE - 1);
    map_hide(bios_page, *kbytes * 1024ull - bios_page);
    *kbytes = (uint16_t)(bios_page / 1024);
    memcpy((void *)bios_page, hooks, (size_t)(hooks_end - hooks));
    vector_take(VECTOR_DISK, hook_disk, hook_old_disk);
    vector_take(VECTOR_SYSTEM, hook_system, hook_old_system);
    return bios_hook();
}

// --- INT 13H ---
static void low_byte_set(uint64_t *gpr, uint8_t value) { *gpr = (*gpr & ~0xffull) | value; }

static uint8_t other_disk(uint8_t disk) {
    return disk == FIRST_DISK ? SECOND_DISK : disk == SECOND_DISK ? FIRST_DISK : disk;
}

static void disk_call(struct processor *p) {
    enum { DISK_READ = 0x02, DISK_EXTENDED_READ = 0x42 };
    disk_calls++;
    disk_asked = (uint8_t)p->gpr[RDX];
    disk_function = (uint8_t)(p->gpr[RAX] >> 8);
    if (disk_function == DISK_READ) sectors_read += p->gpr[RAX] & 0xff;
    if (disk_function == DISK_EXTENDED_READ) {
        const uint16_t *packet = real_mode_pointer(vmread(FIELD_GUEST_DS_BASE), p->gpr[RSI]);
        sectors_read += packet[1];
    }
    low_byte_set(&p->gpr[RDX], other_disk(disk_asked));
}

// The flags of the call's result belong into those that IRET will fetch, above IP and CS.
static void caller_flags(uint64_t status) {
    uint16_t *flags = real_mode_pointer(vmread(FIELD_GUEST_SS_BASE), vmread(FIELD_GUEST_RSP) + 4);
    *flags = (uint16_t)((*flags & ~RFLAGS_STATUS) | (status & RFLAGS_STATUS));
}

// Two functions answer in DL.
static void disk_done(struct processor *p) {
    if (disk_function != DISK_PARAMETERS && disk_function != DISK_TYPE) low_byte_set(&p->gpr[RDX], disk_asked);
    caller_flags(vmread(FIELD_GUEST_RFLAGS));
}

// --- INT 15H ---
static uint64_t low_word(uint64_t old, uint64_t value) { return (old & ~0xffffull) | (uint16_t)value; }

// AX = E820H, EBX which range, ES:DI where to.
static bool memory_map(struct processor *p) {
    struct range r;
    if ((uint32_t)p->gpr[RDX] != SMAP || (uint32_t)p->gpr[RCX] < sizeof r) return false;
    bool there = map_range((unsigned)p->gpr[RBX], &r), more;
    if (there) memcpy(real_mode_pointer(vmread(FIELD_GUEST_ES_BASE), p->gpr[RDI]), &r, sizeof r);
    more = there && map_range((unsigned)p->gpr[RBX] + 1, &r);
    p->gpr[RAX] = SMAP;
    p->gpr[RCX] = sizeof r;
    p->gpr[RBX] = more ? (uint32_t)p->gpr[RBX] + 1 : 0;
    caller_flags(there ? 0 : RFLAGS_CF);
    return true;
}

// AX = E801H: KBytes from 1 to 16 MBytes, and units of 64 KBytes above these. AH = 88H: KBytes above 1 MByte, at
// most 63.
static bool memory_sizes(struct processor *p, bool in_two) {
    enum { MBYTE = 1 << 20, BORDER = 16 * MBYTE, MOST = 64 * MBYTE };
    uint64_t end = map_end_of(MBYTE), kbytes = ((end < BORDER ? end : BORDER) - MBYTE) / 1024;
    uint64_t units = end > BORDER ? (end - BORDER) / 65536 : 0;
    if (in_two) {
        p->gpr[RAX] = low_word(p->gpr[RAX], kbytes), p->gpr[RCX] = low_word(p->gpr[RCX], kbytes);
        p->gpr[RBX] = low_word(p->gpr[RBX], units), p->gpr[RDX] = low_word(p->gpr[RDX], units);
    } else {
        p->gpr[RAX] = low_word(p->gpr[RAX], ((end < MOST ? end : MOST) - MBYTE) / 1024);
    }
    caller_flags(0);
    return true;
}

static bool system_answer(struct processor *p) {
    uint16_t ax = (uint16_t)p->gpr[RAX];
    if (ax == 0xe820) return memory_map(p);
    return (ax == 0xe801 || ax >> 8 == 0x88) && memory_sizes(p, ax == 0xe801);
}

static void system_call(struct processor *p) {
    bool answered = system_answer(p);
    if (answered) system_calls++;
    vmwrite(FIELD_GUEST_RFLAGS, (vmread(FIELD_GUEST_RFLAGS) & ~RFLAGS_ZF) | (answered ? RFLAGS_ZF : 0));
}

void bios_account(void) {
    print("BIOS calls: %lu of INT 13H, %lu sectors read; %lu of INT 15H answered\n", disk_calls, sectors_read,
          system_calls);
}

// VMCALL means nothing to us anywhere but in our page.
void bios_vmcall(struct processor *p) {
    const uint8_t *at = hooks + (uint16_t)vmread(FIELD_GUEST_RIP);
    if (vmread(FIELD_GUEST_CR0) & CR0_PE || vmread(FIELD_GUEST_CS_BASE) != bios_page) {
        inject_exception(VECTOR_UD, false);
        return;
    }
    if (at == hook_disk_call)
        disk_call(p);
    else if (at == hook_disk_done)
        disk_done(p);
    else if (at == hook_system_call)
        system_call(p);
    else
        panic(at == hook_failed ? "the next disk has no boot sector" : "VMCALL in our page at %lx",
              vmread(FIELD_GUEST_RIP));
    vmwrite(FIELD_GUEST_RIP, vmread(FIELD_GUEST_RIP) + vmread(FIELD_EXIT_INSTRUCTION_LENGTH));
}
