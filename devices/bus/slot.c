// Slots; see slot.h.
#include "devices/bus/slot.h"
#include "devices/bus/device.h"
#include <stdio.h>
#include <string.h>

bool slots_offer(struct device_host *controller, const char *kind, unsigned number, unsigned units, const void *sockets,
                 unsigned stride) {
    struct slots *s = controller->slots;
    const char *id = controller->place->id;
    char name[SLOT_NAME];
    if (s->count + units > SLOTS) return false;
    if (*id)
        snprintf(name, sizeof name, "%.30s.%u", id, number);
    else
        snprintf(name, sizeof name, "%s.%u", kind, s->unnamed++);
    for (unsigned unit = 0; unit < units; unit++) {
        struct slot *slot = &s->slot[s->count++];
        *slot = (struct slot){.kind = kind, .unit = unit, .bus_number = s->buses, .channel = number};
        slot->controller = controller->function;
        slot->socket = (const char *)sockets + (size_t)unit * stride;
        memcpy(slot->bus, name, sizeof name);
    }
    s->buses++;
    return true;
}

static bool fits(const struct slot *s, const char *kind, const char *bus, unsigned unit) {
    return !s->taken && strcmp(s->kind, kind) == 0 && (!bus || !*bus || strcmp(s->bus, bus) == 0) &&
           (unit == SLOT_ANY || unit == s->unit);
}

const struct slot *slots_take(struct slots *s, const char *kind, const char *bus, unsigned unit, const void *taker) {
    for (unsigned i = 0; i < s->count; i++) {
        if (!fits(&s->slot[i], kind, bus, unit)) continue;
        s->slot[i].taken = true;
        s->slot[i].taker = taker;
        return &s->slot[i];
    }
    return NULL;
}
