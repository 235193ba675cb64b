// What the page has not: images of disks, snapshots and recordings in files, DWARF. Each says so.
#include "devices/disk/drive.h"
#include "monitor/disk/commit.h"
#include "monitor/disk/drive_option.h"
#include "monitor/disk/image.h"
#include "monitor/disk/images.h"
#include "monitor/disk/media.h"
#include "monitor/files/packed.h"
#include "monitor/session/monitor.h"
#include "monitor/files/readable.h"
#include "monitor/host/editor.h"
#include "monitor/show/copied.h"
#include "monitor/symbols/frames.h"
#include "monitor/symbols/symbols_elf.h"
#include "monitor/symbols/symbols_file.h"
#include <stdio.h>
#include <stdlib.h>

#define ABSENT(name)                                                                                                   \
    bool command_##name(struct monitor *monitor, const char *arguments) {                                              \
        (void)arguments;                                                                                               \
        return monitor_error(monitor, "%s: not in the page, which has no files to write; the native program has it",   \
                             #name);                                                                                   \
    }
ABSENT(screendump)
ABSENT(savevm)
ABSENT(loadvm)
ABSENT(migrate)
ABSENT(diff)
ABSENT(record)

// Where a value came from is followed by the operands of instructions as Zydis has them: `origin` stops at the first.
void copied_by(const struct look *look, const struct view *view, const struct place *written, struct copied *out) {
    (void)look, (void)view, (void)written;
    *out = (struct copied){.kind = COPIED_NOT};
}

// No snapshots are read, and no names of files completed.
struct readable *readable_open(const char *path) {
    return (void)path, NULL;
}
size_t readable_get(void *readable, void *to, size_t count) { return (void)readable, (void)to, (void)count, 0; }
void readable_close(struct readable *readable) { (void)readable; }
char *editor_file(const char *begin, int state) { return (void)begin, (void)state, NULL; }

// There are no images, so nothing is missing in them.
bool images_differ(const struct images *images) { return (void)images, false; }
uint64_t image_missing(const struct image *image, const struct drive *drive) { return (void)image, (void)drive, 0; }
bool image_commit(struct image *image, const struct drive *drive, uint64_t *bytes, char why[IMAGE_WHY]) {
    (void)image, (void)drive, (void)bytes;
    return snprintf(why, IMAGE_WHY, "there are no images of disks in the page"), false;
}
void images_watch(struct images *images, const struct image_watch *watch) { (void)images, (void)watch; }
bool media_open(struct images *images, const char *path, bool raw, struct drive_medium *out, char why[IMAGE_WHY]) {
    (void)images, (void)path, (void)raw, (void)out;
    return snprintf(why, IMAGE_WHY, "there are no images of disks in the page"), false;
}

// The past is kept as it is: zstd is not in the page.
const struct packer *packed_by_zstd_in_memory(void) { return NULL; }

// Source lines and frames are in DWARF, for which there is no reader here.
struct source_lines *symbols_dwarf(int fd, struct elf_layout *layout) {
    return (void)fd, (void)layout, NULL;
}
struct frames *frames_new(int fd, uint64_t slide) {
    return (void)fd, (void)slide, NULL;
}
void frames_free(struct frames *frames) { (void)frames; }
enum frame_outcome frames_step(const struct frames *frames, uint64_t address, struct frame_registers *registers,
                               const struct frame_memory *memory) {
    return (void)frames, (void)address, (void)registers, (void)memory, FRAME_NONE;
}
size_t symbols_export(const struct symbols *symbols, int level, const char *path, char *error, size_t error_size) {
    (void)symbols, (void)level, (void)path;
    return snprintf(error, error_size, "the page writes no files"), (size_t)0;
}
