// A file without a name, mapped piece by piece; see overlay_file.h.
#define _GNU_SOURCE // fallocate, mkostemp
#include "monitor/disk/overlay_file.h"
#include "monitor/jail/jail.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PIECES = 64, PAGE = 4096, ROOM = 2 << 20 /* that is asked for at once */ };

static struct {
    int fd; // -1: none
    uint64_t end, most;
    struct piece {
        uint8_t *data;
        uint64_t at, bytes, *room; // in the file; a bit for each ROOM that is there
    } piece[PIECES];
} file = {.fd = -1};

void overlay_file_open(void) {
    char path[512];
    const char *folder = getenv("TMPDIR");
    struct rlimit limit;
    if (file.fd >= 0 || jail_is_closed()) return;
    snprintf(path, sizeof path, "%s/vmxray-XXXXXX", folder && *folder ? folder : "/var/tmp");
    if (strlen(path) + 1 == sizeof path) return;
    file.fd = mkostemp(path, O_CLOEXEC);
    if (file.fd >= 0) unlink(path);
    file.most = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : UINT64_MAX;
}

static struct piece *piece_at(const uint8_t *data) {
    for (unsigned i = 0; i < PIECES; i++)
        if (file.piece[i].data == data) return &file.piece[i];
    return NULL;
}

static uint8_t *map(int fd, uint64_t at, uint64_t bytes) {
    int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, fd, (off_t)at);
    return data == MAP_FAILED ? NULL : data;
}

uint8_t *overlay_file_take(uint64_t bytes) {
    struct piece *p = piece_at(NULL);
    bytes = (bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    uint64_t end = file.end + bytes;
    bool in_file = p && file.fd >= 0 && end <= file.most && ftruncate(file.fd, (off_t)end) == 0;
    if (!in_file) return map(-1, 0, bytes);
    uint64_t *room = calloc(bytes / ROOM / 64 + 1, sizeof *room);
    uint8_t *data = room ? map(file.fd, file.end, bytes) : NULL;
    if (!data) {
        free(room);
        return NULL;
    }
    *p = (struct piece){data, file.end, bytes, room};
    file.end = end;
    return data;
}

void overlay_file_give(uint8_t *overlay, uint64_t bytes) {
    struct piece *p = overlay ? piece_at(overlay) : NULL;
    if (!overlay) return;
    munmap(overlay, (bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1));
    if (!p) return;
    (void)fallocate(file.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)p->at, (off_t)p->bytes);
    free(p->room);
    *p = (struct piece){0};
}

// A file system that cannot promise room is trusted.
static const char *ask(const struct piece *p, uint64_t number) {
    uint64_t at = number * ROOM, bytes = p->bytes - at < ROOM ? p->bytes - at : ROOM;
    int failed;
    do failed = fallocate(file.fd, 0, (off_t)(p->at + at), (off_t)bytes) == 0 ? 0 : errno;
    while (failed == EINTR);
    return !failed || failed == EOPNOTSUPP || failed == ENOSYS
               ? NULL
               : "there is no room left for it where temporary files are (TMPDIR names another place)";
}

const char *overlay_file_room(uint8_t *overlay, uint64_t at, uint64_t bytes) {
    struct piece *p = piece_at(overlay);
    for (uint64_t n = at / ROOM; p && n <= (at + bytes - 1) / ROOM; n++) {
        if (p->room[n / 64] >> n % 64 & 1) continue;
        const char *why = ask(p, n);
        if (why) return why;
        p->room[n / 64] |= 1ull << n % 64;
    }
    return NULL;
}
