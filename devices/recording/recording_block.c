// What a machine got of its drives' images: a hash of each block, the first time that it was read, and with disk=full
// what it had; see recording.h. So a replay knows that an image is the one that there was, or needs none.
//
// numbers: drive, block, its hash, its length, how many bytes are stored (0: none; fewer than its length: packed);
// these
#include "devices/recording/recording_stream.h"
#include "devices/snapshot/packer.h"
#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

uint64_t recording_block_hash(const uint8_t *bytes, size_t count) { return XXH3_64bits(bytes, count); }

void recording_block(struct recording_writer *w, const struct recording_block *b) {
    uint8_t packed[RECORDING_BLOCK_BYTES];
    struct code_out said = {.used = 0};
    const uint8_t *data = b->data;
    size_t stored = data ? b->bytes : 0, smaller;
    if (data && w->packer && (smaller = w->packer->pack(w->packer->context, packed, stored - 1, data, stored)) &&
        smaller < stored)
        data = packed, stored = smaller;
    code_put_number(&said, b->drive);
    code_put_number(&said, b->block);
    code_put_number(&said, b->hash);
    code_put_number(&said, b->bytes);
    code_put_number(&said, stored);
    recording_put_frame(w, FRAME_BLOCK, &said, data, stored);
}

// NULL: well. Else what is wrong; `out` owns its data.
const char *recording_block_take(struct code_in *in, const struct packer *packer, struct recording_block *out) {
    *out = (struct recording_block){.drive = (uint8_t)code_take_most(in, RECORDING_IMAGES - 1)};
    out->block = code_take_number(in);
    out->hash = code_take_number(in);
    out->bytes = (uint32_t)code_take_most(in, RECORDING_BLOCK_BYTES);
    size_t stored = (size_t)code_take_most(in, out->bytes);
    if (in->failed) return NULL;
    if (stored > code_left(in)) return "there are fewer bytes than it says";
    if (!stored) return NULL;
    if (!(out->data = malloc(out->bytes))) return "there is not enough memory to read it";
    if (stored == out->bytes)
        memcpy(out->data, in->at, stored);
    else if (!packer || !packer->unpack(packer->context, out->data, out->bytes, in->at, stored))
        return "its bytes cannot be unpacked";
    in->at += stored;
    return recording_block_hash(out->data, out->bytes) == out->hash ? NULL : "its bytes have another hash than it says";
}

static int compare(const void *left, const void *right) {
    const struct recording_block *a = left, *b = right;
    if (a->drive != b->drive) return a->drive < b->drive ? -1 : 1;
    return a->block < b->block ? -1 : a->block > b->block;
}

void recording_sort_blocks(struct recording *r) {
    if (r->block_count) qsort(r->block, r->block_count, sizeof *r->block, compare);
}

const struct recording_block *recording_find_block(const struct recording *r, unsigned drive, uint64_t block) {
    const struct recording_block key = {.drive = (uint8_t)drive, .block = block};
    return r->block_count ? bsearch(&key, r->block, r->block_count, sizeof key, compare) : NULL;
}
