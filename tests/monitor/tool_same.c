// Whether two pictures (PPM) are the same in the upper bits of each colour: tool_same A B BITS. Says how many dots
// differ; status 0: none.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct image {
    unsigned width, height;
    uint8_t *dot;
};

static struct image read_image(const char *path) {
    struct image i = {0};
    FILE *file = fopen(path, "rb");
    if (!file || fscanf(file, "P6 %u %u 255", &i.width, &i.height) != 2) exit(2);
    (void)fgetc(file);
    i.dot = calloc(3, (size_t)i.width * i.height);
    if (!i.dot || fread(i.dot, 3, (size_t)i.width * i.height, file) != (size_t)i.width * i.height) exit(2);
    fclose(file);
    return i;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    struct image a = read_image(argv[1]), b = read_image(argv[2]);
    unsigned differ = 0, shift = 8 - (unsigned)atoi(argv[3]);
    if (a.width != b.width || a.height != b.height) {
        printf("%ux%u and %ux%u\n", a.width, a.height, b.width, b.height);
        return 1;
    }
    for (size_t i = 0; i < (size_t)a.width * a.height; i++) {
        bool same = true;
        for (unsigned part = 0; part < 3; part++) same &= a.dot[3 * i + part] >> shift == b.dot[3 * i + part] >> shift;
        differ += !same;
    }
    printf("%u of %u dots differ\n", differ, a.width * a.height);
    return differ != 0;
}
