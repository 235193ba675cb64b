// Linux bzImage by the 64-bit boot protocol: Linux, Documentation/x86/boot.rst, "64-bit Boot Protocol". The kernel goes
// where it prefers (pref_address), with the init_size bytes it needs to unpack itself there.
// NOT IMPLEMENTED: protocols before 2.12 and 32-bit kernels, which would start in real or in 32-bit mode.
#include "monitor/load/handover.h"
#include "monitor/load/linux_params.h"
#include "monitor/host/status.h"
#include <inttypes.h>
#include <string.h>

enum { SECTOR = 512, BOOT_FLAG = 0xaa55, OLDEST_VERSION = 0x20c, ENTRY_64 = 0x200 };

static bool probe(const struct file *file) {
    uint32_t magic;
    return file_get(file, LINUX_HEADER + offsetof(struct linux_header, header), &magic, sizeof magic) &&
           magic == LINUX_MAGIC;
}

// The part of the header that this kernel has.
static bool get_header(const struct file *file, struct linux_params *params) {
    uint8_t end;
    if (!file_get(file, LINUX_HEADER + offsetof(struct linux_header, header_end), &end, 1))
        return complain("%s: cut short within the setup header", file->path);
    size_t length = LINUX_HEADER_JUMP_TARGET + end - LINUX_HEADER;
    if (length > LINUX_HEADER_LARGEST) length = LINUX_HEADER_LARGEST;
    if (!file_get(file, LINUX_HEADER, params->header_bytes, length))
        return complain("%s: cut short within the setup header", file->path);
    const struct linux_header *header = &params->header;
    if (header->boot_flag != BOOT_FLAG)
        return complain("%s: a Linux setup header without the boot flag AA55H: damaged", file->path);
    if (header->version < OLDEST_VERSION || length < sizeof *header - sizeof header->kernel_info_offset)
        return complain("%s: Linux boot protocol %u.%u; 2.12 or newer is needed", file->path, header->version >> 8,
                        header->version & 0xff);
    if (!(header->xloadflags & LINUX_XLF_KERNEL_64))
        return complain("%s: a Linux kernel without a 64-bit entry; 32-bit kernels are not supported", file->path);
    if (!(header->loadflags & LINUX_LOADED_HIGH))
        return complain("%s: a Linux kernel (zImage) that does not load at 1 MByte; not supported", file->path);
    return true;
}

// The code behind the setup sectors.
static bool get_code(const struct file *file, const struct linux_header *header, const uint8_t **code,
                     uint64_t *bytes) {
    uint64_t offset = ((header->setup_sects ? header->setup_sects : 4) + 1u) * SECTOR;
    uint64_t length = header->syssize * 16ull;
    if (length == 0 || offset > file->size || length > file->size - offset)
        return complain("%s: cut short: the header promises %" PRIu64 " bytes, the file has %zu", file->path,
                        offset + length, file->size);
    *code = file->bytes + offset;
    *bytes = length;
    return true;
}

// Where the kernel prefers; else, if it can run anywhere, the lowest place with room.
static uint64_t choose_address(struct layout *layout, const struct linux_header *header, uint64_t bytes) {
    uint32_t align = header->kernel_alignment;
    bool relocatable = header->relocatable_kernel && align && (align & (align - 1)) == 0;
    if (!relocatable || layout_free(layout, header->pref_address, bytes))
        return layout_claim(layout, header->pref_address, bytes, "the kernel") ? header->pref_address : 0;
    const struct layout_wish wish = {.bytes = bytes, .align = align, .min = 0x100000, .end = 1ull << 32};
    return layout_place(layout, &wish, "the kernel, as much as it needs to unpack itself,");
}

static bool load(const struct boot *boot, struct layout *layout) {
    struct linux_params params = {0};
    struct linux_header *header = &params.header;
    const uint8_t *code = NULL;
    uint64_t bytes = 0;
    if (!get_header(&boot->kernel, &params) || !get_code(&boot->kernel, header, &code, &bytes)) return false;
    uint64_t room = header->init_size > bytes ? header->init_size : bytes;
    uint64_t address = choose_address(layout, header, room);
    if (!address) return false;
    if (address + room > 1ull << 32)
        return complain("%s: wants to be loaded above 4 GBytes; not supported", boot->kernel.path);
    layout_fill(layout, address, code, bytes, bytes);
    header->code32_start = (uint32_t)address;
    uint64_t zero_page = linux_params_place(boot, layout, &params);
    return zero_page && handover_64bit(layout, &(struct handover){.entry = address + ENTRY_64, .rsi = zero_page});
}

const struct loader load_linux = {"Linux bzImage", probe, load, .many_modules = false};
