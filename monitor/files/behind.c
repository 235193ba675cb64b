// A file that is written behind whoever fills it; see behind.h.
#define _GNU_SOURCE // pthread_condattr_setclock
#include "monitor/files/behind.h"
#include "monitor/files/files.h"
#include "monitor/files/wait.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PERIOD_MS = 300,        // between two looks of the thread
    SOON_BYTES = 4 << 20,   // so much is not left lying so long
    MOST_BYTES = 256 << 20, // of the host's memory: a disk that is slower for longer than this is too slow
};

struct buffer {
    uint8_t *bytes;
    size_t used, room;
};

struct behind {
    struct behind_user user;
    int fd;
    bool is_file, running, synchronising;
    bool is_waited_for; // behind_wait
    pthread_t thread, synchroniser;
    pthread_mutex_t mutex; // of all that follows
    pthread_cond_t wake, wrote;
    struct buffer buffer; // put, and not yet the thread's
    unsigned at_work;     // threads: they begin with system calls that the jail does not allow, which closes after that
    bool ends, finished;
    int error;
    uint64_t written, synchronised;
};

// As a thread begins.
static void begin_work(struct behind *b) {
    pthread_mutex_lock(&b->mutex);
    b->at_work++;
    pthread_cond_broadcast(&b->wake);
}

// --- the thread that writes ---

static int write_piece(const struct behind *b, const uint8_t *bytes, size_t count, size_t *done) {
    if (!b->is_file && !wait_writable(b->fd, -1)) return ETIMEDOUT;
    ssize_t wrote = write(b->fd, bytes, b->is_file || count < PIPE_BUF ? count : PIPE_BUF);
    if (wrote > 0) *done += (size_t)wrote;
    if (wrote < 0) return errno == EINTR || errno == EAGAIN ? 0 : errno;
    return wrote ? 0 : ENOSPC;
}

// What is not whole is taken back.
static int write_buffer(struct behind *b, const struct buffer *buffer, uint64_t *written) {
    size_t done = 0;
    int error = 0;
    while (done < buffer->used && !error) error = write_piece(b, buffer->bytes + done, buffer->used - done, &done);
    if (error) {
        size_t whole = b->user.whole(b->user.context, *written, buffer->bytes, done);
        if (!b->is_file || ftruncate(b->fd, (off_t)(*written + whole)) == 0) done = whole;
    }
    *written += done;
    return error;
}

static void wait_for_more(struct behind *b) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += PERIOD_MS * 1000000l;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int waited = b->written ? 0 : ETIMEDOUT; // what it begins with is there at once
    while (!b->ends && b->buffer.used < SOON_BYTES && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&b->wake, &b->mutex, &until);
}

static void *work(void *context) {
    struct behind *b = context;
    struct buffer mine = {.used = 0};
    begin_work(b);
    for (bool last = false; !last && !b->error;) {
        wait_for_more(b);
        last = b->ends;
        b->user.before(b->user.context);
        struct buffer other = b->buffer;
        b->buffer = (struct buffer){mine.bytes, 0, mine.room};
        mine = other;
        uint64_t written = b->written;
        pthread_mutex_unlock(&b->mutex);
        int error = write_buffer(b, &mine, &written);
        pthread_mutex_lock(&b->mutex);
        b->written = written;
        if (error) b->error = error;
        pthread_cond_broadcast(&b->wrote);
    }
    pthread_mutex_unlock(&b->mutex);
    free(mine.bytes);
    return NULL;
}

// --- the thread that synchronises ---

// A busy disk takes seconds for it. What is written meanwhile is the host's, and outlives the process: it must not
// wait.
static void *synchronise(void *context) {
    struct behind *b = context;
    int error = 0;
    begin_work(b);
    while (!error) {
        while (b->synchronised == b->written && !b->finished) pthread_cond_wait(&b->wrote, &b->mutex);
        if (b->synchronised == b->written) break;
        uint64_t written = b->written;
        pthread_mutex_unlock(&b->mutex);
        error = fdatasync(b->fd) != 0 && errno != EINVAL ? errno : 0;
        pthread_mutex_lock(&b->mutex);
        b->synchronised = written;
        if (error && !b->error) b->error = error;
    }
    pthread_mutex_unlock(&b->mutex);
    return NULL;
}

// --- putting ---

void behind_lock(struct behind *b) { pthread_mutex_lock(&b->mutex); }
void behind_unlock(struct behind *b) { pthread_mutex_unlock(&b->mutex); }

static bool make_room(struct buffer *buffer, size_t count) {
    if (count <= buffer->room - buffer->used) return true;
    size_t room = 2 * (buffer->used + count);
    uint8_t *bytes = room <= 2 * (size_t)MOST_BYTES ? realloc(buffer->bytes, room) : NULL;
    if (bytes) buffer->bytes = bytes, buffer->room = room;
    return bytes;
}

void behind_wait(struct behind *b, bool on) { b->is_waited_for = on; }

// Its lock is the thread's meanwhile.
static void let_write(struct behind *b) {
    pthread_cond_signal(&b->wake);
    while (b->is_waited_for && !b->error && b->buffer.used >= SOON_BYTES) pthread_cond_wait(&b->wrote, &b->mutex);
}

void behind_put(struct behind *b, const void *bytes, size_t count) {
    if (b->error || !count) return;
    if (!make_room(&b->buffer, count)) {
        b->error = ENOBUFS;
        return;
    }
    memcpy(b->buffer.bytes + b->buffer.used, bytes, count);
    b->buffer.used += count;
    if (b->buffer.used >= SOON_BYTES) let_write(b);
}

int behind_error(struct behind *b, uint64_t *bytes) {
    pthread_mutex_lock(&b->mutex);
    int error = b->error;
    *bytes = b->written;
    pthread_mutex_unlock(&b->mutex);
    return error;
}

// --- beginning and end ---

static bool open_locks(struct behind *b) {
    pthread_condattr_t attributes;
    return pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
           pthread_cond_init(&b->wake, &attributes) == 0 && pthread_cond_init(&b->wrote, NULL) == 0 &&
           pthread_mutex_init(&b->mutex, NULL) == 0;
}

struct behind *behind_open(const char *path, const struct behind_user *user) {
    struct stat s;
    int fd = files_open(path, FILE_WRITTEN);
    if (fd < 0) return NULL;
    struct behind *b = calloc(1, sizeof *b);
    if (b) *b = (struct behind){.user = *user, .fd = fd, .is_file = fstat(fd, &s) == 0 && S_ISREG(s.st_mode)};
    if (b && open_locks(b)) return b;
    files_close(fd);
    free(b);
    return NULL;
}

// Signals are the main thread's.
bool behind_begin(struct behind *b) {
    sigset_t all, before;
    if (b->is_file && ftruncate(b->fd, 0) != 0) b->is_file = false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    b->synchronising = b->is_file && pthread_create(&b->synchroniser, NULL, synchronise, b) == 0;
    b->running = b->synchronising == b->is_file && pthread_create(&b->thread, NULL, work, b) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_mutex_lock(&b->mutex);
    while (b->running && b->at_work < 1u + b->synchronising) pthread_cond_wait(&b->wake, &b->mutex);
    pthread_mutex_unlock(&b->mutex);
    return b->running;
}

static void end_thread(struct behind *b, pthread_t thread, bool *ends, pthread_cond_t *wake) {
    pthread_mutex_lock(&b->mutex);
    *ends = true;
    pthread_cond_signal(wake);
    pthread_mutex_unlock(&b->mutex);
    pthread_join(thread, NULL);
}

int behind_close(struct behind *b, uint64_t *bytes) {
    if (b->running) end_thread(b, b->thread, &b->ends, &b->wake);
    if (b->synchronising) end_thread(b, b->synchroniser, &b->finished, &b->wrote);
    int error = b->error;
    *bytes = b->written;
    files_close(b->fd);
    pthread_cond_destroy(&b->wake);
    pthread_cond_destroy(&b->wrote);
    pthread_mutex_destroy(&b->mutex);
    free(b->buffer.bytes);
    free(b);
    return error;
}
