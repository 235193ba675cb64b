// The options of a device, from its rows: key=value,key=value as QEMU spells it.
#include "devices/bus/device.h"
#include "devices/bus/refuse.h"
#include <stdio.h>
#include <string.h>

enum { WORD = 256 };

// --- values ---
static unsigned digit(char c) {
    return c >= '0' && c <= '9'                 ? (unsigned)(c - '0')
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (unsigned)((c | 32) - 'a' + 10)
                                                : 16;
}

// The text behind the number; NULL: there is none, or it is too large.
static const char *read_number(const char *text, uint64_t *value) {
    unsigned base = text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10;
    const char *p = base == 16 ? text + 2 : text;
    if (digit(*p) >= base) return NULL;
    for (*value = 0; digit(*p) < base; p++)
        if (__builtin_mul_overflow(*value, base, value) || __builtin_add_overflow(*value, digit(*p), value))
            return NULL;
    return p;
}

static bool read_size(const char *text, uint64_t *value) {
    static const char units[] = "kKmMgG";
    const char *p = read_number(text, value), *unit = p && *p ? strchr(units, *p) : NULL;
    unsigned shift = unit ? 10 * (1 + (unsigned)(unit - units) / 2) : 0;
    if (!p || p[unit != NULL] || *value > ~0ull >> shift) return false;
    *value <<= shift;
    return true;
}

static bool read_switch(const char *text, uint64_t *value) {
    *value = strcmp(text, "on") == 0;
    return *value || strcmp(text, "off") == 0;
}

static bool read_value(const struct device_option *o, const char *text, uint64_t *value) {
    if (o->type == OPTION_SWITCH) return read_switch(text, value);
    if (o->type == OPTION_SIZE) return read_size(text, value) && *value >= o->least && *value <= o->most;
    const char *rest = read_number(text, value);
    if (!rest || *rest || *value < o->least || *value > o->most) return false;
    return o->type != OPTION_POWER || (*value & (*value - 1)) == 0;
}

static bool set(const struct device_option *o, void *chip, const char *text) {
    uint64_t value;
    char *member = (char *)chip + o->offset;
    if (o->type == OPTION_TEXT) {
        if (strlen(text) > o->most || strlen(text) >= o->bytes) return false;
        strcpy(member, text);
        return true;
    }
    if (!read_value(o, text, &value)) return false;
    memcpy(member, &value, o->bytes);
    return true;
}

// --- the list ---
// The next key=value: the value is cut off the key, and is "on" where there is none.
static bool next_item(const char **text, char word[WORD], const char **value) {
    if (!**text) return false;
    size_t length = strcspn(*text, ",");
    snprintf(word, WORD, "%.*s", (int)(length < WORD ? length : WORD - 1), *text);
    *text += length + ((*text)[length] == ',');
    char *equals = strchr(word, '=');
    if (equals) *equals = '\0';
    *value = equals ? equals + 1 : "on";
    return true;
}

static bool refuse_key(const struct device *d, char *error, size_t size) {
    char list[WORD] = "";
    if (!d->options) return refuse(error, size, "this device has no properties of its own");
    for (unsigned i = 0, used = 0; i < d->options && used < sizeof list; i++)
        used += (unsigned)snprintf(list + used, sizeof list - used, "%s%s=%s",
                                   i == 0               ? ""
                                   : i + 1 < d->options ? ", "
                                                        : " and ",
                                   d->option[i].key, d->option[i].value);
    return refuse(error, size, "%s takes %s", d->name, list);
}

// addr=DEVICE or addr=DEVICE.FUNCTION, as QEMU has it.
static bool set_addr(const char *text, unsigned *place) {
    unsigned value = 0, function = 0;
    const char *p = text[0] == '0' && (text[1] | 32) == 'x' ? text + 2 : text;
    if (digit(*p) >= 16) return false;
    for (; digit(*p) < 16 && value < 0x100; p++) value = 16 * value + digit(*p);
    if (p[0] == '.' && p[1] >= '0' && p[1] <= '7') function = (unsigned)(p[1] - '0'), p += 2;
    if (*p || value > 31) return false;
    *place = value << 3 | function;
    return true;
}

static bool set_name(char to[DEVICE_NAME], const char *text) {
    if (strlen(text) >= DEVICE_NAME) return false;
    strcpy(to, text);
    return true;
}

// What is right for an option that every device has; NULL: it is none.
static const char *common_text(const struct device *d, const char *key) {
    static const struct {
        const char *key, *text;
        bool pci;
    } common[] = {{"id", "a name of at most 31 letters", false},
                  {"addr", "a device number from 0 to 1f, hexadecimal, and .N for function N", true},
                  {"bus", "the name of a bus, of at most 31 letters", true},
                  {"multifunction", "on or off", true}};
    for (unsigned i = 0; i < sizeof common / sizeof *common; i++)
        if (strcmp(common[i].key, key) == 0 && (d->function || !common[i].pci)) return common[i].text;
    return NULL;
}

bool device_has_option(const struct device *d, const char *key) {
    for (unsigned i = 0; i < d->options; i++)
        if (strcmp(d->option[i].key, key) == 0) return true;
    return common_text(d, key) != NULL;
}

// What every device takes. False: not one of these.
static bool set_common(const struct device *d, const char *key, const char *value, struct device_place *place) {
    uint64_t many;
    if (strcmp(key, "id") == 0) return set_name(place->id, value);
    if (!d->function) return false;
    if (strcmp(key, "addr") == 0) return set_addr(value, &place->place);
    if (strcmp(key, "bus") == 0) return set_name(place->bus, value);
    if (strcmp(key, "multifunction") != 0 || !read_switch(value, &many)) return false;
    place->many = many;
    return true;
}

static const struct device_option *find(const struct device *d, const char *key) {
    for (unsigned i = 0; i < d->options; i++)
        if (strcmp(d->option[i].key, key) == 0) return &d->option[i];
    return NULL;
}

// Whether one of the items in `rest` has that key.
static bool comes_again(const char *rest, const char *key) {
    char word[WORD];
    const char *value;
    while (next_item(&rest, word, &value))
        if (strcmp(word, key) == 0) return true;
    return false;
}

bool device_set_options(const struct device *d, void *chip, const char *text, struct device_place *place, char *error,
                        size_t size) {
    char key[WORD];
    const char *value;
    *place = (struct device_place){.place = DEVICE_NO_PLACE};
    for (unsigned i = 0; i < d->options; i++)
        if (d->option[i].type != OPTION_TEXT)
            memcpy((char *)chip + d->option[i].offset, &d->option[i].standard, d->option[i].bytes);
    while (next_item(&text, key, &value)) {
        const struct device_option *o = find(d, key);
        if (comes_again(text, key)) return refuse(error, size, "%s is there twice; give it once", key);
        if (!o && set_common(d, key, value, place)) continue;
        if (!o && common_text(d, key)) return refuse(error, size, "%s is %s", key, common_text(d, key));
        if (!o) return refuse_key(d, error, size);
        if (!set(o, chip, value)) return refuse(error, size, "%s is %s", o->key, o->help);
    }
    return true;
}
