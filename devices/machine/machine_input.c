// The door: stamps what comes in, tells who keeps it, and hands it to what it is for. See machine_input.h.
#include "devices/machine/machine_private.h"
#include <stdlib.h>
#include <string.h>

enum { QUEUE_BYTES = 1 << 16 }; // of data offered and not yet taken

// Offered, and not yet taken.
struct offer {
    struct offer *next;
    struct input input; // data: what is left of `bytes`
    uint8_t bytes[];
};

bool input_row(unsigned kind, struct input_row *out) {
    const struct input_kind_row *row = input_kind_row(kind);
    if (row) *out = row->row;
    return row;
}

// Takes an input at the present position. False: it is refused.
static bool take(struct machine *m, const struct input *input) {
    const struct input_kind_row *row = input_kind_row(input->kind);
    struct input taken = *input;
    machine_position(m, &taken.at);
    if (!row || (input->bytes && !input->data) || !row->apply(m, &taken)) return false;
    if (input->kind != INPUT_IDLE) m->turns.quiet = 0;
    if (m->log.took) m->log.took(m->log.context, &taken);
    return true;
}

bool machine_alter(struct machine *m, const struct input *input) {
    if (m->log.next) return false; // what was recorded comes, and nothing else
    machine_settle(m);
    return take(m, input);
}

// --- offers ---

static uint32_t queued(const struct machine *m, unsigned kind, unsigned unit) {
    uint32_t bytes = 0;
    for (const struct offer *o = m->offers; o; o = o->next)
        if (o->input.kind == kind && o->input.unit == unit) bytes += o->input.bytes;
    return bytes;
}

unsigned machine_room(const struct machine *m, enum input_kind kind, unsigned unit) {
    const struct input_kind_row *row = input_kind_row(kind);
    const struct input input = {.kind = (uint8_t)kind, .unit = (uint8_t)unit};
    if (!row || !row->takes || unit > UINT8_MAX || m->log.next || machine_held(m)) return 0;
    uint32_t takes = row->takes(m, &input), waiting = queued(m, kind, unit);
    return takes > waiting ? takes - waiting : 0;
}

bool machine_offer(struct machine *m, const struct input *input) {
    const struct input_kind_row *row = input_kind_row(input->kind);
    struct offer **end = &m->offers;
    uint32_t bytes = 0;
    for (; *end; end = &(*end)->next) bytes += (*end)->input.bytes;
    if (!row || !row->takes || m->log.next || !input->bytes || input->bytes > QUEUE_BYTES - bytes) return false;
    struct offer *offer = malloc(sizeof *offer + input->bytes);
    if (!offer) return false;
    offer->next = NULL;
    offer->input = *input;
    offer->input.data = offer->bytes;
    memcpy(offer->bytes, input->data, input->bytes);
    *end = offer;
    return true;
}

static void drop(struct offer **at) {
    struct offer *offer = *at;
    *at = offer->next;
    free(offer);
}

void machine_drop_offers(struct machine *m) {
    while (m->offers) drop(&m->offers);
}

// As much of an offer as there is room for. True: that was all, and the offer has gone.
static bool take_offer(struct machine *m, struct offer **at, bool *taken) {
    struct input *input = &(*at)->input, part = *input;
    uint32_t room = input_kind_row(input->kind)->takes(m, input);
    if (part.bytes > room) part.bytes = room;
    if (!part.bytes || !take(m, &part)) return false;
    *taken = true;
    input->data = (const uint8_t *)input->data + part.bytes;
    input->bytes -= part.bytes;
    if (input->bytes) return false;
    drop(at);
    return true;
}

// One that has no room keeps no other waiting.
static bool take_offers(struct machine *m) {
    bool taken = false;
    for (struct offer **at = &m->offers; *at;)
        if (!take_offer(m, at, &taken)) at = &(*at)->next;
    return taken;
}

// --- recording and replaying ---

void machine_set_log(struct machine *m, const struct input_log *log) {
    m->log = log ? *log : (struct input_log){0};
    m->replay = m->log.next ? m->log.next(m->log.context) : NULL;
    if (m->log.next) machine_drop_offers(m);
}

static int replay_input(struct machine *m) {
    switch (position_order(m, &m->replay->at)) {
    case POSITION_AHEAD: return NOTHING_CAME;
    case POSITION_BEHIND: return MACHINE_LOST;
    default: break;
    }
    if (!take(m, m->replay)) return MACHINE_LOST;
    m->replay = m->log.next(m->log.context);
    return CAME_IN;
}

int machine_come_in(struct machine *m) {
    if (m->replay) return replay_input(m);
    return m->offers && !machine_held(m) && take_offers(m) ? CAME_IN : NOTHING_CAME;
}

// --- for those who alter ---

bool machine_set_register(struct machine *m, unsigned processor, enum register_number number, uint64_t value) {
    struct register_row row;
    if (!register_row(number, &row) || processor > UINT8_MAX) return false;
    const struct input input = {.kind = INPUT_REGISTER,
                                .unit = (uint8_t)processor,
                                .where = number,
                                .bytes = row.bytes < sizeof value ? row.bytes : (uint32_t)sizeof value,
                                .data = &value};
    return machine_alter(m, &input);
}

bool machine_set_memory(struct machine *m, uint64_t physical, const void *from, size_t length) {
    const struct input input = {.kind = INPUT_MEMORY, .where = physical, .bytes = (uint32_t)length, .data = from};
    return length <= UINT32_MAX && machine_alter(m, &input);
}
