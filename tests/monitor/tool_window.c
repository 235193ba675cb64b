// Whether a picture (PPM) is seen at a place of a screen (XWD, as Xvfb keeps it): tool_window SCREEN PICTURE X Y. Says
// how many dots differ; status 0: none. Alone with SCREEN: how many dots are not black.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { XWD_HEADER = 0, XWD_WIDTH = 4, XWD_HEIGHT = 5, XWD_ROW_BYTES = 12, XWD_COLOURS = 19, COLOUR_BYTES = 12 };

static uint8_t *read_all(const char *path, size_t *bytes) {
    static const size_t most = 64 << 20;
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(most);
    if (!file || !data) exit(2);
    *bytes = fread(data, 1, most, file);
    fclose(file);
    return data;
}

static uint32_t word(const uint8_t *xwd, unsigned index) {
    const uint8_t *at = xwd + 4 * index;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

int main(int argc, char **argv) {
    size_t bytes;
    unsigned width = 0, height = 0, x = argc > 4 ? (unsigned)atoi(argv[3]) : 0,
             y = argc > 4 ? (unsigned)atoi(argv[4]) : 0;
    if (argc < 2) return 2;
    uint8_t *xwd = read_all(argv[1], &bytes);
    if (bytes < 100) return 2;
    const uint8_t *screen = xwd + word(xwd, XWD_HEADER) + COLOUR_BYTES * word(xwd, XWD_COLOURS);
    uint32_t row = word(xwd, XWD_ROW_BYTES), wide = word(xwd, XWD_WIDTH), high = word(xwd, XWD_HEIGHT), count = 0;
    if (argc < 5) {
        for (uint32_t i = 0; i < high; i++)
            for (uint32_t j = 0; j < wide; j++) count += (screen[i * row + 4 * j] | screen[i * row + 4 * j + 1]) != 0;
        printf("%u\n", count);
        return 0;
    }
    uint8_t *ppm = read_all(argv[2], &bytes);
    int header = 0;
    if (sscanf((char *)ppm, "P6 %u %u 255%n", &width, &height, &header) != 2 || x + width > wide || y + height > high)
        return 2;
    const uint8_t *dot = ppm + header + 1;
    for (unsigned i = 0; i < height; i++)
        for (unsigned j = 0; j < width; j++, dot += 3) {
            const uint8_t *seen = screen + (size_t)(y + i) * row + 4 * (x + j);
            count += seen[2] != dot[0] || seen[1] != dot[1] || seen[0] != dot[2];
        }
    printf("%u of %u dots differ\n", count, width * height);
    return count != 0;
}
