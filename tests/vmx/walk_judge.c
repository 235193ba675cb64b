// See walk_judge.h.
#include "tests/vmx/walk_judge.h"

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80 };

static uint64_t at(const struct judge *j, uint64_t physical, unsigned bytes) {
    uint64_t v = ~0ull >> (64 - 8 * bytes); // where there is no RAM
    if (physical + bytes > BENCH_RAM) return v;
    v = 0;
    memcpy(&v, j->ram + physical, bytes);
    return v;
}

// --- EPT: tables 28-1 to 28-6, 28.3.3 ---

// The bits that are wrong; 0: none.
static uint64_t misconfigured(const struct judge *j, unsigned level, uint64_t e, bool maps) {
    static const uint64_t reserved[5][2] = {
        [4] = {0xf8, 0xf8}, [3] = {0x78, 0x3ffff000}, [2] = {0x78, 0x1ff000}, [1] = {0, 0}};
    unsigned type = e >> 3 & 7;
    uint64_t bad =
        e & (reserved[level][e >> 7 & 1] | (BITS(51, 0) >> j->rules.physical_bits << j->rules.physical_bits));
    if ((e & 3) == 2) bad |= 2;
    if (!(e & 1) && !j->execute_only) bad |= e & (j->user_execute ? 0x404 : 4);
    if (level == 3 && !j->page_1g) bad |= e & PS;
    if (level == 2 && !j->page_2m) bad |= e & PS;
    return maps && (type == 2 || type == 3 || type == 7) ? bad | (e & 0x38) : bad;
}

// One access by a guest-physical address. `entry`: of a guest's table; `page`: rights of the page (W, U, XD in bit 63).
static bool through_ept(const struct judge *j, uint64_t gpa, bool write, bool fetch, bool entry, uint64_t page,
                        uint64_t *physical, struct judged *out) {
    uint64_t present = j->user_execute ? 0x407 : 7, together = present, table = j->eptp & BITS(51, 12);
    bool absent = gpa >> 48; // 29.3.2 of edition 082US
    *physical = gpa;
    if (!j->ept) return true;
    for (unsigned level = 4, shift = 39; !absent; level--, shift -= 9) {
        uint64_t e = at(j, table + (gpa >> shift & 511) * 8, 8);
        bool maps = level == 1 || (level < 4 && e & PS);
        absent = !(e & present);
        if (absent) break;
        out->bad = misconfigured(j, level, e, maps);
        if (out->bad) return out->verdict = ACCESS_EPT_MISCONFIGURATION, false;
        together &= e;
        table = e & BITS(51, 12);
        *physical = (table >> shift << shift) | (gpa & ((1ull << shift) - 1));
        if (maps) break;
    }
    uint64_t needs = fetch ? (j->user_execute && page & U ? 0x400 : 4) : write ? 2 : 1;
    if (entry && j->flags) needs |= 3;
    if (!absent && (together & needs) == needs) return true;
    if (absent) together = 0;
    out->verdict = ACCESS_EPT_VIOLATION;
    out->qualification = (together & 7) << 3 | 0x80 | (fetch ? 4 : write ? 2 : 1) | (together & 0x400 ? 0x40 : 0);
    if (entry && j->flags) out->qualification |= 3;
    if (entry && write) out->qualification |= 3;
    if (!entry) out->qualification |= 0x100 | (page & U) << 7 | (page & W) << 9 | page >> 63 << 11;
    return false;
}

// --- paging: tables 4-4 to 4-20, 4.6, 4.7 ---

static uint64_t reserved(const struct paging_rules *r, unsigned level, uint64_t e) {
    bool large = e & PS, nx = r->efer & EFER_NXE;
    uint64_t bits = BITS(51, 0) >> r->physical_bits << r->physical_bits | (nx ? 0 : BIT(63));
    if (r->mode == PAGING_32) {
        static const uint64_t of_4m[] = {[36] = 0x3e0000, [39] = 0x300000, [40] = 0x200000};
        return level == 2 && large && r->cr4 & CR4_PSE ? of_4m[r->physical_bits < 40 ? r->physical_bits : 40] : 0;
    }
    if (r->mode == PAGING_PAE) bits |= 0x7ff0000000000000;
    if (level >= 4) return bits | PS;
    if (level == 3 && large) return bits | 0x3fffe000 | (r->page_1g ? 0 : PS);
    return level == 2 && large ? bits | 0x1fe000 : bits;
}

// What forbids it, as error-code bits beyond P; 0x100: something without a bit. 0: nothing.
static unsigned forbidden(const struct paging_rules *r, const struct translation_access *a, uint64_t page,
                          unsigned key) {
    bool user = a->class == ACCESS_USER, protected = user || r->cr0 & CR0_WP;
    unsigned why = 0;
    if (user && !(page & U)) why |= 0x100;
    if (a->fetch) {
        if (page >> 63 || (!user && page & U && r->cr4 & CR4_SMEP)) why |= 0x100;
        return why;
    }
    if (a->class == ACCESS_SUPERVISOR && page & U && r->cr4 & CR4_SMAP) why |= 0x100;
    if (a->write && !(page & W) && protected) why |= 0x100;
    if (r->mode < PAGING_4 || !(r->cr4 & CR4_PKE) || !(page & U)) return why;
    unsigned disabled = (unsigned)(r->pkru >> 2 * key) & 3;
    return disabled & 1 || (disabled & 2 && a->write && protected) ? why | 0x20 : why;
}

static struct judged fault(const struct judge *j, const struct translation_access *a, uint32_t code, uint64_t bad) {
    bool id = a->fetch && (j->rules.cr4 & CR4_SMEP || (j->rules.cr4 & CR4_PAE && j->rules.efer & EFER_NXE));
    code |= (a->write ? 2u : 0) | (a->class == ACCESS_USER ? 4u : 0) | (id ? 16u : 0);
    return (struct judged){.verdict = ACCESS_PAGE_FAULT, .error_code = code, .bad = bad};
}

static struct judged last(const struct judge *j, uint64_t gpa, const struct translation_access *a, uint64_t page) {
    struct judged out = {.verdict = ACCESS_DONE};
    out.rights = (page & W ? TLB_WRITE : 0) | (page & U ? TLB_USER : 0) | (page >> 63 ? 0 : TLB_EXECUTE);
    (void)through_ept(j, gpa, a->write, a->fetch, false, page, &out.physical, &out);
    return out;
}

static struct judged walk(const struct judge *j, uint64_t linear, const struct translation_access *a, unsigned level,
                          uint64_t table, uint64_t page) {
    bool narrow = j->rules.mode == PAGING_32;
    unsigned bytes = narrow ? 4 : 8, bits = narrow ? 10 : 9;
    for (;; level--) {
        unsigned shift = 12 + bits * (level - 1);
        uint64_t gpa = table + (linear >> shift & ((1u << bits) - 1)) * bytes, physical;
        struct judged out = {0};
        if (!through_ept(j, gpa, false, false, true, 0, &physical, &out)) return out;
        uint64_t e = at(j, physical, bytes);
        if (!(e & P)) return fault(j, a, 0, 0);
        uint64_t bad = e & reserved(&j->rules, level, e);
        if (bad) return fault(j, a, 9, bad);
        page = (page & e & (W | U)) | ((page | e) & BIT(63));
        bool maps = level == 1 || (e & PS && (narrow ? j->rules.cr4 & CR4_PSE : level < 4));
        unsigned why = maps ? forbidden(&j->rules, a, page, (unsigned)(e >> 59 & 15)) : 0;
        if (why) return fault(j, a, 1 | (why & 0x20), 0);
        uint64_t set = A | (maps && a->write ? D : 0);
        if ((e & set) != set && !through_ept(j, gpa, true, false, true, 0, &physical, &out)) return out;
        table = e & (narrow ? BITS(31, 12) : BITS(51, 12));
        if (!maps) continue;
        uint64_t frame = narrow && level == 2 ? (e & BITS(31, 22)) | (e >> 13 & 255) << 32 : table >> shift << shift;
        return last(j, frame | (linear & ((1ull << shift) - 1)), a, page);
    }
}

struct judged judge_access(const struct judge *j, uint64_t linear, const struct translation_access *a) {
    switch (j->rules.mode) {
    case PAGING_NONE: return last(j, linear, a, W | U);
    case PAGING_32: return walk(j, linear, a, 2, j->cr3 & BITS(31, 12), W | U);
    case PAGING_PAE: {
        uint64_t pdpte = j->pdpte[linear >> 30 & 3];
        return pdpte & P ? walk(j, linear, a, 2, pdpte & BITS(51, 12), W | U) : fault(j, a, 0, 0);
    }
    default: return walk(j, linear, a, j->rules.mode == PAGING_5 ? 5 : 4, j->cr3 & BITS(51, 12), W | U);
    }
}
