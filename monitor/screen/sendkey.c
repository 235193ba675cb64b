// sendkey: what a person would type. It is input as any that is typed, and taken when the guest runs.
#include "devices/input/ps2.h"
#include "monitor/expression/expression.h"
#include "monitor/host/parse.h"
#include "monitor/screen/type.h"
#include <stdlib.h>
#include <string.h>

enum { KEYS_MOST = 16, HOLD_MS = 100, HOLD_MOST_MS = 60000 };

bool type_offer(struct monitor *monitor, const char *command, enum input_kind kind, const void *data, size_t bytes) {
    const struct input input = {.kind = (uint8_t)kind, .bytes = (uint32_t)bytes, .data = data};
    return machine_offer(monitor->run->machine, &input) ||
           monitor_error(monitor,
                         "%s: nothing comes in here: the past is as it was (branch makes this moment the end), or too "
                         "much waits already",
                         command);
}

// --- sendkey ---
static const char *nearest_key(const char *name) {
    const char *nearest = NULL;
    unsigned best = PARSE_FAR, distance;
    const struct key_row *row;
    for (unsigned i = 0; (row = key_at(i)); i++)
        if ((distance = parse_distance(name, row->name)) < best) best = distance, nearest = row->name;
    return nearest;
}

// A name, or a key's number as 0x1e.
static const struct key_row *find_key(struct monitor *monitor, const char *name) {
    char *end;
    unsigned long number = strncmp(name, "0x", 2) ? 0 : strtoul(name, &end, 16);
    const struct key_row *row =
        number && !*end && number < KEY_NUMBERS ? key_numbered((uint8_t)number) : key_named(name);
    const char *nearest = row ? NULL : nearest_key(name);
    if (!row && nearest) monitor_error(monitor, "sendkey: no key is called %s; did you mean %s?", name, nearest);
    if (!row && !nearest) monitor_error(monitor, "sendkey: no key is called %s (as a, f1, ctrl, ret, spc, 0x1e)", name);
    return row;
}

// The keys of a chord. 0: an error was told.
static unsigned take_chord(struct monitor *monitor, char *text, uint8_t keys[KEYS_MOST]) {
    unsigned count = 0;
    for (char *at = text, *name; (name = strsep(&at, "-")); count++) {
        const struct key_row *row = find_key(monitor, name);
        if (!row) return 0;
        if (count == KEYS_MOST) return monitor_error(monitor, "sendkey: at most %d keys at once", KEYS_MOST);
        keys[count] = row->number;
    }
    return count;
}

// As QEMU does it: each is pressed and held before the next, and they are let go the other way round.
bool command_sendkey(struct monitor *monitor, const char *arguments) {
    struct key_event events[2 * KEYS_MOST];
    uint8_t keys[KEYS_MOST];
    char chord[256];
    uint64_t hold = HOLD_MS;
    if (!take_word(&arguments, chord, sizeof chord)) return monitor_error(monitor, "sendkey what? sendkey ctrl-alt-f1");
    if (*arguments && (!take_value(&monitor->look, &arguments, &hold) || !take_end(&monitor->look, arguments)))
        return false;
    if (hold > HOLD_MOST_MS) return monitor_error(monitor, "sendkey: keys are held at most %d ms", HOLD_MOST_MS);
    unsigned count = take_chord(monitor, chord, keys);
    bool rests = machine_room(monitor->run->machine, INPUT_KEY, 0) == PS2_PENDING * sizeof *events;
    for (unsigned i = 0; i < count; i++) {
        events[i] = (struct key_event){keys[i], 1, i || !rests ? (uint16_t)hold : 0};
        events[2 * count - 1 - i] = (struct key_event){keys[i], 0, (uint16_t)hold};
    }
    return count && type_offer(monitor, "sendkey", INPUT_KEY, events, 2 * count * sizeof *events);
}
