// Pictures as files; see image_file.h. The same picture gives the same bytes.
#include "monitor/screen/image_file.h"
#include "monitor/files/files.h"
#include "monitor/files/written.h"
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 3 };

// Red, green, blue of each dot, a byte each.
static uint8_t *make_bytes(const struct picture *p) {
    size_t dots = (size_t)p->width * p->height;
    uint8_t *bytes = malloc(dots * PARTS);
    for (size_t i = 0; bytes && i < dots; i++)
        for (unsigned part = 0; part < PARTS; part++)
            bytes[PARTS * i + part] = (uint8_t)(p->dot[i] >> 8 * (PARTS - 1 - part));
    return bytes;
}

static bool put_ppm(struct written *w, const struct picture *p, const uint8_t *bytes) {
    return written_print(w, "P6\n%u %u\n255\n", p->width, p->height) &&
           written_put(w, bytes, (size_t)p->width * p->height * PARTS);
}

static bool put_png(struct written *w, const struct picture *p, const uint8_t *bytes) {
    png_image image = {.version = PNG_IMAGE_VERSION, .width = p->width, .height = p->height, .format = PNG_FORMAT_RGB};
    png_alloc_size_t most = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *packed = malloc(most);
    bool made = packed && png_image_write_to_memory(&image, packed, &most, 0, bytes, 0, NULL);
    bool put = made && written_put(w, packed, most);
    free(packed);
    return put;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && !strcmp(text + length - tail, end);
}

bool image_file_has_format(const char *path) { return ends_with(path, ".ppm") || ends_with(path, ".png"); }

bool image_file_write(const struct picture *p, const char *path, char *why, size_t why_size) {
    uint8_t *bytes = make_bytes(p);
    struct written *w = bytes ? written_open(path, WRITTEN_TOLD) : NULL;
    if (!w) {
        snprintf(why, why_size, "%s", bytes ? files_why() : "not enough memory for the picture");
        free(bytes);
        return false;
    }
    written_begin();
    snprintf(why, why_size, "not enough memory for the picture");
    bool done = ends_with(path, ".ppm") ? put_ppm(w, p, bytes) : put_png(w, p, bytes);
    free(bytes);
    return written_close(w, done ? why : NULL, why_size) && done;
}
