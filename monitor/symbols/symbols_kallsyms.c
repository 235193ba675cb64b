// Linux's own symbol table (kallsyms), found in the image of a kernel that a level maps: names for a stripped kernel,
// wherever KASLR put it, and only for the kernel of this level: the copies that its guests have lie elsewhere.
//
// Names are strings of tokens, one byte each; the table of 256 tokens holds every digit as itself, so that "0\0" "1\0"
// ... "9\0" in a row gives it away. In memory, since Linux 4.6 (addresses as offsets), with alignment to 8 bytes:
//     [offsets, relative base], number of symbols, names, markers (where each 256th name is), [order of names], tokens,
//     token index, [offsets, relative base: here since Linux 6.4]
// An offset below 0 is counted down from the base minus 1; where there are such, others are absolute (per-CPU symbols).
// Nothing read here is trusted: every position is checked against the image, and what is tried has limits. Of pages
// that cannot be read, the names are left out: a marker says where those behind them go on.
#define _GNU_SOURCE // memmem
#include "monitor/symbols/linux_image.h"
#include "monitor/symbols/symbols_file.h"
#include <stdio.h>
#include <string.h>

enum {
    TOKENS = 256,
    DIGIT_0 = '0',
    STRIDE = 256,
    TRIES = 16, // places that have the digits and tokens before them
    SYMBOLS_MAX = 1 << 21,
    NAME_MAX_BYTES = 512
};
static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";

struct kallsyms {
    const struct linux_image *image;
    const uint8_t *memory;
    size_t size;
    size_t tokens, index; // positions
    size_t markers, names;
    size_t token_at[TOKENS];
    uint32_t count;
    size_t offsets;
    uint64_t base;
};

static uint32_t get32(const struct kallsyms *k, size_t at) {
    uint32_t value = 0;
    if (at + 4 <= k->size) memcpy(&value, k->memory + at, 4);
    return value;
}
static uint64_t get64(const struct kallsyms *k, size_t at) { return get32(k, at) | (uint64_t)get32(k, at + 4) << 32; }
static size_t align8(size_t at) { return (at + 7) & ~(size_t)7; }

// --- tokens: from the digits back to the first one, and on to the index behind the last ---

static bool find_first_token(struct kallsyms *k, size_t digit) {
    size_t at = digit;
    for (unsigned i = 0; i < DIGIT_0; i++) {
        if (at < 2 || k->memory[at - 1]) return false;
        for (at--; at > 0 && k->memory[at - 1]; at--)
            if (digit - at > 4096) return false;
    }
    k->tokens = at;
    return true;
}

static bool find_index(struct kallsyms *k) {
    size_t at = k->tokens;
    for (unsigned i = 0; i < TOKENS; i++) {
        k->token_at[i] = at;
        size_t length = at < k->size ? strnlen((const char *)k->memory + at, k->size - at) : 0;
        if (!length || length > 64 || at + length >= k->size) return false;
        at += length + 1;
    }
    k->index = align8(at);
    if (k->index + 2 * TOKENS > k->size) return false;
    for (unsigned i = 0; i < TOKENS; i++) {
        uint16_t offset;
        memcpy(&offset, k->memory + k->index + 2 * i, 2);
        if (offset != k->token_at[i] - k->tokens) return false;
    }
    return true;
}

static bool find_tokens(struct kallsyms *k, size_t digit) { return find_first_token(k, digit) && find_index(k); }

// --- markers: ascending from 0; behind them, up to the tokens, nothing, or three bytes a symbol (Linux 6.2 and later,
// and some of 6.1: the order of names) ---

static unsigned count_markers(const struct kallsyms *k, size_t at) {
    enum { GAP_MOST = STRIDE * 128 };
    unsigned count = 1;
    for (at += 4; at + 4 <= k->tokens; at += 4, count++) {
        uint32_t step = get32(k, at) - get32(k, at - 4);
        if (!step || step > GAP_MOST) break;
    }
    return count;
}

static bool fills(size_t gap, unsigned markers) {
    enum { ORDER_BYTES = 3 };
    size_t least = (size_t)ORDER_BYTES * STRIDE * (markers - 1), most = (size_t)ORDER_BYTES * STRIDE * markers + 16;
    return gap < 8 || (gap >= least && gap <= most);
}

static bool find_markers(struct kallsyms *k, uint32_t *last, unsigned *count) {
    enum { MARKERS_LEAST = 4 };
    for (size_t at = k->tokens & ~(size_t)7; at >= 8; at -= 8) {
        if (get32(k, at) || !get32(k, at + 4)) continue;
        *count = count_markers(k, at);
        if (*count < MARKERS_LEAST || !fills(k->tokens - (at + 4 * (size_t)*count), *count)) continue;
        *last = get32(k, at + 4 * (size_t)(*count - 1));
        k->markers = at;
        return true;
    }
    return false;
}

// --- names ---

// The length byte (two for long names), and where the tokens begin. 0: outside.
static size_t name_length(const struct kallsyms *k, size_t at, size_t *begin) {
    if (at + 2 > k->size) return 0;
    size_t length = k->memory[at];
    *begin = at + 1;
    if (length & 0x80) {
        length = (length & 0x7f) | (size_t)k->memory[at + 1] << 7;
        *begin = at + 2;
    }
    return *begin + length <= k->markers ? length : 0;
}

// Whether names that begin here agree with the first marker after 0.
static bool names_agree(const struct kallsyms *k, size_t names) {
    size_t at = names, begin;
    for (unsigned i = 0; i < STRIDE; i++) {
        size_t length = name_length(k, at, &begin);
        if (!length) return false;
        at = begin + length;
    }
    return at - names == get32(k, k->markers + 4);
}

static bool find_names(struct kallsyms *k, uint32_t last, unsigned markers) {
    enum { BYTES_MOST = STRIDE * 128 };
    for (size_t back = last; back < (size_t)last + BYTES_MOST; back++) {
        if (back + 8 > k->markers) return false;
        size_t names = k->markers - back;
        uint32_t count = get32(k, names - 8);
        if (names & 7 || count <= STRIDE * (markers - 1) || count > STRIDE * markers) continue;
        if (!names_agree(k, names)) continue;
        k->names = names;
        k->count = count;
        return count <= SYMBOLS_MAX;
    }
    return false;
}

// --- offsets ---

// The base is the beginning of the image, but for what is mapped before it.
static bool is_base(const struct kallsyms *k, size_t at) {
    enum { NEAR = 64 << 20 };
    uint64_t base = get64(k, at);
    return linux_image_has(k->image, at, 8) && !(base & 0xfff) && base - (k->image->base - NEAR) < 2 * NEAR;
}

static bool find_offsets(struct kallsyms *k) {
    size_t bytes = align8(4 * (size_t)k->count), before = k->names - 16, after = align8(k->index + 2 * TOKENS);
    if (before > bytes && before < k->size && is_base(k, before)) {
        k->base = get64(k, before);
        k->offsets = before - bytes;
        return true;
    }
    k->offsets = after;
    k->base = get64(k, after + bytes);
    return after + bytes + 8 <= k->size && is_base(k, after + bytes);
}

static bool counts_down(const struct kallsyms *k) {
    for (uint32_t i = 0; i < k->count; i++)
        if ((int32_t)get32(k, k->offsets + 4 * (size_t)i) < 0) return true;
    return false;
}

// --- all of it ---

static size_t expand(const struct kallsyms *k, size_t begin, size_t length, char *name) {
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        const char *token = (const char *)k->memory + k->token_at[k->memory[begin + i]];
        size_t n = strlen(token);
        if (used + n > NAME_MAX_BYTES) return 0;
        memcpy(name + used, token, n);
        used += n;
    }
    return used;
}

static bool add_one(struct symbol_table *table, const struct kallsyms *k, uint32_t i, bool down, const char *name,
                    size_t length) {
    int64_t offset = (int32_t)get32(k, k->offsets + 4 * (size_t)i);
    if (!down) offset &= UINT32_MAX;
    if (down && offset >= 0) return true; // of a processor's own memory, not an address
    uint64_t address = down ? k->base - 1 - (uint64_t)offset : k->base + (uint64_t)offset;
    return symbols_add(table, name, length, address, 0);
}

// Those that a marker stands for; the first letter is the symbol's type, as nm prints it. False: memory is short.
static bool add_group(struct symbol_table *table, const struct kallsyms *k, uint32_t group, bool down,
                      struct linux_found *found) {
    char name[NAME_MAX_BYTES];
    uint32_t first = group * STRIDE, end = first + STRIDE < k->count ? first + STRIDE : k->count;
    size_t marker = k->markers + 4 * (size_t)group, at = k->names + get32(k, marker), begin;
    uint32_t i = first;
    for (; linux_image_has(k->image, marker, 4) && i < end; i++) {
        size_t length = name_length(k, at, &begin), used = length ? expand(k, begin, length, name) : 0;
        if (used < 2 || !linux_image_has(k->image, at, begin - at + length)) break;
        at = begin + length;
        if (!linux_image_has(k->image, k->offsets + 4 * (size_t)i, 4)) {
            found->unread++;
        } else if (!add_one(table, k, i, down, name + 1, used - 1)) {
            return false;
        }
    }
    found->unread += end - i;
    return true;
}

static const char *add_all(struct symbol_table *table, const struct kallsyms *k, struct linux_found *found) {
    bool down = counts_down(k);
    for (uint32_t group = 0; group * STRIDE < k->count; group++)
        if (!add_group(table, k, group, down, found)) return "not enough memory";
    found->symbols = k->count - found->unread;
    return NULL;
}

static bool understand(struct kallsyms *k) {
    uint32_t last;
    unsigned markers;
    return find_markers(k, &last, &markers) && find_names(k, last, markers) && find_offsets(k);
}

static const char *search(struct symbol_table *table, const struct linux_image *image, struct linux_found *found) {
    struct kallsyms k = {.image = image, .memory = image->memory, .size = image->size};
    unsigned tries = 0;
    for (size_t at = 0; at < k.size && tries < TRIES;) {
        const uint8_t *hit = memmem(k.memory + at, k.size - at, digits, sizeof digits);
        if (!hit) break;
        at = (size_t)(hit - k.memory) + 1;
        if (!find_tokens(&k, at - 1)) continue;
        tries++;
        if (understand(&k)) return add_all(table, &k, found);
    }
    if (!image->missing)
        return "no symbol table of Linux lies in the kernel that is mapped there (is it unpacked already?)";
    return "its symbol table cannot be read yet";
}

// "Linux version 6.1.0-9-amd64 (...) ...": its third word.
static void read_banner(const struct symbol_table *table, const struct linux_image *image, struct linux_found *found) {
    static const char begin[] = "Linux version ";
    uint64_t address;
    for (size_t n = 0; symbols_table_next(table, "linux_banner", &n, &address);) {
        size_t at = address - image->base, after = at + sizeof begin - 1;
        if (!linux_image_has(image, at, sizeof begin + sizeof found->version)) continue;
        if (memcmp(image->memory + at, begin, sizeof begin - 1) != 0) continue;
        found->banner = address;
        snprintf(found->version, sizeof found->version, "%.*s",
                 (int)strcspn((const char *)image->memory + after, " \n"), (const char *)image->memory + after);
    }
}

static bool address_of(const struct symbol_table *table, const char *name, uint64_t *address) {
    size_t at = 0;
    return symbols_table_next(table, name, &at, address);
}

// The kernel's ORC tables, page by page: they are wanted when the guest's pages may be gone.
static void keep_orc(struct symbol_table *table, const struct linux_image *image) {
    static const char *const ends[][2] = {{"__start_orc_unwind_ip", "__stop_orc_unwind_ip"},
                                          {"__start_orc_unwind", "__stop_orc_unwind"}};
    enum { MOST = 32 << 20 };
    uint64_t begin, end;
    for (unsigned i = 0; i < 2; i++) {
        if (!address_of(table, ends[i][0], &begin) || !address_of(table, ends[i][1], &end)) return;
        if (end <= begin || end - begin > MOST || !linux_image_has(image, begin - image->base, end - begin)) return;
        if (!symbols_keep(table, begin, image->memory + (begin - image->base), end - begin)) return;
    }
}

const char *symbols_from_kallsyms(struct symbol_table *table, const struct view *view, struct linux_found *found) {
    struct linux_image image;
    *found = (struct linux_found){0};
    const char *error = linux_image_read(view, &image);
    found->missing = image.missing;
    found->base = image.base;
    if (!error && !image.size && !image.missing) error = "nothing is mapped there where Linux maps its kernel";
    if (!error) error = search(table, &image, found);
    if (!error) {
        read_banner(table, &image, found);
        keep_orc(table, &image);
    }
    linux_image_free(&image);
    return error;
}
