// Loading a bzImage. Linux, Documentation/x86/boot.rst, "64-bit Boot Protocol".
//
//   0x01000 GDT    0x07000 boot parameters    0x08000 page tables    0x20000 command line    0xf0000 ACPI tables
//   where the kernel prefers: the kernel      below the end of memory: the initrd
#include "linux.h"
#include "acpi.h"
#include <asm/bootparam.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    GDT = 0x1000,
    PARAMETERS = 0x7000,
    PAGE_TABLES = 0x8000,
    COMMAND_LINE = 0x20000,
    LOW_END = 0x9fc00,
    MIB = 1 << 20
};
enum { SECTOR = 512, ENTRY_64 = 0x200, PAGE = 4096, LOADER_UNDEFINED = 0xff, RAM = 1, RESERVED = 2 };

static bool read_all(int file, void *to, uint64_t bytes, uint64_t offset) {
    for (ssize_t n; bytes; bytes -= (uint64_t)n, offset += (uint64_t)n, to = (uint8_t *)to + n) {
        n = pread(file, to, bytes, (off_t)offset);
        if (n <= 0) return false;
    }
    return true;
}

// Identity-mapped first GiB in 2 MiB pages.
static void write_tables(uint8_t *memory) {
    enum { PRESENT_WRITABLE = 3, LARGE = 0x83, ENTRIES = 512 };
    uint64_t *tables = (uint64_t *)(memory + PAGE_TABLES), *directory = tables + 2 * ENTRIES;
    memset(tables, 0, 3 * PAGE);
    tables[0] = (PAGE_TABLES + PAGE) | PRESENT_WRITABLE;
    tables[ENTRIES] = (PAGE_TABLES + 2 * PAGE) | PRESENT_WRITABLE;
    for (uint64_t i = 0; i < ENTRIES; i++) directory[i] = i << 21 | LARGE;

    static const uint64_t gdt[] = {0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff};
    memcpy(memory + GDT, gdt, sizeof gdt);
}

static void write_map(struct boot_params *params, uint64_t memory_bytes) {
    const struct boot_e820_entry map[] = {
        {0, LOW_END, RAM}, {LOW_END, MIB - LOW_END, RESERVED}, {MIB, memory_bytes - MIB, RAM}};
    params->e820_entries = sizeof map / sizeof *map;
    memcpy(params->e820_table, map, sizeof map);
}

static const char *load_kernel(int file, uint8_t *memory, uint64_t memory_bytes, struct boot_params *params) {
    struct setup_header *header = &params->hdr;
    uint8_t sectors[2 * SECTOR];
    if (!read_all(file, sectors, sizeof sectors, 0)) return "the kernel cannot be read";
    memcpy(header, sectors + offsetof(struct boot_params, hdr), sizeof *header);
    if (memcmp(&header->header, "HdrS", 4) || header->version < 0x20c || !(header->xloadflags & XLF_KERNEL_64))
        return "the kernel is not a 64-bit bzImage";
    uint64_t bytes = header->syssize * 16ull, offset = (header->setup_sects + 1ull) * SECTOR;
    if (header->pref_address > memory_bytes || header->init_size > memory_bytes - header->pref_address)
        return "the kernel needs more memory";
    if (bytes > header->init_size || !read_all(file, memory + header->pref_address, bytes, offset))
        return "the kernel cannot be read whole";
    header->code32_start = (uint32_t)header->pref_address;
    header->type_of_loader = LOADER_UNDEFINED;
    header->cmd_line_ptr = COMMAND_LINE;
    return NULL;
}

static const char *load_initrd(int file, uint8_t *memory, uint64_t memory_bytes, struct boot_params *params) {
    struct setup_header *header = &params->hdr;
    struct stat status;
    if (fstat(file, &status)) return "the initrd cannot be read";
    uint64_t bytes = (uint64_t)status.st_size, first = header->pref_address + header->init_size;
    if (bytes > memory_bytes - first) return "the initrd needs more memory";
    uint64_t address = (memory_bytes - bytes) & ~(PAGE - 1ull);
    if (address < first || !read_all(file, memory + address, bytes, 0)) return "the initrd cannot be read whole";
    header->ramdisk_image = (uint32_t)address;
    header->ramdisk_size = (uint32_t)bytes;
    return NULL;
}

// Opens, loads, closes.
static const char *with_file(const char *path, uint8_t *memory, uint64_t memory_bytes, struct boot_params *params,
                             const char *(*load)(int, uint8_t *, uint64_t, struct boot_params *)) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return "no such file, kernel or initrd";
    const char *why = load(file, memory, memory_bytes, params);
    close(file);
    return why;
}

const char *linux_load(uint8_t *memory, uint64_t memory_bytes, const struct linux_image *image,
                       struct linux_start *start) {
    struct boot_params *params = (struct boot_params *)(memory + PARAMETERS);
    *params = (struct boot_params){0};
    const char *why = with_file(image->kernel, memory, memory_bytes, params, load_kernel);
    if (!why && image->initrd) why = with_file(image->initrd, memory, memory_bytes, params, load_initrd);
    if (why) return why;
    if (strlen(image->command_line) > params->hdr.cmdline_size) return "the command line is too long";
    strcpy((char *)memory + COMMAND_LINE, image->command_line);
    write_map(params, memory_bytes);
    write_tables(memory);
    acpi_write(memory + ACPI_ADDRESS, image->processors);
    params->acpi_rsdp_addr = ACPI_ADDRESS;
    *start = (struct linux_start){.rip = params->hdr.pref_address + ENTRY_64,
                                  .rsi = PARAMETERS,
                                  .cr3 = PAGE_TABLES,
                                  .gdt = GDT,
                                  .gdt_limit = 4 * 8 - 1};
    return NULL;
}
