// Changes the last byte of the first input in a recording, with checks that are right: tool_forge FROM TO. It is another run then,
// and the hashes in the file say so. The format: docs/internals/recording.md.
#define XXH_INLINE_ALL
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { MAGIC = 16, HEADER = 12, INPUT = 4 };

int main(int argc, char **argv) {
    FILE *from = argc == 3 ? fopen(argv[1], "rb") : NULL, *to = argc == 3 ? fopen(argv[2], "wb") : NULL;
    if (!from || !to) return 2;
    static uint8_t bytes[1 << 24];
    size_t count = fread(bytes, 1, sizeof bytes, from), at = MAGIC;
    for (uint64_t number = 0; at + HEADER <= count; number++) {
        uint8_t *head = bytes + at;
        size_t length = head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16;
        at += HEADER + length;
        if (head[0] != INPUT || at > count) continue;
        bytes[at - 1] ^= 1;
        uint32_t check = (uint32_t)XXH64(head + HEADER, length, number);
        memcpy(head + 8, &check, sizeof check);
        break;
    }
    return fwrite(bytes, 1, count, to) != count || fclose(to) != 0;
}
