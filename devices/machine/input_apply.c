// What each kind of input does to the machine: the functions that the rows of input.def name. Inputs may come from a
// file that somebody made up, so each looks at everything that it is given.
#include "cpu/system/msr.h"
#include "cpu/x87/x87.h"
#include "devices/machine/machine_private.h"
#include "vmx/level/view.h"
#include "cpu/memory/mode.h"
#include <string.h>

static struct cpu *cpu_of(struct machine *m, const struct input *input) {
    return input->unit < m->config.cpus ? m->cpu[input->unit] : NULL;
}

// --- serial ports ---

static uint32_t serial_takes(const struct machine *m, const struct input *input) {
    if (input->unit >= m->config.serial_ports) return 0;
    const struct uart *uart = &m->board.uart[input->unit];
    return uart_listens(uart) ? uart_room(uart) : 0;
}

static bool serial_apply(struct machine *m, const struct input *input) {
    const uint8_t *byte = input->data;
    if (input->unit >= m->config.serial_ports || input->bytes > uart_room(&m->board.uart[input->unit])) return false;
    for (uint32_t i = 0; i < input->bytes; i++)
        if (!uart_receive(&m->board.uart[input->unit], byte[i])) return false;
    return true;
}

// --- keyboard and mouse ---

static uint32_t key_takes(const struct machine *m, const struct input *input) {
    (void)input;
    return ps2_key_room(&m->board.ps2) * (uint32_t)sizeof(struct key_event);
}

static bool key_apply(struct machine *m, const struct input *input) {
    struct key_event event;
    uint32_t events = input->bytes / sizeof event;
    if (input->bytes % sizeof event || events > ps2_key_room(&m->board.ps2)) return false;
    for (uint32_t i = 0; i < events; i++) {
        memcpy(&event, (const uint8_t *)input->data + i * sizeof event, sizeof event);
        if (!key_numbered(event.key) || event.down > 1) return false;
    }
    for (uint32_t i = 0; i < events; i++) {
        memcpy(&event, (const uint8_t *)input->data + i * sizeof event, sizeof event);
        (void)ps2_key(&m->board.ps2, &event);
    }
    return true;
}

static uint32_t pointer_takes(const struct machine *m, const struct input *input) {
    (void)input;
    return ps2_pointer_room(&m->board.ps2) * (uint32_t)sizeof(struct pointer_event);
}

static bool pointer_apply(struct machine *m, const struct input *input) {
    struct pointer_event event;
    if (input->bytes != sizeof event) return false;
    memcpy(&event, input->data, sizeof event);
    return ps2_pointer(&m->board.ps2, &event);
}

// --- time and resets ---

// Some of the time until the next event, while every processor is halted. The front end slept less than that because
// something came.
static bool idle_apply(struct machine *m, const struct input *input) { return machine_idle_pass(m, input->where); }

static bool reset_apply(struct machine *m, const struct input *input) {
    (void)input;
    machine_reset(m);
    return true;
}

// --- messages: to the local APIC of a processor, as a chip might send them. SDM Vol. 3A, 10.5, 10.6 ---

static bool send(struct machine *m, const struct input *input, uint8_t delivery, uint8_t vector) {
    if (!cpu_of(m, input)) return false;
    const struct apic_message message = {
        .destination = m->board.lapic[input->unit].id, .wide = true, .delivery = delivery, .vector = vector};
    return apic_deliver(&m->board.apics, &message);
}

static bool interrupt_apply(struct machine *m, const struct input *input) {
    return input->where >= 16 && input->where <= 255 && send(m, input, DELIVERY_FIXED, (uint8_t)input->where);
}
static bool nmi_apply(struct machine *m, const struct input *input) { return send(m, input, DELIVERY_NMI, 0); }
static bool init_apply(struct machine *m, const struct input *input) { return send(m, input, DELIVERY_INIT, 0); }

// --- what a person sets ---

// Points are told of it in a replay, where the run goes over it; who alters a machine knows without.
static bool memory_apply(struct machine *m, const struct input *input) {
    struct pages *pages = &m->memory.pages;
    if (m->replay && m->points && machine_ram(m, input->where, input->bytes))
        pages_tell_point(pages, NULL, STORED_BY_HAND, input->where, input->data, input->bytes);
    if (!input->bytes || !machine_store(m, input->where, input->data, input->bytes)) return false;
    machine_drop_derived(m);
    return true;
}

static bool register_apply(struct machine *m, const struct input *input) {
    struct cpu *cpu = cpu_of(m, input);
    if (!cpu || input->where >= REGISTER_COUNT) return false;
    if (!register_store(cpu, (enum register_number)input->where, input->data, input->bytes)) return false;
    cpu_update_space(cpu); // what follows from registers: mode, TLB context
    return true;
}

static bool msr_apply(struct machine *m, const struct input *input) {
    struct cpu *cpu = cpu_of(m, input);
    uint64_t value;
    if (!cpu || input->where > UINT32_MAX || input->bytes != sizeof value) return false;
    memcpy(&value, input->data, sizeof value);
    struct event fault = cpu->attempt.fault;
    bool done = msr_write(cpu, NULL, (uint32_t)input->where, value) == OUT_OK;
    cpu->attempt.fault = fault;
    if (done) cpu_update_space(cpu);
    return done;
}

static int field_index(uint64_t encoding) {
    struct vmx_field field;
    for (unsigned i = 0; vmx_field(i, &field); i++)
        if (field.encoding == encoding) return (int)i;
    return -1;
}

static bool field_apply(struct machine *m, const struct input *input) {
    struct cpu *cpu = cpu_of(m, input);
    int field = field_index(input->where);
    uint64_t data[2]; // value, VMCS
    if (!cpu || !cpu->wire.extension || field < 0 || input->bytes != sizeof data) return false;
    memcpy(data, input->data, sizeof data);
    if (!vmx_vmcs_write(cpu, data[1], (unsigned)field, data[0])) return false;
    machine_drop_derived(m);
    return true;
}

// What steps take from now on: a core's caches and predictors begin cold.
static bool timing_apply(struct machine *m, const struct input *input) {
    return input->where <= UINT32_MAX && machine_switch_timing(m, (uint32_t)input->where);
}

// --- discs ---

static bool medium_apply(struct machine *m, const struct input *input) {
    struct drive *d = input->unit < m->board.drives ? &m->board.drive[input->unit] : NULL;
    struct drive_medium medium;
    if (d && input->where == DRIVE_BUTTON) return !input->bytes && drive_press(d);
    return d && drive_medium_take(&medium, input->where, input->data, input->bytes) && drive_change(d, &medium);
}

const struct input_kind_row *input_kind_row(unsigned kind) {
    static const struct input_kind_row rows[] = {
#define INPUT(id, name, takes, apply, unit, where, data) {{name, unit, where, data, (takes) != NULL}, takes, apply},
#include "devices/machine/input.def"
    };
    return kind < INPUT_KINDS ? &rows[kind] : NULL;
}
