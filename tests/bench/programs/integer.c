// Integers and branches.
#include "programs.h"
#include <stdlib.h>
#include <string.h>

uint64_t program_sieve(void) {
    enum { LIMIT = 2000000 };
    static uint8_t composite[LIMIT];
    uint64_t sum = 0;
    for (unsigned turn = 0; turn < 12; turn++) {
        memset(composite, 0, sizeof composite);
        for (uint64_t i = 2; i < LIMIT; i++) {
            if (composite[i]) continue;
            sum += i;
            for (uint64_t j = i * i; j < LIMIT; j += i) composite[j] = 1;
        }
    }
    return sum;
}

uint64_t program_matrix(void) {
    enum { N = 160 };
    static int32_t a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N * N; i++) a[i / N][i % N] = i * 7 % 101, b[i / N][i % N] = i * 13 % 97;
    for (unsigned turn = 0; turn < 14; turn++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                int32_t sum = (int32_t)turn;
                for (int k = 0; k < N; k++) sum += a[i][k] * b[k][j];
                c[i][j] += sum;
            }
    uint64_t r = 0;
    for (int i = 0; i < N * N; i++) r = r * 31 + (uint32_t)c[i / N][i % N];
    return r;
}

uint64_t program_crc(void) {
    static uint32_t table[256];
    static uint8_t data[1 << 20];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int k = 0; k < 8; k++) v = v & 1 ? v >> 1 ^ 0xedb88320 : v >> 1;
        table[i] = v;
    }
    for (uint32_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * i >> 7);
    uint32_t crc = ~0u;
    for (unsigned turn = 0; turn < 50; turn++)
        for (uint32_t i = 0; i < sizeof data; i++) crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
    return crc;
}

uint64_t program_collatz(void) {
    uint64_t longest = 0, which = 0;
    for (uint64_t n = 1; n < 500000; n++) {
        uint64_t steps = 0;
        for (uint64_t v = n; v != 1; steps++) v = v & 1 ? 3 * v + 1 : v >> 1;
        if (steps > longest) longest = steps, which = n;
    }
    return which;
}

static uint64_t queens(unsigned n, unsigned columns, unsigned left, unsigned right) {
    uint64_t count = 0;
    if (columns == (1u << n) - 1) return 1;
    for (unsigned free = ~(columns | left | right) & ((1u << n) - 1); free; free &= free - 1) {
        unsigned place = free & -free;
        count += queens(n, columns | place, (left | place) << 1, (right | place) >> 1);
    }
    return count;
}
uint64_t program_queens(void) { return queens(12, 0, 0, 0) + queens(13, 0, 0, 0); }

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}
uint64_t program_sort(void) {
    enum { N = 300000 };
    static uint64_t v[N];
    uint64_t state = 1, r = 0;
    for (unsigned turn = 0; turn < 3; turn++) {
        for (unsigned i = 0; i < N; i++) v[i] = next_random(&state);
        qsort(v, N, sizeof *v, compare);
        r ^= v[N / 2];
    }
    return r;
}

uint64_t program_table(void) {
    enum { SLOTS = 1 << 19 };
    static uint64_t keys[SLOTS], values[SLOTS];
    uint64_t state = 5, found = 0;
    for (unsigned i = 0; i < 3000000; i++) {
        uint64_t key = next_random(&state) % 300000 + 1, at = key * 0x9e3779b97f4a7c15 >> 45;
        while (keys[at] && keys[at] != key) at = (at + 1) % SLOTS;
        found += keys[at] == key ? values[at] : 0;
        keys[at] = key;
        values[at] += i;
    }
    return found;
}

// A factorial in words of 64 bits.
uint64_t program_big(void) {
    enum { WORDS = 700 };
    static uint64_t n[WORDS];
    n[0] = 1;
    for (uint64_t k = 2; k < 40000; k++) {
        unsigned __int128 carry = 0;
        for (unsigned i = 0; i < WORDS; i++) {
            carry += (unsigned __int128)n[i] * k;
            n[i] = (uint64_t)carry;
            carry >>= 64;
        }
    }
    uint64_t r = 0;
    for (unsigned i = 0; i < WORDS; i++) r = r * 3 + n[i] % 1000003;
    return r;
}

// An interpreter of a little machine with a stack, which computes greatest common divisors.
uint64_t program_bytecode(void) {
    enum { PUSH_A, PUSH_B, REMAINDER, STORE_B, MOVE_A, JUMP_UNLESS_0, ADD_SUM, NEXT, END };
    static const uint8_t code[] = {PUSH_A, PUSH_B, REMAINDER, MOVE_A, STORE_B, JUMP_UNLESS_0, 0, ADD_SUM, NEXT, END};
    uint64_t stack[4], a = 600, b = 7, sum = 0, turns = 0, top = 0;
    for (unsigned pc = 0;; pc++) switch (code[pc]) {
        case PUSH_A: stack[top++] = a; break;
        case PUSH_B: stack[top++] = b; break;
        case REMAINDER: top--, stack[top - 1] %= stack[top]; break;
        case MOVE_A: a = b; break;
        case STORE_B: b = stack[--top]; break;
        case JUMP_UNLESS_0: pc = b ? code[pc + 1] - 1u : pc + 1; break;
        case ADD_SUM: sum += a; break;
        case NEXT:
            a = turns * 2654435761 % 100003 + 1, b = turns % 1009 + 1;
            if (turns++ < 900000) pc = ~0u;
            break;
        default: return sum;
        }
}

// Splits text into words, numbers and signs.
uint64_t program_tokens(void) {
    static char text[1 << 16];
    static const char letters[] = "abc xyz_09 8; (1+ab)*2.5 \n if else == <= 'c' \"str\" //x\n";
    uint64_t state = 3, words = 0, numbers = 0, signs = 0;
    for (unsigned i = 0; i < sizeof text - 1; i++) text[i] = letters[next_random(&state) % (sizeof letters - 1)];
    for (unsigned turn = 0; turn < 200; turn++)
        for (const char *p = text; *p;) {
            if ((*p >= 'a' && *p <= 'z') || *p == '_') {
                while ((*p >= 'a' && *p <= 'z') || *p == '_' || (*p >= '0' && *p <= '9')) p++;
                words++;
            } else if (*p >= '0' && *p <= '9') {
                while ((*p >= '0' && *p <= '9') || *p == '.') p++;
                numbers++;
            } else {
                signs += *p != ' ' && *p != '\n';
                p++;
            }
        }
    return words * 1000003 + numbers * 1009 + signs;
}
