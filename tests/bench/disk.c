// Makes a disk that a PC's BIOS can start, for emulators without -kernel:
//     disk BOOT linux KERNEL INITRD COMMAND-LINE
//     disk BOOT multiboot FILE COMMAND-LINE
// The image goes to standard output. BOOT is boot.S assembled to 512 bytes; what it wants is said there.
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECTOR = 512,
    LIST_MAX = 60,
    PARAMETERS = 0x20000, // Linux boot parameters, or multiboot information
    COMMAND_LINE = 0x21000,
    KERNEL = 0x100000,
    INITRD = 0x8000000,
    CYLINDER = 16 * 63 * SECTOR,
};

static _Noreturn void die(const char *what, const char *why) {
    fprintf(stderr, "disk: %s: %s\n", what, why);
    exit(1);
}

struct file {
    uint8_t *bytes;
    size_t size;
};

static struct file file_read(const char *name) {
    struct file f = {0};
    FILE *in = fopen(name, "rb");
    if (!in) die(name, "cannot be opened");
    for (size_t room = 0, n = 1; n; f.size += n) {
        if (room - f.size < SECTOR) {
            room = 2 * room + (1 << 20);
            f.bytes = realloc(f.bytes, room);
            if (!f.bytes) die(name, "not enough memory");
        }
        n = fread(f.bytes + f.size, 1, room - f.size, in);
    }
    fclose(in);
    return f;
}

// --- the disk ---
static struct { uint32_t address, sectors; } list[LIST_MAX];
static const void *content[LIST_MAX];
static size_t content_size[LIST_MAX];
static unsigned pieces;
static size_t written;

static void piece_add(uint32_t address, const void *bytes, size_t size) {
    if (pieces == LIST_MAX - 3) die("disk", "too many pieces");
    if (!size) return;
    list[pieces].address = address;
    list[pieces].sectors = (uint32_t)((size + SECTOR - 1) / SECTOR);
    content[pieces] = bytes;
    content_size[pieces++] = size;
}

static void emit(const void *bytes, size_t size) {
    if (fwrite(bytes, 1, size, stdout) != size) die("standard output", "cannot be written");
    written += size;
}

static void pad(size_t unit) {
    static const uint8_t zero[CYLINDER];
    emit(zero, (unit - written % unit) % unit);
}

static void disk_write(const struct file *boot, uint32_t entry, uint32_t ebx, uint32_t esi) {
    uint32_t *end = &list[pieces].address;
    memcpy(end + 2, (uint32_t[3]){entry, ebx, esi}, 12);
    emit(boot->bytes, boot->size);
    emit(list, SECTOR);
    for (unsigned i = 0; i < pieces; i++) {
        emit(content[i], content_size[i]);
        pad(SECTOR);
    }
    pad(CYLINDER);
}

// --- Linux by its 32-bit boot protocol (Documentation/x86/boot.rst) ---
enum {
    SETUP_SECTS = 0x1f1,
    HEADER = 0x1f1,
    HEADER_END = 0x268,
    MAGIC = 0x202,
    LOADER = 0x210,
    RAMDISK = 0x218,
    LINE = 0x228
};

static void linux_disk(const struct file *boot, char **argument) {
    static uint8_t parameters[4096];
    struct file kernel = file_read(argument[0]), initrd = file_read(argument[1]);
    if (kernel.size < 0x1000 || memcmp(kernel.bytes + MAGIC, "HdrS", 4)) die(argument[0], "is no Linux kernel");
    size_t setup = (size_t)SECTOR * (1 + (kernel.bytes[SETUP_SECTS] ? kernel.bytes[SETUP_SECTS] : 4));
    memcpy(parameters + HEADER, kernel.bytes + HEADER, HEADER_END - HEADER);
    parameters[LOADER] = 0xff;
    memcpy(parameters + RAMDISK, (uint32_t[2]){INITRD, (uint32_t)initrd.size}, 8);
    memcpy(parameters + LINE, (uint32_t[1]){COMMAND_LINE}, 4);
    piece_add(PARAMETERS, parameters, sizeof parameters);
    piece_add(COMMAND_LINE, argument[2], strlen(argument[2]) + 1);
    piece_add(KERNEL, kernel.bytes + setup, kernel.size - setup);
    piece_add(INITRD, initrd.bytes, initrd.size);
    disk_write(boot, KERNEL, 0, PARAMETERS);
}

// --- multiboot 1: the information has nothing but a command line ---
static void multiboot_disk(const struct file *boot, char **argument) {
    static uint32_t information[128] = {1 << 2, 0, 0, 0, COMMAND_LINE};
    struct file elf = file_read(argument[0]);
    const Elf32_Ehdr *header = (const void *)elf.bytes;
    if (elf.size < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG)) die(argument[0], "is no ELF file");
    const Elf32_Phdr *segment = (const void *)(elf.bytes + header->e_phoff);
    piece_add(PARAMETERS, information, sizeof information);
    piece_add(COMMAND_LINE, argument[1], strlen(argument[1]) + 1);
    for (unsigned i = 0; i < header->e_phnum; i++)
        if (segment[i].p_type == PT_LOAD)
            piece_add(segment[i].p_paddr, elf.bytes + segment[i].p_offset, segment[i].p_filesz);
    disk_write(boot, header->e_entry, PARAMETERS, 0);
}

int main(int argc, char **argv) {
    struct file boot = argc > 1 ? file_read(argv[1]) : (struct file){0};
    if (argc == 6 && !strcmp(argv[2], "linux") && boot.size == SECTOR)
        linux_disk(&boot, argv + 3);
    else if (argc == 5 && !strcmp(argv[2], "multiboot") && boot.size == SECTOR)
        multiboot_disk(&boot, argv + 3);
    else
        die("usage", "disk BOOT linux KERNEL INITRD COMMAND-LINE | disk BOOT multiboot FILE COMMAND-LINE");
    return 0;
}
