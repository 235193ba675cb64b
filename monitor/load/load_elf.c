// Plain ELF files, which name no PVH entry: ELF64 starts in 64-bit mode, ELF32 in flat protected mode. Either finds
// Linux's boot parameters through RSI, as a vmlinux wants it: memory map, command line, initrd.
#include "monitor/load/elf_image.h"
#include "monitor/load/handover.h"
#include "monitor/load/linux_params.h"

static bool load(const struct boot *boot, struct layout *layout) {
    struct elf_image image;
    struct linux_params params = {.header = {.boot_flag = 0xaa55,
                                             .header = LINUX_MAGIC,
                                             .version = 0x20c,
                                             .initrd_addr_max = 0x7fffffff,
                                             .cmdline_size = 2047}};
    if (!elf_load(&boot->kernel, layout, &image)) return false;
    uint64_t zero_page = linux_params_place(boot, layout, &params);
    const struct handover handover = {.entry = image.entry, .rsi = zero_page};
    return zero_page && (image.is_64bit ? handover_64bit(layout, &handover) : handover_protected(layout, &handover));
}

const struct loader load_elf = {"elf", "ELF", elf_probe, load, .many_modules = false};
