// The header of a multiboot 2 image, tag by tag, and the list of tags that the image is given. Multiboot2
// Specification, version 2.0, 3.1 and 3.6. A tag that is not optional and not known, or asks for EFI, is refused.
#include "monitor/load/multiboot2.h"
#include "cpu/state/outcome.h"
#include "monitor/host/status.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct header {
    uint32_t magic, architecture, length, checksum;
};
#define HEADER_MAGIC 0xe85250d6u
enum { HEADER_SEARCH = 32768, HEADER_ALIGN = 8, ARCHITECTURE_I386 = 0 };

struct header_tag {
    uint16_t type, flags;
    uint32_t size;
};
#define TAG_OPTIONAL BIT(0)
#define TAG_WORDS 4 // the most that a tag has whose words are read here
enum header_tag_type {
    TAG_END,
    TAG_INFORMATION,
    TAG_ADDRESS,
    TAG_ENTRY,
    TAG_CONSOLE,
    TAG_FRAMEBUFFER,
    TAG_MODULE_ALIGN,
    TAG_EFI_SERVICES,
    TAG_EFI_ENTRY_32,
    TAG_EFI_ENTRY_64,
    TAG_RELOCATABLE,
};
#define CONSOLE_REQUIRED BIT(0)
#define CONSOLE_EGA_TEXT BIT(1)

static bool find_header(const struct file *file, struct header *header, uint64_t *offset) {
    for (uint64_t at = 0; at + sizeof *header <= HEADER_SEARCH; at += HEADER_ALIGN) {
        if (!file_get(file, at, header, sizeof *header)) return false;
        uint32_t sum = header->magic + header->architecture + header->length + header->checksum;
        if (header->magic == HEADER_MAGIC && header->architecture == ARCHITECTURE_I386 && sum == 0) {
            *offset = at;
            return true;
        }
    }
    return false;
}

bool multiboot2_probe(const struct file *file) {
    struct header header;
    uint64_t offset;
    return find_header(file, &header, &offset);
}

// --- what it asks for ---
struct reader {
    const struct file *file;
    struct multiboot2_wishes *wishes;
    const struct header_tag *tag;
    uint64_t at; // of the tag, in the file
    uint32_t word[TAG_WORDS];
};

static bool is_optional(const struct reader *r) { return r->tag->flags & TAG_OPTIONAL; }

// The information that is asked for must be known; whether the machine has it is another matter.
static bool take_information(const struct reader *r) {
    uint32_t wanted;
    for (uint32_t at = sizeof *r->tag; at + sizeof wanted <= r->tag->size; at += (uint32_t)sizeof wanted) {
        if (!file_get(r->file, r->at + at, &wanted, sizeof wanted)) break;
        r->wishes->sections |= wanted == MULTIBOOT2_SECTIONS;
        if (wanted >= MULTIBOOT2_TAGS && !is_optional(r))
            return complain("%s: its multiboot 2 header requires information of type %" PRIu32 ", which is not known",
                            r->file->path, wanted);
    }
    return true;
}

static bool take_console(const struct reader *r) {
    if (is_optional(r) || !(r->word[0] & CONSOLE_REQUIRED) || r->word[0] & CONSOLE_EGA_TEXT) return true;
    return complain("%s: its multiboot 2 header requires a console and does not support text; there is no frame buffer",
                    r->file->path);
}

static bool take_relocatable(const struct reader *r) {
    uint32_t align = r->word[2] ? r->word[2] : 1;
    if (align & (align - 1))
        return complain("%s: damaged: the multiboot 2 header wants an alignment of %" PRIx32
                        "H, which is no power of 2",
                        r->file->path, align);
    r->wishes->relocatable = true;
    r->wishes->least = r->word[0];
    r->wishes->most = r->word[1];
    r->wishes->align = align;
    r->wishes->preference = r->word[3];
    return true;
}

static bool refuse_unless_optional(const struct reader *r) {
    if (is_optional(r)) return true;
    bool efi = r->tag->type >= TAG_EFI_SERVICES && r->tag->type <= TAG_EFI_ENTRY_64;
    return complain("%s: its multiboot 2 header requires %s (tag %u), which is not %s", r->file->path,
                    efi ? "EFI" : "a feature", r->tag->type, efi ? "modelled" : "known");
}

static void take_addresses(const struct reader *r) {
    struct multiboot_addresses *a = &r->wishes->addresses;
    r->wishes->has_addresses = true;
    a->header = r->word[0], a->load = r->word[1], a->load_end = r->word[2], a->bss_end = r->word[3];
}

static bool take_tag(const struct reader *r) {
    switch (r->tag->type) {
    case TAG_INFORMATION: return take_information(r);
    case TAG_ADDRESS: take_addresses(r); return true;
    case TAG_ENTRY:
        r->wishes->has_entry = true;
        r->wishes->addresses.entry = r->word[0];
        return true;
    case TAG_CONSOLE: return take_console(r);
    case TAG_FRAMEBUFFER:  // what it would prefer
    case TAG_MODULE_ALIGN: // they always are
        return true;
    case TAG_RELOCATABLE: return take_relocatable(r);
    default: return refuse_unless_optional(r);
    }
}

// How many words the tags have that are read.
static uint32_t words_of(unsigned type) {
    switch (type) {
    case TAG_ADDRESS:
    case TAG_RELOCATABLE: return 4;
    case TAG_ENTRY:
    case TAG_CONSOLE: return 1;
    default: return 0;
    }
}

static bool read_tag(const struct file *file, struct multiboot2_wishes *wishes, uint64_t at,
                     const struct header_tag *tag) {
    struct reader reader = {.file = file, .wishes = wishes, .tag = tag, .at = at};
    size_t bytes = words_of(tag->type) * sizeof *reader.word;
    if (tag->size < sizeof *tag + bytes || !file_get(file, at + sizeof *tag, reader.word, bytes))
        return complain("%s: cut short or damaged: tag %u of the multiboot 2 header has %" PRIu32 " bytes", file->path,
                        tag->type, tag->size);
    return take_tag(&reader);
}

bool multiboot2_wishes(const struct file *file, struct multiboot2_wishes *wishes) {
    struct header header;
    struct header_tag tag;
    *wishes = (struct multiboot2_wishes){0};
    if (!find_header(file, &header, &wishes->addresses.offset))
        return complain("%s: the multiboot 2 header has gone", file->path);
    uint64_t at = wishes->addresses.offset + sizeof header, end = wishes->addresses.offset + header.length;
    for (;; at = (at + tag.size + HEADER_ALIGN - 1) & ~(uint64_t)(HEADER_ALIGN - 1)) {
        if (at + sizeof tag > end || !file_get(file, at, &tag, sizeof tag) || tag.size < sizeof tag ||
            tag.size > end - at)
            return complain("%s: cut short or damaged: the multiboot 2 header has no last tag", file->path);
        if (tag.type == TAG_END) break;
        if (!read_tag(file, wishes, at, &tag)) return false;
    }
    if (wishes->has_addresses && !wishes->has_entry)
        return complain("%s: its multiboot 2 header gives load addresses and no entry address", file->path);
    return true;
}

// --- what it is given ---
static uint8_t *grow(struct multiboot2_info *info, size_t bytes) {
    if (info->room - info->used < bytes && !info->failed) {
        size_t room = 2 * info->room + bytes + 4096;
        uint8_t *longer = realloc(info->bytes, room);
        if (longer)
            info->bytes = longer, info->room = room;
        else
            info->failed = true;
    }
    if (info->failed) return NULL;
    uint8_t *at = info->bytes + info->used;
    memset(at, 0, bytes);
    info->used += bytes;
    return at;
}

void multiboot2_tag(struct multiboot2_info *info, enum multiboot2_tag type, const void *first, size_t first_bytes,
                    const void *second, size_t second_bytes) {
    size_t bytes = 8 + first_bytes + second_bytes;
    uint8_t *at = grow(info, (bytes + HEADER_ALIGN - 1) & ~(size_t)(HEADER_ALIGN - 1));
    if (!at) return;
    memcpy(at, &(uint32_t){type}, 4);
    memcpy(at + 4, &(uint32_t){(uint32_t)bytes}, 4);
    if (first_bytes) memcpy(at + 8, first, first_bytes);
    if (second_bytes) memcpy(at + 8 + first_bytes, second, second_bytes);
}
