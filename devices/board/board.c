// The motherboard: what board.def says, made.
#include "devices/board/board.h"
#include "cpu/engine/block.h"
#include "cpu/state/model.h"
#include "cpu/state/outcome.h"
#include "cpu/processor/processor.h"
#include <stdio.h>
#include <string.h>

static const struct state_field fields[] = {
    STATE_ARRAY(struct board, sources),
    STATE_ONE(struct board, hpet_legacy),
};
const struct state_table board_state = STATE_TABLE("board", fields);

// --- interrupts ---
static bool asserted(const struct board *b, unsigned input) {
    uint32_t cut_off = b->hpet_legacy ? 1u << SOURCE_PIT | 1u << SOURCE_RTC : 0;
    return b->sources[input] & ~cut_off;
}

static void drive(struct board *b, unsigned input) {
    bool level = asserted(b, input);
    if (input < 16 && input != 2) pic_set(&b->pic, input, level); // IR2 is the slave's
    if (input == 0 || input == 2)
        ioapic_set(&b->ioapic, 2, asserted(b, 0) || asserted(b, 2));
    else
        ioapic_set(&b->ioapic, input, level);
}

static void set_source(struct board *b, unsigned input, enum interrupt_source source, bool level) {
    uint32_t bit = 1u << source, old = b->sources[input];
    b->sources[input] = level ? old | bit : old & ~bit;
    if (b->sources[input] != old) drive(b, input);
}

static void pirq_changed(void *owner, unsigned input, bool level) { set_source(owner, input, SOURCE_PIRQS, level); }

#define LINE_INPUT(irq, source) ((source) << 8 | (irq))
static void line_changed(void *owner, unsigned input, bool level) { set_source(owner, input & 255, input >> 8, level); }

static void hpet_interrupt(void *owner, unsigned input, bool level) { set_source(owner, input, SOURCE_HPET, level); }
// Of the devices that -device made: `input` is as device_line says.
static void device_line_changed(void *owner, unsigned input, bool level) {
    set_source(owner, input & 255, SOURCE_DEVICES + (input >> 8), level);
}

// The door by which functions on PCI send interrupts: SDM Vol. 3A, 11.11. Here an IOMMU could look at the requester.
// What is not at a local APIC's address is a store to memory.
static void message_sent(void *owner, uint16_t requester, uint64_t address, uint32_t data) {
    struct board *b = owner;
    const struct apic_message m = {.destination = (uint32_t)(address >> 12 & 255),
                                   .logical = address & BIT(2),
                                   .delivery = data >> 8 & 7,
                                   .vector = (uint8_t)data,
                                   .level = data >> 15 & 1};
    if (address >> 20 == 0xfee)
        (void)apic_deliver(&b->apics, &m);
    else
        (void)dma_write(&(struct bus_master){.requester = requester, .memory = b->memory}, address, &data, sizeof data);
}

static void hpet_legacy(void *owner, bool on) {
    struct board *b = owner;
    b->hpet_legacy = on;
    drive(b, 0);
    drive(b, 8);
}

static void pic_intr_changed(void *owner, unsigned input, bool level) {
    (void)input;
    struct board *b = owner;
    if (b->apics.count) lapic_set_lint0(&b->lapic[0], level); // the 8259 is wired to the first processor
}

static uint8_t acknowledge_pic(void *owner) { return pic_acknowledge(&((struct board *)owner)->pic); }
static void eoi(void *owner, uint8_t vector) { ioapic_eoi(&((struct board *)owner)->ioapic, vector); }

bool board_can_interrupt(const struct board *b, unsigned processor) {
    const struct lapic *l = &b->lapic[processor];
    enum { ALL_MASKED = 0xff };
    bool timer = !(l->lvt[LVT_TIMER] & LVT_MASKED) && b->clock.deadline[l->timer] != CLOCK_NEVER;
    bool wired = processor == 0 && (!lapic_enabled(l) || !(l->lvt[LVT_LINT0] & LVT_MASKED));
    return timer || ioapic_lets_through(&b->ioapic) ||
           (wired && (b->pic.chip[0].imr != ALL_MASKED || b->pic.chip[0].init_step));
}

// --- the local APIC's page ---
// NOT IMPLEMENTED: several processors with different IA32_APIC_BASE addresses inside RAM.
static bool has_page(const struct lapic *l) { return lapic_enabled(l) && !lapic_x2apic(l); }
static uint64_t page_of(const struct lapic *l) { return l->base & ~(uint64_t)(MEMORY_PAGE - 1); }

enum { DROP_WORK = 1000000 }; // with what must be decoded again

static void apic_base_changed(void *owner) {
    struct board *b = owner;
    map_place(&b->bus.memory, b->lapic_page, page_of(&b->lapic[0]), has_page(&b->lapic[0]));
}

static bool lapic_region(struct board *b, const struct cpu *cpu, uint64_t physical, struct region *out) {
    struct lapic *l = &b->lapic[cpu->id];
    if (!has_page(l) || (physical & ~(uint64_t)(MEMORY_PAGE - 1)) != page_of(l)) return false;
    *out = (struct region){
        .base = page_of(l), .bytes = MEMORY_PAGE, .device = &lapic_device, .chip = l, .widths = WIDTH_4};
    return true;
}

// --- memory and registers ---
struct page_frame board_find_page(struct board *b, uint64_t physical) {
    uint64_t page = physical & ~(uint64_t)(MEMORY_PAGE - 1);
    const struct map *map = &b->bus.memory;
    const struct map_segment *s = map_find(map, page);
    const struct region *r = s ? map_region(map, s) : NULL;
    if (!r || r->kind != REGION_MEMORY || s->last - page < MEMORY_PAGE - 1) {
        b->seen.other = page | (MEMORY_PAGE - 1);
        return (struct page_frame){NULL, 0};
    }
    if (s->first % MEMORY_PAGE == 0 && s->last % MEMORY_PAGE == MEMORY_PAGE - 1) {
        b->seen.first = s->first, b->seen.bytes = s->last - s->first + 1;
        b->seen.shows = r->shows + (s->first - r->base);
    }
    return memory_frame(b->memory, r->shows + (page - r->base));
}

uint64_t board_shown(const struct board *b, uint64_t physical, uint64_t bytes) {
    const struct map_segment *s = map_find(&b->bus.memory, physical);
    const struct region *r = s ? map_region(&b->bus.memory, s) : NULL;
    bool whole = r && r->kind == REGION_MEMORY && bytes && bytes - 1 <= s->last - physical;
    return whole ? physical - r->base + r->shows : physical;
}

uint64_t board_mmio_read(struct board *b, const struct cpu *cpu, uint64_t physical, unsigned size) {
    struct region r;
    if (lapic_region(b, cpu, physical, &r)) return region_read(&r, physical - r.base, size);
    return bus_read(&b->bus, physical, size);
}

void board_mmio_write(struct board *b, const struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    struct region r;
    if (lapic_region(b, cpu, physical, &r))
        region_write(&r, physical - r.base, size, value);
    else
        bus_write(&b->bus, physical, size, value);
}

static void memory_changed(void *owner) {
    struct board *b = owner;
    b->seen = (struct seen_memory){0};
    for (unsigned i = 0; i < b->apics.count; i++) {
        cpu_drop_derived(b->lapic[i].cpu);
        cpu_work(b->lapic[i].cpu, DROP_WORK);
    }
}

// --- what stops the machine ---
static void stop_power_off(void *owner) {
    ((struct board *)owner)->stop(((struct board *)owner)->owner, MACHINE_POWER_OFF);
}
static void stop_reset(void *owner) { ((struct board *)owner)->stop(((struct board *)owner)->owner, MACHINE_RESET); }
static void exit_asked(void *owner, uint32_t code) {
    struct board *b = owner;
    b->exit_code = code;
    b->stop(b->owner, MACHINE_DEBUG_EXIT);
}

static void host_failed(void *owner, const char *text) {
    struct board *b = owner;
    if (*b->host_error) return; // the first one counts
    snprintf(b->host_error, sizeof b->host_error, "%s", text);
    b->stop(b->owner, MACHINE_HOST_ERROR);
}

// --- drives ---
static struct drive *drive_asked(void *owner, const char *id, unsigned interface, unsigned index) {
    struct board *b = owner;
    for (unsigned i = 0; i < b->drives; i++) {
        struct drive *d = &b->drive[i];
        bool meant = id ? strcmp(d->config.id, id) == 0 : d->config.interface == interface && d->config.index == index;
        if (!meant || d->taken) continue;
        d->taken = true;
        return d;
    }
    return NULL;
}

static bool boot_asked(void *owner, const struct pci_function *controller, uint32_t index, const char *path) {
    struct board *b = owner;
    return boot_order_add(&b->boot, &b->pci, controller, index, path);
}

static const struct machine_file *file_asked(void *owner, const char *name) {
    return machine_config_file(((struct board *)owner)->config, name);
}

static const char *file_offered(void *owner, const char *name, uint8_t *bytes, uint32_t count) {
    return fw_cfg_add_writable(&((struct board *)owner)->fw_cfg, name, bytes, count);
}

static bool make_drives(struct board *b, const struct machine_config *config) {
    for (unsigned i = 0; i < config->drives; i++) {
        struct drive *d = &b->drive[b->drives++];
        if (!drive_init(d, &config->drive[i], b->memory, b->clock.hz)) return false;
        d->fail = host_failed;
        d->owner = b;
    }
    return true;
}

// Whoever has a drive for a controller wants to find it there.
static bool drives_taken(const struct board *b, char *error, size_t size) {
    static const char *const names[DRIVE_INTERFACES] = {"none", "ide", "virtio", "pflash"};
    for (unsigned i = 0; i < b->drives; i++) {
        const struct drive *d = &b->drive[i];
        if (d->taken || d->config.interface == DRIVE_NONE) continue;
        if (size)
            snprintf(error, size, "drive %s: nothing on this machine takes drive %u of if=%s", d->config.id,
                     d->config.index, names[d->config.interface]);
        return false;
    }
    return true;
}

static uint8_t get_reset_control(const void *owner) {
    return system_reset_control(&((const struct board *)owner)->system);
}
static void set_reset_control(void *owner, uint8_t value) {
    system_set_reset_control(&((struct board *)owner)->system, value);
}

// --- construction ---
// RAM, and what hides it.
static void map_memory(struct board *b) {
    struct map *map = &b->bus.memory;
    map->changed = memory_changed;
    map->owner = b;
    struct region ram = {.bytes = b->memory->low_bytes, .kind = REGION_MEMORY, .priority = PRIORITY_RAM};
    (void)map_add(map, &ram);
    ram.base = ram.shows = MEMORY_HIGH_BASE;
    ram.bytes = b->memory->high_bytes;
    (void)map_add(map, &ram);
    (void)map_add(map, &(struct region){.base = MEMORY_HOLE_BASE,
                                        .bytes = MEMORY_HOLE_END - MEMORY_HOLE_BASE,
                                        .kind = REGION_NOTHING,
                                        .priority = PRIORITY_HOLE});
    // In place of a display: text memory holds what is written to it, in the RAM behind it.
    (void)map_add(map, &(struct region){.base = TEXT_SCREEN,
                                        .bytes = TEXT_SCREEN_BYTES,
                                        .kind = REGION_MEMORY,
                                        .priority = PRIORITY_HOLE,
                                        .shows = TEXT_SCREEN});
    b->lapic_page = map_add(
        map,
        &(struct region){.bytes = MEMORY_PAGE, .kind = REGION_NOTHING, .priority = PRIORITY_PROCESSOR, .off = true});
}

static struct region registers(const struct device *device, void *chip, uint8_t space, uint64_t base, uint64_t bytes,
                               uint8_t widths) {
    return (struct region){base, bytes, device, chip, space, widths, .priority = PRIORITY_CHIP};
}

static void map_registers(struct board *b, const struct machine_config *config) {
    struct region r;
    const bool plain = config->machine == MACHINE_PLAIN;
#define PORTS(when, member, device, space, first, count, widths)                                                       \
    r = registers(&device, &b->member, space, first, count, widths);                                                   \
    if (when) (void)map_add(&b->bus.ports, &r);
#define MMIO(when, member, device, space, base, bytes, widths)                                                         \
    r = registers(&device, &b->member, space, base, bytes, widths);                                                    \
    if (when) (void)map_add(&b->bus.memory, &r);
#include "devices/board/board.def"
}

static void wire(struct board *b) {
#define IRQ(output, irq, source) b->output = (struct line){line_changed, b, LINE_INPUT(irq, source)};
#include "devices/board/board.def"
    b->pic.intr = (struct line){pic_intr_changed, b, 0};
    b->apics = (struct apic_bus){.lapic = b->lapic,
                                 .pic_acknowledge = acknowledge_pic,
                                 .eoi = eoi,
                                 .base_changed = apic_base_changed,
                                 .owner = b};
    b->ioapic.bus = &b->apics;
    b->hpet.interrupt = hpet_interrupt;
    b->hpet.legacy = hpet_legacy;
    b->pm.power_off = stop_power_off;
    b->ps2.reset = b->system.reset = stop_reset;
    b->hpet.owner = b->pm.owner = b->ps2.owner = b->system.owner = b->pci.owner = b;
    b->system.clock = &b->clock;
    b->system.pit = &b->pit;
    b->pci.reset_control = get_reset_control;
    b->pci.set_reset_control = set_reset_control;
    b->message = message_sent;
    b->fw_cfg.master = (struct bus_master){.requester = DMA_BOARD, .memory = b->memory};
    b->host = (struct device_host){.master = b->fw_cfg.master,
                                   .bus = &b->bus,
                                   .clock = &b->clock,
                                   .slots = &b->slots,
                                   .set_line = device_line_changed,
                                   .exit = exit_asked,
                                   .drive = drive_asked,
                                   .boots = boot_asked,
                                   .file = file_asked,
                                   .offer_file = file_offered,
                                   .owner = b};
}

// What a BIOS leaves in CMOS memory about the RAM.
static void describe_memory(struct board *b) {
    uint8_t *c = b->rtc.cmos;
    uint64_t low = b->memory->low_bytes, kbytes = low > 1 << 20 ? (low >> 10) - 1024 : 0;
    uint16_t extended = kbytes > 0xffff ? 0xffff : (uint16_t)kbytes;
    uint64_t blocks = low > 16 << 20 ? (low - (16 << 20)) >> 16 : 0, high = b->memory->high_bytes >> 16;
    c[CMOS_EQUIPMENT] = 0x02; // a coprocessor, no display
    c[CMOS_BASE_LOW] = 640 & 255;
    c[CMOS_BASE_HIGH] = 640 >> 8;
    c[CMOS_EXTENDED_LOW] = c[CMOS_EXTENDED_LOW2] = (uint8_t)extended;
    c[CMOS_EXTENDED_HIGH] = c[CMOS_EXTENDED_HIGH2] = (uint8_t)(extended >> 8);
    c[CMOS_ABOVE_16M_LOW] = (uint8_t)blocks;
    c[CMOS_ABOVE_16M_HIGH] = (uint8_t)(blocks >> 8);
    c[CMOS_ABOVE_4G_LOW] = (uint8_t)high;
    c[CMOS_ABOVE_4G_MIDDLE] = (uint8_t)(high >> 8);
    c[CMOS_ABOVE_4G_HIGH] = (uint8_t)(high >> 16);
}

// Beside a display: who types at a serial port needs none.
static bool has_mouse(const struct machine_config *config) {
    const char *options;
    if (config->machine != MACHINE_PLAIN) return true;
    for (unsigned i = 0; i < config->devices; i++) {
        const struct device *kind = device_named(config->device[i], &options);
        if (kind && kind->picture) return true;
    }
    return false;
}

static void add_chipset(struct board *b, const struct machine_config *config) {
    b->chipset.set_input = pirq_changed;
    b->chipset.owner = b;
    b->pm.sleep_off = 0;
    chipset_init(&b->chipset, config->machine == MACHINE_PC ? CHIPSET_PC : CHIPSET_Q35, &b->pci, &b->pm);
    b->host.chipset = &b->chipset;
}

static void init_chips(struct board *b, const struct machine_config *config) {
    pit_init(&b->pit, &b->clock);
    rtc_init(&b->rtc, &b->clock, (int64_t)config->rtc_epoch);
    hpet_init(&b->hpet, &b->clock);
    pm_init(&b->pm, &b->clock);
    ps2_init(&b->ps2, &b->clock, has_mouse(config));
    fw_cfg_init(&b->fw_cfg, config->ram_bytes, config->cpus, config->boot_menu);
    for (unsigned i = 0; i < MACHINE_SERIAL_PORTS; i++) {
        uart_init(&b->uart[i], &b->clock);
        b->uart[i].back = config->serial[i];
        b->uart[i].place = i < config->serial_ports ? &uart_places[i] : NULL;
    }
    b->debug.back = config->debug_console;
    pci_init(&b->pci, &b->bus, config->machine == MACHINE_PLAIN);
    if (config->machine != MACHINE_PLAIN) add_chipset(b, config);
    describe_memory(b);
}

bool board_init(struct board *b, const struct machine_config *config, struct memory *memory, char *error, size_t size) {
    b->memory = memory;
    b->config = config;
    map_memory(b);
    map_registers(b, config);
    wire(b);
    b->host.seed = config->seed;
    init_chips(b, config);
    bool drives = make_drives(b, config);
    if (drives && !board_attach(b, config, error, size)) return false;
    if (drives && !drives_taken(b, error, size)) return false;
    if (drives && !b->bus.ports.failed && !b->bus.memory.failed && !b->fw_cfg.failed) return true;
    if (size) snprintf(error, size, "not enough memory for the machine");
    return false;
}

void board_free(struct board *b) {
    board_detach(b);
    for (unsigned i = 0; i < b->drives; i++) drive_free(&b->drive[i]);
    fw_cfg_free(&b->fw_cfg);
    map_free(&b->bus.ports);
    map_free(&b->bus.memory);
}

void board_add_cpu(struct board *b, struct cpu *cpu) {
    struct lapic *l = &b->lapic[b->apics.count++];
    l->timer_hz = cpu->wire.model->crystal_hz;
    l->has_x2apic = cpu_model_has(cpu->wire.model, FEATURE_X2APIC);
    l->has_tsc_deadline = cpu_model_has(cpu->wire.model, FEATURE_TSC_DEADLINE);
    l->physical_bits = cpu->wire.model->physical_bits;
    lapic_init(l, &b->apics, cpu, &b->clock);
}

// --- all chips and devices ---
struct board_chip {
    const struct device *device;
    size_t offset;
};
static const struct board_chip chips[] = {
#define CHIP(member, device) {&device, offsetof(struct board, member)},
#include "devices/board/board.def"
};
enum { CHIPS = sizeof chips / sizeof chips[0] };

void board_reset(struct board *b) {
    for (unsigned i = 0; i < CHIPS; i++) chips[i].device->reset((char *)b + chips[i].offset);
    attached_reset(b);
    for (unsigned i = 0; i < b->apics.count; i++) lapic_device.reset(&b->lapic[i]);
    if (b->apics.count) apic_base_changed(b);
}

// Of each drive what it counted, and of one whose medium can be changed what lies in it. False: *index is behind them,
// and counts from there.
static bool drive_part(struct board *b, unsigned *index, struct machine_part *out) {
    for (struct drive *d = b->drive; d < b->drive + b->drives; d++) {
        *out = (struct machine_part){"drive", &drive_state, d};
        if ((*index)-- == 0) return true;
        *out = (struct machine_part){"medium", &medium_state, d};
        if (d->config.cdrom && (*index)-- == 0) return true;
    }
    return false;
}

bool board_part(struct board *b, unsigned index, struct machine_part *out) {
    if (index < CHIPS) {
        const struct device *d = chips[index].device;
        *out = (struct machine_part){d->name, d->state, (char *)b + chips[index].offset};
    } else if (index == CHIPS) {
        *out = (struct machine_part){"board", &board_state, b};
    } else if (index == CHIPS + 1) {
        *out = (struct machine_part){"clock", &clock_state, &b->clock};
    } else if (index < CHIPS + 2 + b->apics.count) {
        *out = (struct machine_part){"lapic", lapic_device.state, &b->lapic[index - CHIPS - 2]};
    } else {
        index -= CHIPS + 2 + b->apics.count;
        return drive_part(b, &index, out) || attached_part(b, index, out);
    }
    return true;
}

void board_loaded(struct board *b) {
    *b->host_error = '\0';
    clock_derive(&b->clock);
    for (unsigned i = 0; i < b->apics.count; i++) lapic_timer_loaded(&b->lapic[i]);
    attached_loaded(b);
    if (b->apics.count) apic_base_changed(b);
}

void board_describe(const void *board, enum acpi_scope scope, struct aml *aml) {
    const struct board *b = board;
#define ACPI(where, member, device)                                                                                    \
    if (scope == where) device.describe(&b->member, aml);
#include "devices/board/board.def"
    if (scope != ACPI_BOARD) attached_describe(b, scope == ACPI_PCI, aml);
}
