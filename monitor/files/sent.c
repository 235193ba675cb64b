// Sending; see sent.h.
#include "monitor/files/sent.h"
#include "monitor/files/signals.h"
#include "monitor/files/wait.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_MS = 100, WORD_BYTES = 64 };

static bool stopped(struct sent *s, const char *why) {
    s->why = why;
    return false;
}

// A pipe takes a piece of this size without waiting as soon as it takes anything.
static bool put_piece(struct sent *s, const char *bytes, size_t count, size_t *done) {
    if (signals_is_asked() || signals_ending()) return stopped(s, "interrupted");
    if (!wait_writable(s->fd, PIECE_MS)) return true;
    ssize_t wrote = write(s->fd, bytes, count < PIPE_BUF ? count : PIPE_BUF);
    if (wrote < 0 && errno != EINTR && errno != EAGAIN)
        return stopped(s, errno == EPIPE ? "who should read it has gone" : strerror(errno));
    if (wrote > 0) *done += (size_t)wrote;
    return true;
}

bool sent_put(void *sent, const void *bytes, size_t count) {
    struct sent *s = sent;
    size_t done = 0;
    while (!s->why && done < count)
        if (!put_piece(s, (const char *)bytes + done, count - done, &done)) break;
    s->bytes += done;
    return done == count;
}

bool sent_answered(int fd, const void *word, size_t count, int milliseconds) {
    char there[WORD_BYTES];
    size_t have = 0;
    for (long long end = wait_clock_ms() + milliseconds; have < count;) {
        long long left = end - wait_clock_ms();
        if (left <= 0 || signals_is_asked() || signals_ending()) return false;
        if (!wait_input(fd, left < PIECE_MS ? (int)left : PIECE_MS)) continue;
        ssize_t got = read(fd, there + have, count - have);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return false;
        if (got > 0) have += (size_t)got;
    }
    return memcmp(there, word, count) == 0;
}
