// The extended page tables: second-stage translation with its cache of guest-physical mappings. SDM Vol.
// 3C, 28.3, 28.4.
//
// The cache is architectural: it holds what the tables said when it was filled, until INVEPT or an EPT violation drops
// it: translations, a 4-KByte page an entry, and the entries that reference page tables and page directories. What is
// cached never causes an EPT violation or misconfiguration: before, the tables are walked from the top. Memory types
// are checked but have no effect. NOT IMPLEMENTED: sub-page write permissions.
#include "cpu/watch/observe.h"
#include "vmx/vmcs/vmcs.h"

#define EPT_READ BIT(0)
#define EPT_WRITE BIT(1)
#define EPT_EXECUTE BIT(2)
#define EPT_RIGHTS (EPT_READ | EPT_WRITE | EPT_EXECUTE)
#define EPT_MEMORY_TYPE BITS(5, 3)
#define EPT_PAGE BIT(7)
#define EPT_ACCESSED BIT(8)
#define EPT_DIRTY BIT(9)
#define EPT_ADDRESS BITS(51, 12)
#define EPT_USER_EXECUTE BIT(10) // with "mode-based execute control for EPT"
#define EPT_SUPPRESS_VE BIT(63)
#define EPT_LARGE BIT(11) // in the cache only: from a page of at least 2 MBytes
#define TAG_USED BIT(0)

enum { LEVEL_PT = 1, LEVEL_PD, LEVEL_PDPT, LEVEL_PML4 };
static unsigned level_shift(unsigned level) { return 12 + 9 * (level - 1); }

// --- the cache ---

void ept_reset(struct vmx *vmx) {
    memset(vmx->ept, 0, sizeof vmx->ept);
    memset(vmx->ept_pde, 0, sizeof vmx->ept_pde);
    memset(vmx->ept_pdpte, 0, sizeof vmx->ept_pdpte);
    for (unsigned i = 0; i < EPT_TABLES; i++) vmx->ept_table[i] = (struct ept_table){.root = VMCS_NONE};
    vmx->ept_next_table = 0;
    vmx->ept_next_generation = 1;
    vmx->ept_generation = 0;
}

void ept_use(struct vmx *vmx, uint64_t eptp) {
    uint64_t root = eptp & EPTP_ROOT;
    for (unsigned i = 0; i < EPT_TABLES; i++) {
        if (vmx->ept_table[i].root != root) continue;
        vmx->ept_generation = vmx->ept_table[i].generation;
        return;
    }
    struct ept_table *t = &vmx->ept_table[vmx->ept_next_table % EPT_TABLES];
    vmx->ept_next_table = (vmx->ept_next_table + 1) % EPT_TABLES;
    *t = (struct ept_table){.root = root, .generation = vmx->ept_next_generation++};
    vmx->ept_generation = t->generation;
}

// In VMX non-root operation INVEPT always exits: the table in use is found again by the next VM entry.
void ept_invalidate(struct vmx *vmx, uint64_t eptp) {
    for (unsigned i = 0; i < EPT_TABLES; i++)
        if (vmx->ept_table[i].root == (eptp & EPTP_ROOT)) vmx->ept_table[i].generation = vmx->ept_next_generation++;
}

void ept_invalidate_all(struct vmx *vmx) {
    for (unsigned i = 0; i < EPT_TABLES; i++) vmx->ept_table[i].generation = vmx->ept_next_generation++;
}

static struct ept_entry *cache_slot(struct vmx *vmx, uint64_t guest_physical) {
    return &vmx->ept[(guest_physical >> PAGE_SHIFT) % EPT_SETS];
}

// The entry at `level` that references the table below it.
static struct ept_entry *structure_slot(struct vmx *vmx, uint64_t guest_physical, unsigned level) {
    return &(level == LEVEL_PD ? vmx->ept_pde
                               : vmx->ept_pdpte)[guest_physical >> level_shift(level) & (EPT_STRUCTURES - 1)];
}
static uint64_t structure_tag(uint64_t guest_physical, unsigned level) {
    return (guest_physical & BITS(51, 0)) >> level_shift(level) << level_shift(level) | TAG_USED;
}

// 28.4.3.1: everything that the translation of the address would use.
static void forget(struct vmx *vmx, uint64_t guest_physical) {
    *cache_slot(vmx, guest_physical) = (struct ept_entry){0};
    *structure_slot(vmx, guest_physical, LEVEL_PD) = (struct ept_entry){0};
    *structure_slot(vmx, guest_physical, LEVEL_PDPT) = (struct ept_entry){0};
}

// --- what an access needs ---

struct demand {
    uint64_t rights;
    bool write;
};

// With accessed and dirty flags for EPT, an access to a guest paging-structure entry counts as a write; the PDPTEs that
// MOV to CR loads are only read. 28.3.3.2
static struct demand demand_of(const struct vmcs *vmcs, const struct second_stage_access *access, bool accessed_dirty) {
    uint64_t execute =
        access->rights & TLB_USER && vmcs_on(vmcs, PROC2, MODE_BASED_EXECUTE) ? EPT_USER_EXECUTE : EPT_EXECUTE;
    bool structure = access->page_walk && access->linear_valid && accessed_dirty;
    bool write = access->write || structure;
    uint64_t rights = access->fetch ? execute : access->write ? EPT_WRITE : EPT_READ;
    return (struct demand){.rights = rights | (structure ? EPT_READ | EPT_WRITE : 0), .write = write};
}

// --- exits ---

// Table 27-7. `rights` are bits 2:0 and 10 of the EPT entries together. The advanced information is about the linear
// address, from the guest's paging structures.
static uint64_t violation_qualification(const struct vmcs *vmcs, const struct second_stage_access *access,
                                        uint64_t rights, bool accessed_dirty) {
    enum { READ = 0, WRITE, FETCH, RIGHTS, USER_EXECUTE = 6, LINEAR_VALID, TRANSLATED, USER, WRITABLE, NO_EXECUTE };
    bool structure = access->page_walk && access->linear_valid;
    uint64_t q = (rights & EPT_RIGHTS) << RIGHTS | BIT(access->fetch ? FETCH : access->write ? WRITE : READ);
    if (structure && (accessed_dirty || access->write)) q |= BIT(READ) | BIT(WRITE);
    if (rights & EPT_USER_EXECUTE && vmcs_on(vmcs, PROC2, MODE_BASED_EXECUTE)) q |= BIT(USER_EXECUTE);
    if (!access->linear_valid) return q;
    q |= BIT(LINEAR_VALID);
    if (access->page_walk) return q;
    return q | BIT(TRANSLATED) | (access->rights & TLB_USER ? BIT(USER) : 0) |
           (access->rights & TLB_WRITE ? BIT(WRITABLE) : 0) | (access->rights & TLB_EXECUTE ? 0 : BIT(NO_EXECUTE));
}

// 25.5.7: the violation becomes a virtualization exception, unless an event is being delivered or the area is in use.
static bool convertible(struct cpu *cpu, uint64_t entry) {
    enum { BUSY_OFFSET = 4 };
    const struct vmcs *vmcs = vmx_of(cpu)->vmcs;
    if (!vmcs_on(vmcs, PROC2, EPT_VIOLATION_VE) || entry & EPT_SUPPRESS_VE) return false;
    if (!(cpu->control.cr0 & CR0_PE) || cpu->attempt.delivering_valid) return false;
    return !physical_load(cpu, vmcs_get(vmcs, VE_INFORMATION_ADDRESS) + BUSY_OFFSET, 32);
}

static enum outcome virtualization_exception(struct cpu *cpu, uint64_t qualification, uint64_t linear,
                                             uint64_t guest_physical) {
    const struct vmx *vmx = vmx_of(cpu);
    const struct vmcs *vmcs = vmx->vmcs;
    uint64_t area = vmcs_get(vmcs, VE_INFORMATION_ADDRESS);
    if (vmx->nmi_unblocked_step == cpu->time.steps) qualification |= INTERRUPTION_NMI_UNBLOCKING; // by this IRET
    physical_store(cpu, area, 64, EXIT_EPT_VIOLATION | (uint64_t)UINT32_MAX << 32);
    physical_store(cpu, area + 8, 64, qualification);
    physical_store(cpu, area + 16, 64, linear);
    physical_store(cpu, area + 24, 64, guest_physical);
    physical_store(cpu, area + 32, 16, vmcs_get(vmcs, EPTP_INDEX));
    return cpu_fault(cpu, VECTOR_VE);
}

static enum outcome violation(struct cpu *cpu, uint64_t guest_physical, const struct second_stage_access *access,
                              uint64_t rights, uint64_t entry) {
    struct vmx *vmx = vmx_of(cpu);
    if (vmcs_on(vmx->vmcs, PROC2, EPT_VIOLATION_VE) && walk_waits(cpu, vmcs_get(vmx->vmcs, VE_INFORMATION_ADDRESS)))
        return OUT_SOLO;
    bool accessed_dirty = vmcs_get(vmx->vmcs, EPT_POINTER) & EPTP_ACCESSED_DIRTY;
    uint64_t qualification = violation_qualification(vmx->vmcs, access, rights, accessed_dirty);
    uint64_t linear = cpu_64bit(cpu) ? access->linear : (uint32_t)access->linear;
    forget(vmx, guest_physical);
    if (access->linear_valid && !access->page_walk) tlb_invalidate_page(cpu, access->linear);
    if (convertible(cpu, entry)) return virtualization_exception(cpu, qualification, linear, guest_physical);
    exit_begin_access(cpu, NULL, EXIT_EPT_VIOLATION);
    vmx->exit.qualification = qualification;
    vmx->exit.has_linear = access->linear_valid;
    vmx->exit.guest_linear = linear;
    vmx->exit.has_physical = true;
    vmx->exit.guest_physical = guest_physical;
    return OUT_VMEXIT;
}

static enum outcome misconfiguration(struct cpu *cpu, uint64_t guest_physical) {
    struct vmx *vmx = vmx_of(cpu);
    exit_begin_access(cpu, NULL, EXIT_EPT_MISCONFIGURATION);
    vmx->exit.has_physical = true;
    vmx->exit.guest_physical = guest_physical;
    return OUT_VMEXIT;
}

// --- the walk ---

static bool maps_page(uint64_t entry, unsigned level) {
    return level == LEVEL_PT || (entry & EPT_PAGE && level <= LEVEL_PDPT);
}

// 28.3.3.1, for an entry that is present.
static bool misconfigured(const struct vmx *vmx, uint64_t entry, unsigned level) {
    const struct vmx_capability *c = &vmx->capability;
    if ((entry & (EPT_READ | EPT_WRITE)) == EPT_WRITE) return true;
    if (!(entry & EPT_READ) && !(c->ept_vpid & CAP_EXECUTE_ONLY)) return true;
    if (entry & BITS(51, 12) & c->physical_reserved) return true;
    if (!maps_page(entry, level)) return entry & (level == LEVEL_PML4 ? BITS(7, 3) : BITS(6, 3));
    if (level == LEVEL_PDPT && !(c->ept_vpid & CAP_1G)) return true;
    if (level == LEVEL_PD && !(c->ept_vpid & CAP_2M)) return true;
    if (entry & (BIT(level_shift(level)) - 1) & BITS(29, 12)) return true;
    uint64_t type = (entry & EPT_MEMORY_TYPE) >> 3;
    return type == 2 || type == 3 || type == 7;
}

struct ept_walk {
    uint64_t guest_physical;
    uint64_t rights; // logical AND of bits 2:0
    uint64_t above;  // the same without the last entry
    uint64_t entry[LEVEL_PML4 + 1], at[LEVEL_PML4 + 1];
    unsigned top, level; // of the first and the last entry read
    bool absent, bad;
    bool waits; // an entry is not in RAM, and the instruction must run alone to read it
};

static uint64_t all_rights(const struct vmcs *vmcs) {
    return EPT_RIGHTS | (vmcs_on(vmcs, PROC2, MODE_BASED_EXECUTE) ? EPT_USER_EXECUTE : 0);
}

static void walk(struct cpu *cpu, struct ept_walk *w, unsigned top, uint64_t table, uint64_t so_far) {
    const struct vmx *vmx = vmx_of(cpu);
    uint64_t rights = all_rights(vmx->vmcs);
    w->rights = so_far;
    w->top = top;
    for (w->level = top;; w->level--) {
        w->at[w->level] = table | (w->guest_physical >> level_shift(w->level) & 511) << 3;
        uint64_t entry = 0;
        w->waits = walk_load(cpu, w->at[w->level], 64, &entry) != OUT_OK;
        if (w->waits) return;
        w->entry[w->level] = entry;
        OBSERVE_TELL(cpu, NULL, WALK, .number = 2, .size = 8, .value = entry, .linear = w->guest_physical,
                     .physical = w->at[w->level]);
        w->absent = !(entry & rights);
        w->bad = !w->absent && misconfigured(vmx, entry, w->level);
        if (w->absent || w->bad) return;
        w->above = w->rights;
        w->rights &= entry;
        if (maps_page(entry, w->level)) return;
        table = entry & EPT_ADDRESS;
    }
}

static bool suffices(const struct ept_walk *w, const struct demand *demand) {
    return !w->waits && !w->absent && !w->bad && (w->rights & demand->rights) == demand->rights;
}

// From the lowest table that is cached; false: there is none, or the walk from it does not allow the access.
static bool walk_cached(struct cpu *cpu, struct ept_walk *w, const struct demand *demand) {
    struct vmx *vmx = vmx_of(cpu);
    for (unsigned level = LEVEL_PD; level <= LEVEL_PDPT; level++) {
        const struct ept_entry *e = structure_slot(vmx, w->guest_physical, level);
        if (e->tag != structure_tag(w->guest_physical, level) || e->generation != vmx->ept_generation) continue;
        walk(cpu, w, level - 1, e->page & EPT_ADDRESS, e->page & all_rights(vmx->vmcs));
        return suffices(w, demand);
    }
    return false;
}

static void remember_structure(struct vmx *vmx, const struct ept_walk *w) {
    unsigned level = w->level + 1;
    if (level > LEVEL_PDPT || level > w->top) return;
    *structure_slot(vmx, w->guest_physical, level) =
        (struct ept_entry){.tag = structure_tag(w->guest_physical, level),
                           .generation = vmx->ept_generation,
                           .page = (w->entry[level] & EPT_ADDRESS) | w->above};
}

static uint64_t walk_page(const struct ept_walk *w) {
    uint64_t offset = BIT(level_shift(w->level)) - 1, entry = w->entry[w->level];
    return (entry & EPT_ADDRESS & ~offset) | (w->guest_physical & offset & ~(PAGE_BYTES - 1));
}

// --- accessed and dirty flags, page-modification logging: 28.3.5, 28.3.6 ---

static uint64_t missing_flags(const struct ept_walk *w, unsigned level, bool write) {
    return (EPT_ACCESSED | (level == w->level && write ? EPT_DIRTY : 0)) & ~w->entry[level];
}

static void set_flags(struct cpu *cpu, struct ept_walk *w, bool write) {
    for (unsigned level = w->top; level >= w->level; level--) {
        uint64_t flags = missing_flags(w, level, write);
        if (!flags) continue;
        w->entry[level] |= flags;
        physical_store(cpu, w->at[level], 64, w->entry[level]);
    }
}

static void log_page(struct cpu *cpu, uint64_t guest_physical) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t index = vmcs_get(vmx->vmcs, PML_INDEX);
    physical_store(cpu, vmcs_get(vmx->vmcs, PML_ADDRESS) + 8 * index, 64, guest_physical & ~(PAGE_BYTES - 1));
    vmcs_set(vmx, PML_INDEX, (index - 1) & UINT16_MAX);
}

// Flags of either kind are not set while the log is full; that a page was written to is logged.
static enum outcome update_flags(struct cpu *cpu, struct ept_walk *w, bool write) {
    enum { LAST_INDEX = 511 };
    const struct vmcs *vmcs = vmx_of(cpu)->vmcs;
    bool missing = false, logs = vmcs_on(vmcs, PROC2, ENABLE_PML);
    for (unsigned level = w->top; level >= w->level; level--) missing |= missing_flags(w, level, write) != 0;
    if (!missing) return OUT_OK;
    if (logs && vmcs_get(vmcs, PML_INDEX) > LAST_INDEX) {
        exit_begin_access(cpu, NULL, EXIT_PML_FULL);
        return OUT_VMEXIT;
    }
    bool dirtied = missing_flags(w, w->level, write) & EPT_DIRTY;
    if (logs && dirtied && walk_waits(cpu, vmcs_get(vmcs, PML_ADDRESS))) return OUT_SOLO;
    set_flags(cpu, w, write);
    if (logs && dirtied) log_page(cpu, w->guest_physical);
    return OUT_OK;
}

// --- the translation ---

// Execution from a user-mode linear address has a right of its own with mode-based execute control.
static bool executable(const struct vmcs *vmcs, const struct second_stage_access *access, uint64_t page) {
    bool user = access->rights & TLB_USER && vmcs_on(vmcs, PROC2, MODE_BASED_EXECUTE);
    return page & (user ? EPT_USER_EXECUTE : EPT_EXECUTE);
}

// `page`: with the rights as in EPT entries, EPT_DIRTY when a write needs no more, EPT_LARGE.
static enum outcome finish(struct cpu *cpu, const struct second_stage_access *access, uint64_t page,
                           struct second_stage_result *result) {
    bool execute = executable(vmx_of(cpu)->vmcs, access, page);
    result->page = (page & EPT_ADDRESS) | (page & EPT_WRITE ? TLB_WRITE : 0) | (execute ? TLB_EXECUTE : 0) |
                   (page & EPT_DIRTY ? TLB_DIRTY : 0);
    result->large = page & EPT_LARGE;
    bool apic = cpu->intercepts.apic_access == ((page & EPT_ADDRESS) | 1);
    return unlikely(apic && access->page_walk) ? virtual_apic_guest_physical(cpu) : OUT_OK;
}

enum outcome ept_translate(struct cpu *cpu, uint64_t guest_physical, const struct second_stage_access *access,
                           struct second_stage_result *result) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t eptp = vmcs_get(vmx->vmcs, EPT_POINTER);
    bool accessed_dirty = eptp & EPTP_ACCESSED_DIRTY;
    struct demand demand = demand_of(vmx->vmcs, access, accessed_dirty);
    struct ept_entry *e = cache_slot(vmx, guest_physical);
    uint64_t tag = (guest_physical & EPT_ADDRESS) | TAG_USED;
    if (e->tag == tag && e->generation == vmx->ept_generation && (e->page & demand.rights) == demand.rights &&
        (!demand.write || e->page & EPT_DIRTY))
        return finish(cpu, access, e->page, result);
    struct ept_walk w;
    w.guest_physical = guest_physical;
    if (!walk_cached(cpu, &w, &demand)) walk(cpu, &w, LEVEL_PML4, eptp & EPTP_ROOT, all_rights(vmx->vmcs));
    if (w.waits) return OUT_SOLO;
    uint64_t last = w.entry[w.level];
    if (w.bad) return misconfiguration(cpu, guest_physical);
    if (w.absent) return violation(cpu, guest_physical, access, 0, last);
    if ((w.rights & demand.rights) != demand.rights) return violation(cpu, guest_physical, access, w.rights, last);
    if (accessed_dirty) TRY(update_flags(cpu, &w, demand.write));
    remember_structure(vmx, &w);
    bool dirty = !accessed_dirty || w.entry[w.level] & EPT_DIRTY;
    e->tag = tag;
    e->generation = vmx->ept_generation;
    e->page = walk_page(&w) | w.rights | (dirty ? EPT_DIRTY : 0) | (w.level > LEVEL_PT ? EPT_LARGE : 0);
    return finish(cpu, access, e->page, result);
}
