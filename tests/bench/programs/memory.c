// Memory: copies, strings, allocation, pointers, page faults.
#include "programs.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// Blocks from 16 bytes to 64 KBytes, and REP MOVSB between buffers whose pages share an index of a TLB.
uint64_t program_copies(void) {
    enum { MB = 1 << 20 };
    uint8_t *m = mmap(0, 24 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    DIE_IF(m == MAP_FAILED);
    for (int i = 0; i < 24 * MB; i += 97) m[i] = (uint8_t)(i >> 8);
    uint64_t state = 8, r = 0;
    for (unsigned i = 0; i < 120000; i++) {
        size_t size = 16u << (next_random(&state) % 13), at = (size_t)(next_random(&state) % MB);
        memcpy(m + 9 * MB + at, m + at, size);
    }
    for (unsigned i = 0; i < 40; i++) {
        void *to = m + 8 * MB;
        const void *from = m;
        size_t bytes = 4 * MB;
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    }
    for (int i = 0; i < 24 * MB; i += 4093) r = r * 31 + m[i];
    munmap(m, 24 * MB);
    return r;
}

uint64_t program_strings(void) {
    static char text[1 << 15];
    uint64_t state = 2, r = 0;
    for (unsigned i = 0; i + 1 < sizeof text; i++) text[i] = (char)('a' + next_random(&state) % 20);
    for (unsigned turn = 0; turn < 5000; turn++) {
        const char *p = strchr(text + turn, 'z');
        r += strlen(text + turn % 1000) + (p != 0);
        r += (uint64_t)(strcmp(text + turn % 7, text + turn % 5) > 0);
        r += (uint64_t)(strstr(text + 8000 + turn % 16000, "abcab") != 0);
        r += memchr(text, 'y', sizeof text) != 0;
    }
    return r;
}

uint64_t program_allocate(void) {
    enum { HELD = 4096 };
    static void *held[HELD];
    uint64_t state = 7, r = 0;
    for (unsigned i = 0; i < 1500000; i++) {
        unsigned at = (unsigned)(next_random(&state) % HELD);
        size_t size = 16 + next_random(&state) % (i % 64 ? 400 : 40000);
        free(held[at]);
        held[at] = malloc(size);
        DIE_IF(!held[at]);
        *(uint8_t *)held[at] = (uint8_t)i;
        r += size;
    }
    return r;
}

struct node {
    struct node *left, *right;
};
static struct node *grow(unsigned depth) {
    struct node *n = malloc(sizeof *n);
    DIE_IF(!n);
    n->left = depth ? grow(depth - 1) : 0;
    n->right = depth ? grow(depth - 1) : 0;
    return n;
}
static uint64_t fell(struct node *n) {
    if (!n) return 0;
    uint64_t count = 1 + fell(n->left) + fell(n->right);
    free(n);
    return count;
}
uint64_t program_trees(void) {
    uint64_t count = 0;
    for (unsigned i = 0; i < 14; i++) count += fell(grow(15));
    return count;
}

uint64_t program_faults(void) {
    enum { BYTES = 16 << 20 };
    uint64_t r = 0;
    for (unsigned turn = 0; turn < 10; turn++) {
        uint8_t *m = mmap(0, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        DIE_IF(m == MAP_FAILED);
        madvise(m, BYTES, MADV_NOHUGEPAGE);
        for (unsigned i = 0; i < BYTES; i += 4096) m[i] = (uint8_t)(i >> 12), r += m[i];
        munmap(m, BYTES);
    }
    return r;
}

// A child writes to pages that it shares with its parent.
uint64_t program_cow(void) {
    enum { BYTES = 4 << 20 };
    uint8_t *m = mmap(0, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    DIE_IF(m == MAP_FAILED);
    madvise(m, BYTES, MADV_NOHUGEPAGE);
    memset(m, 1, BYTES);
    uint64_t r = 0;
    for (unsigned turn = 0; turn < 20; turn++) {
        pid_t child = fork();
        int status = 0;
        DIE_IF(child < 0);
        if (!child) {
            for (unsigned i = 0; i < BYTES; i += 4096) m[i] = 2;
            _exit(m[4096] + 5);
        }
        DIE_IF(waitpid(child, &status, 0) != child);
        r += (uint64_t)WEXITSTATUS(status) + m[4096];
    }
    return r;
}
