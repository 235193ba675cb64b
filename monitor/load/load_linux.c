// Linux bzImage by the 64-bit boot protocol where the kernel has such an entry, else by the 32-bit one: Linux,
// Documentation/x86/boot.rst. The kernel goes where it prefers (pref_address), with the init_size bytes it needs to
// unpack itself there. Programs that take this form, such as memtest86+, are loaded in the same way.
// NOT IMPLEMENTED: protocols before 2.03, zImages, and kernels that can only start in real mode, with a BIOS.
#include "monitor/load/handover.h"
#include "monitor/load/linux_params.h"
#include "monitor/host/status.h"
#include <inttypes.h>
#include <string.h>

enum { SECTOR = 512, BOOT_FLAG = 0xaa55, ENTRY_64 = 0x200, PARAGRAPH = 16 };
enum { OLDEST_VERSION = 0x203, ADDRESS_STANDARD = 0x100000, COMMAND_LINE_STANDARD = 255 };

static bool probe(const struct file *file) {
    uint32_t magic;
    return file_get(file, LINUX_HEADER + offsetof(struct linux_header, header), &magic, sizeof magic) &&
           magic == LINUX_MAGIC;
}

// Which part of the header a protocol has, at least; later ones have added nothing that is used here.
static const struct {
    uint16_t version;
    size_t end;
} protocols[] = {
    {0x203, offsetof(struct linux_header, kernel_alignment)},
    {0x205, offsetof(struct linux_header, cmdline_size)},
    {0x206, offsetof(struct linux_header, hardware_subarch)},
    {0x20a, offsetof(struct linux_header, handover_offset)},
};

static bool complete(const struct linux_header *header, size_t length) {
    for (unsigned i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (header->version >= protocols[i].version && length < protocols[i].end) return false;
    return true;
}

// What the protocol of an older kernel does not have, and what is true of it then.
static void set_standards(struct linux_header *header) {
    if (header->version < 0x205) header->kernel_alignment = header->relocatable_kernel = 0;
    if (header->version < 0x206) header->cmdline_size = COMMAND_LINE_STANDARD;
    if (header->version < 0x20a) header->pref_address = ADDRESS_STANDARD;
    if (header->version < 0x20a) header->init_size = 0;
    if (header->version < 0x20c) header->xloadflags = 0;
}

// Whether there is a way to start it.
static bool startable(const struct file *file, const struct linux_header *header) {
    if (!(header->loadflags & LINUX_LOADED_HIGH))
        return complain("%s: a Linux kernel (zImage) that does not load at 1 MByte; not supported", file->path);
    if (!(header->xloadflags & LINUX_XLF_KERNEL_64) && header->code32_start == 0)
        return complain("%s: has a Linux setup header, but no entry for protected mode (code32_start is 0): it starts "
                        "in real mode and needs a BIOS, which is not modelled",
                        file->path);
    return true;
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
    struct linux_header *header = &params->header;
    if (header->boot_flag != BOOT_FLAG)
        return complain("%s: a Linux setup header without the boot flag AA55H: damaged", file->path);
    if (header->version < OLDEST_VERSION)
        return complain("%s: Linux boot protocol %u.%02u; 2.03 or newer is needed", file->path, header->version >> 8,
                        header->version & 0xff);
    if (!complete(header, length))
        return complain("%s: Linux boot protocol %u.%02u, but its setup header ends after %zu bytes: damaged",
                        file->path, header->version >> 8, header->version & 0xff, length);
    set_standards(header);
    return startable(file, header);
}

// The code behind the setup sectors. The header counts it in paragraphs, of which the last may be short.
static bool get_code(const struct file *file, const struct linux_header *header, const uint8_t **code,
                     uint64_t *bytes) {
    uint64_t offset = ((header->setup_sects ? header->setup_sects : 4) + 1u) * SECTOR;
    uint64_t length = header->syssize * (uint64_t)PARAGRAPH, have = offset < file->size ? file->size - offset : 0;
    if (length > have && length - have < PARAGRAPH) length = have;
    if (length == 0 || length > have)
        return complain("%s: cut short: the header promises %" PRIu64 " bytes, the file has %zu", file->path,
                        offset + length, file->size);
    *code = file->bytes + offset;
    *bytes = length;
    return true;
}

// The room that it needs to unpack itself: three times its size where the header does not say.
static uint64_t room_for(const struct linux_header *header, uint64_t bytes) {
    if (header->version < 0x20a) return 3 * bytes;
    return header->init_size > bytes ? header->init_size : bytes;
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
    uint64_t room = room_for(header, bytes);
    uint64_t address = choose_address(layout, header, room);
    if (!address) return false;
    if (address + room > 1ull << 32)
        return complain("%s: wants to be loaded above 4 GBytes; not supported", boot->kernel.path);
    layout_fill(layout, address, code, bytes, bytes);
    header->code32_start = (uint32_t)address;
    uint64_t zero_page = linux_params_place(boot, layout, &params);
    if (!zero_page) return false;
    if (!(header->xloadflags & LINUX_XLF_KERNEL_64))
        return handover_protected(layout, &(struct handover){.entry = address, .rsi = zero_page});
    return handover_64bit(layout, &(struct handover){.entry = address + ENTRY_64, .rsi = zero_page});
}

const struct loader load_linux = {"linux", "Linux bzImage", probe, load, .many_modules = false};
