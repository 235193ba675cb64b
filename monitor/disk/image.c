// Images of disks; see image.h.
#define _GNU_SOURCE // F_OFD_GETLK
#include "monitor/disk/image.h"
#include "devices/bus/refuse.h"
#include "monitor/disk/overlay_file.h"
#include "monitor/files/files.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

// --- reading and writing, from any thread ---
static const char *read_all(int fd, uint64_t at, uint64_t bytes, uint8_t *to) {
    for (uint64_t done = 0; done < bytes;) {
        ssize_t n = pread(fd, to + done, bytes - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return strerror(errno);
        if (n == 0) return "the image has become shorter";
        done += (uint64_t)n;
    }
    return NULL;
}

static const char *write_all(int fd, uint64_t at, uint64_t bytes, const uint8_t *from) {
    for (uint64_t done = 0; done < bytes;) {
        ssize_t n = pwrite(fd, from + done, bytes - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n ? strerror(errno) : "nothing could be written";
        done += (uint64_t)n;
    }
    return NULL;
}

// What of a range lies in the file.
static uint64_t inside(const struct image *i, uint64_t at, uint64_t bytes) {
    return at >= i->bytes ? 0 : bytes < i->bytes - at ? bytes : i->bytes - at;
}

// As it was when it was opened.
static const char *read_image(const struct image *i, uint64_t at, uint64_t bytes, uint8_t *to) {
    if (!i->before) return read_all(i->fd, at, bytes, to);
    for (uint64_t done = 0, n; done < bytes; done += n) {
        uint64_t block = (at + done) / IMAGE_BLOCK, left = IMAGE_BLOCK - (at + done) % IMAGE_BLOCK;
        n = left < bytes - done ? left : bytes - done;
        if (i->has_before[block / 64] >> block % 64 & 1) {
            memcpy(to + done, i->before + at + done, n);
            continue;
        }
        const char *why = read_all(i->fd, at + done, n, to + done);
        if (why) return why;
    }
    return NULL;
}

static void back_want(void *context, uint64_t at, uint64_t bytes) {
    const struct image *i = context;
    (void)posix_fadvise(i->fd, (off_t)at, (off_t)bytes, POSIX_FADV_WILLNEED);
}

// Blocks as a whole, of which the range is a part.
static const char *show_blocks(const struct image *i, uint64_t at, uint64_t bytes) {
    uint8_t block[IMAGE_BLOCK];
    for (uint64_t n = at / IMAGE_BLOCK; n * IMAGE_BLOCK < at + bytes; n++) {
        uint32_t count = (uint32_t)inside(i, n * IMAGE_BLOCK, IMAGE_BLOCK);
        const char *why = count ? read_image(i, n * IMAGE_BLOCK, count, block) : NULL;
        if (!why && count) why = i->watch->block(i->watch->context, i->drive, n, block, count);
        if (why) return why;
    }
    return NULL;
}

static const char *back_read(void *context, uint64_t at, uint64_t bytes, void *to) {
    const struct image *i = context;
    uint64_t n = inside(i, at, bytes);
    const char *why = i->watch && n ? show_blocks(i, at, n) : NULL;
    if (!why) why = read_image(i, at, n, to);
    memset((uint8_t *)to + n, 0, bytes - n);
    return why;
}

static const char *back_write(void *context, uint64_t at, uint64_t bytes, const void *from) {
    const struct image *i = context;
    return write_all(i->fd, at, inside(i, at, bytes), from);
}

static const char *back_flush(void *context) {
    return fdatasync(((const struct image *)context)->fd) == 0 ? NULL : strerror(errno);
}

static uint8_t *back_overlay(void *context, uint64_t bytes) {
    (void)context;
    return overlay_file_take(bytes);
}
static void back_overlay_done(void *context, uint8_t *overlay, uint64_t bytes) {
    (void)context;
    overlay_file_give(overlay, bytes);
}
static const char *back_overlay_room(void *context, uint8_t *overlay, uint64_t at, uint64_t bytes) {
    (void)context;
    return overlay_file_room(overlay, at, bytes);
}

struct block_back image_back(struct image *i) {
    return (struct block_back){.context = i,
                               .want = back_want,
                               .read = back_read,
                               .write = i->through ? back_write : NULL,
                               .flush = back_flush,
                               .overlay = back_overlay,
                               .overlay_done = back_overlay_done,
                               .overlay_room = back_overlay_room};
}

// --- what it is ---
// What images of other formats begin with.
static const struct format {
    const char *name, *magic;
    uint8_t bytes, at;
    bool packed; // by a program that packs any file
} formats[] = {{"qcow2", "QFI\xfb", 4, 0, false},
               {"qed", "QED\0", 4, 0, false},
               {"vmdk", "KDMV", 4, 0, false},
               {"vmdk", "# Disk DescriptorFile", 21, 0, false},
               {"vdi", "\x7f\x10\xda\xbe", 4, 64, false},
               {"vhdx", "vhdxfile", 8, 0, false},
               {"vpc", "conectix", 8, 0, false},
               {"parallels", "WithoutFreeSpace", 16, 0, false},
               {"gzip", "\x1f\x8b\x08", 3, 0, true},
               {"xz",
                "\xfd"
                "7zXZ",
                6, 0, true},
               {"zstd", "\x28\xb5\x2f\xfd", 4, 0, true},
               {"bzip2", "BZh", 3, 0, true}};

static bool is_raw(const struct image *i, char why[IMAGE_WHY]) {
    uint8_t head[128] = {0};
    if (read_all(i->fd, 0, inside(i, 0, sizeof head), head)) return true; // whoever reads it is told
    for (const struct format *f = formats; f < formats + sizeof formats / sizeof *formats; f++) {
        if (memcmp(head + f->at, f->magic, f->bytes) != 0) continue;
        if (f->packed)
            return refuse(why, IMAGE_WHY, "%.300s: packed by %s; unpack it, or say format=raw", i->path, f->name);
        return refuse(why, IMAGE_WHY,
                      "%.200s: a %s image, and only raw ones are read; qemu-img convert -O raw %.200s NEW makes one",
                      i->path, f->name, i->path);
    }
    return true;
}

static bool measure(struct image *i, bool cdrom, char why[IMAGE_WHY]) {
    struct stat s;
    if (fstat(i->fd, &s) != 0)
        return refuse(why, IMAGE_WHY, "%.400s: cannot be looked at: %s", i->path, strerror(errno));
    i->device = s.st_dev, i->inode = s.st_ino, i->changed = s.st_mtim;
    i->bytes = (uint64_t)s.st_size;
    if (S_ISDIR(s.st_mode)) return refuse(why, IMAGE_WHY, "%.400s: a directory, and no image", i->path);
    if (S_ISBLK(s.st_mode) && ioctl(i->fd, BLKGETSIZE64, &i->bytes) != 0)
        return refuse(why, IMAGE_WHY, "%.400s: its size cannot be known: %s", i->path, strerror(errno));
    if (!S_ISREG(s.st_mode) && !S_ISBLK(s.st_mode))
        return refuse(why, IMAGE_WHY, "%.400s: a device that is no disk", i->path);
    if (!i->bytes && cdrom)
        return refuse(why, IMAGE_WHY,
                      "%.400s: it is empty, and no image of a CD; xorriso -as mkisofs -o CD.iso FOLDER makes one",
                      i->path);
    return i->bytes ||
           refuse(why, IMAGE_WHY, "%.400s: it is empty; truncate -s 1G %.100s makes a disk of it", i->path, i->path);
}

// What the image is known by, wherever it lies: its size, and some of its blocks.
static uint64_t identify(const struct image *i) {
    enum { SAMPLES = 64 };
    uint8_t block[IMAGE_BLOCK];
    uint64_t blocks = (i->bytes + IMAGE_BLOCK - 1) / IMAGE_BLOCK, hash = XXH3_64bits(&i->bytes, sizeof i->bytes);
    for (uint64_t n = 0; n < SAMPLES && n < blocks; n++) {
        uint64_t at = (blocks <= SAMPLES ? n : n * (blocks - 1) / (SAMPLES - 1)) * IMAGE_BLOCK;
        uint64_t count = inside(i, at, sizeof block);
        if (!read_all(i->fd, at, count, block)) hash = XXH3_64bits_withSeed(block, count, hash);
    }
    return hash ? hash : 1;
}

// --- who else has it ---
// QEMU locks bytes of the file that says what it does (its documentation calls it image locking): 101 while it writes,
// 201 while nobody else may.
enum { QEMU_WRITES = 101, QEMU_ALONE = 201 };
static bool byte_lock(const struct image *i, int command, short kind, off_t byte) {
    struct flock l = {.l_type = kind, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    if (fcntl(i->fd, command, &l) != 0) return command == F_OFD_GETLK;
    return command != F_OFD_GETLK || l.l_type == F_UNLCK;
}

static bool lock(struct image *i, char why[IMAGE_WHY]) {
    if (!i->locks) return true;
    int kind = (i->through ? LOCK_EX : LOCK_SH) | LOCK_NB;
    bool taken = false;
    while (flock(i->fd, kind) != 0 && !(taken = errno == EWOULDBLOCK))
        if (errno != EINTR) break; // a file system without locks
    if (taken || !byte_lock(i, F_OFD_GETLK, F_WRLCK, QEMU_WRITES))
        return refuse(why, IMAGE_WHY, "%.400s: another process %s it; file.locking=off does not look at that", i->path,
                      i->through ? "uses" : "writes");
    (void)byte_lock(i, F_OFD_SETLK, F_RDLCK, QEMU_ALONE);
    if (i->through) (void)byte_lock(i, F_OFD_SETLK, F_RDLCK, QEMU_WRITES);
    return true;
}

// --- life ---
bool image_open(struct image *i, const char *path, const struct image_wish *wish, char why[IMAGE_WHY]) {
    *i = (struct image){.fd = -1, .through = wish->through, .locks = wish->locks, .path = strdup(path)};
    struct stat s;
    if (!i->path) return refuse(why, IMAGE_WHY, "not enough memory");
    if (stat(path, &s) == 0 && S_ISFIFO(s.st_mode)) return refuse(why, IMAGE_WHY, "%.400s: a pipe, and no image", path);
    i->fd = files_open(path, wish->through ? FILE_CHANGED : FILE_READ);
    if (i->fd < 0) return refuse(why, IMAGE_WHY, "%.300s: %.250s", path, files_why());
    if (!measure(i, wish->cdrom, why) || !lock(i, why) || (!wish->raw && !is_raw(i, why))) return false;
    i->identity = identify(i);
    return true;
}

// --- for commit ---
static bool begin_before(struct image *i) {
    if (i->before) return true;
    i->before = overlay_file_take(i->bytes);
    i->has_before = calloc(i->bytes / IMAGE_BLOCK / 64 + 1, sizeof *i->has_before);
    if (i->before && i->has_before) return true;
    overlay_file_give(i->before, i->bytes);
    free(i->has_before);
    i->before = NULL, i->has_before = NULL;
    return false;
}

static const char *keep_block(struct image *i, uint64_t block) {
    uint64_t at = block * IMAGE_BLOCK, count = inside(i, at, IMAGE_BLOCK), bit = 1ull << block % 64;
    if (!count || i->has_before[block / 64] & bit) return NULL;
    const char *why = overlay_file_room(i->before, at, count);
    if (!why) why = read_all(i->fd, at, count, i->before + at);
    if (!why) i->has_before[block / 64] |= bit;
    return why;
}

const char *image_overwrite(struct image *i, int fd, uint64_t at, uint64_t bytes, const uint8_t *from) {
    if (!begin_before(i)) return "there is not enough memory to keep what was there";
    for (uint64_t block = at / IMAGE_BLOCK; block * IMAGE_BLOCK < at + bytes; block++) {
        const char *why = keep_block(i, block);
        if (why) return why;
    }
    return write_all(fd, at, inside(i, at, bytes), from);
}

const uint8_t *image_before(const struct image *i, uint64_t at) {
    uint64_t block = at / IMAGE_BLOCK;
    bool has = i->before && i->has_before[block / 64] >> block % 64 & 1;
    return has ? i->before + at : NULL;
}

uint64_t image_next_before(const struct image *i, uint64_t at, uint64_t end) {
    const uint64_t words = i->before ? i->bytes / IMAGE_BLOCK / 64 + 1 : 0, last = (end - 1) / IMAGE_BLOCK / 64;
    uint64_t block = at / IMAGE_BLOCK, w = block / 64, left = w < words ? i->has_before[w] & ~0ull << block % 64 : 0;
    while (!left && ++w < words && w <= last) left = i->has_before[w];
    uint64_t found = left ? (w * 64 + (unsigned)__builtin_ctzll(left)) * IMAGE_BLOCK : end;
    return found < end ? found : end;
}

bool image_has(const struct image *i, uint64_t at, uint64_t bytes, const uint8_t *what) {
    uint8_t there[IMAGE_BLOCK];
    for (uint64_t done = 0, end = inside(i, at, bytes), n; done < end; done += n) {
        n = end - done < sizeof there ? end - done : sizeof there;
        if (read_all(i->fd, at + done, n, there) || memcmp(there, what + done, n) != 0) return false;
    }
    return true;
}

void image_written(struct image *i) {
    struct stat s;
    if (fstat(i->fd, &s) == 0) i->changed = s.st_mtim;
    i->identity = identify(i);
}

void image_close(struct image *i) {
    if (i->before) overlay_file_give(i->before, i->bytes);
    free(i->has_before);
    if (i->fd >= 0) files_close(i->fd);
    free(i->path);
    *i = (struct image){.fd = -1};
}

bool image_changed(const struct image *i) {
    struct stat s;
    return fstat(i->fd, &s) != 0 || s.st_mtim.tv_sec != i->changed.tv_sec || s.st_mtim.tv_nsec != i->changed.tv_nsec ||
           (S_ISREG(s.st_mode) && (uint64_t)s.st_size != i->bytes);
}
