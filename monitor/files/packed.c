// Compression; see packed.h. zstd's manual: https://facebook.github.io/zstd/zstd_manual.html
#include "monitor/files/packed.h"
#include "devices/snapshot/packer.h"
#include <stdint.h>
#include <zstd.h>

// Memory of a guest: for a file faster than the disk that it goes to; for what stays in memory at half of that cost, as
// single pages hardly become larger by it.
static const int level_of_files = 1, level_of_pages = -1;

static _Thread_local struct {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
} contexts;

static size_t pack(void *context, void *to, size_t room, const void *from, size_t bytes) {
    const int *level = context;
    if (!contexts.pack && !(contexts.pack = ZSTD_createCCtx())) return 0;
    size_t packed = ZSTD_compressCCtx(contexts.pack, to, room, from, bytes, *level);
    return ZSTD_isError(packed) ? 0 : packed;
}

static bool unpack(void *context, void *to, size_t bytes, const void *from, size_t packed) {
    (void)context;
    if (!contexts.unpack && !(contexts.unpack = ZSTD_createDCtx())) return false;
    return ZSTD_decompressDCtx(contexts.unpack, to, bytes, from, packed) == bytes;
}

const struct packer *packed_by_zstd(void) {
    static const struct packer packer = {(void *)(uintptr_t)&level_of_files, pack, unpack};
    return &packer;
}

const struct packer *packed_by_zstd_in_memory(void) {
    static const struct packer packer = {(void *)(uintptr_t)&level_of_pages, pack, unpack};
    return &packer;
}

void packed_thread_ends(void) {
    ZSTD_freeCCtx(contexts.pack);
    ZSTD_freeDCtx(contexts.unpack);
    contexts.pack = NULL;
    contexts.unpack = NULL;
}
