// Linux's boot parameters, the "zero page": what a boot loader tells an x86 kernel. Linux, Documentation/x86/boot.rst
// and zero-page.rst.
#ifndef MONITOR_LINUX_PARAMS_H
#define MONITOR_LINUX_PARAMS_H
#include "cpu/state/outcome.h"
#include "monitor/load/load.h"
#include <assert.h>

// The setup header: at the same offset in a bzImage and in the zero page.
struct __attribute__((packed)) linux_header {
    uint8_t setup_sects;
    uint16_t root_flags;
    uint32_t syssize; // of the protected-mode code, in 16 bytes
    uint16_t ram_size, vid_mode, root_dev, boot_flag;
    uint8_t jump, header_end; // the header ends at 202H + header_end
    uint32_t header;          // "HdrS"
    uint16_t version;
    uint32_t realmode_swtch;
    uint16_t start_sys_seg, kernel_version;
    uint8_t type_of_loader, loadflags;
    uint16_t setup_move_size;
    uint32_t code32_start, ramdisk_image, ramdisk_size, bootsect_kludge;
    uint16_t heap_end_ptr;
    uint8_t ext_loader_ver, ext_loader_type;
    uint32_t cmd_line_ptr, initrd_addr_max, kernel_alignment;
    uint8_t relocatable_kernel, min_alignment;
    uint16_t xloadflags;
    uint32_t cmdline_size, hardware_subarch;
    uint64_t hardware_subarch_data;
    uint32_t payload_offset, payload_length;
    uint64_t setup_data, pref_address;
    uint32_t init_size, handover_offset, kernel_info_offset;
};
enum { LINUX_HEADER = 0x1f1, LINUX_HEADER_JUMP_TARGET = 0x202, LINUX_HEADER_LARGEST = 0x290 - LINUX_HEADER };
#define LINUX_MAGIC 0x53726448u     // "HdrS"
#define LINUX_LOADED_HIGH BIT(0)    // loadflags
#define LINUX_XLF_KERNEL_64 BIT(0)  // xloadflags: an entry for 64-bit mode 200H behind the load address
#define LINUX_LOADER_UNDEFINED 0xff // type_of_loader without a number of its own
#define LINUX_VIDEO_NORMAL 0xffff

// A node of the chain at setup_data.
struct linux_setup_data {
    uint64_t next; // 0 at the end
    uint32_t type, length;
    uint64_t seed[4];
};
enum { LINUX_SETUP_RNG_SEED = 9 };

struct __attribute__((packed)) linux_e820 {
    uint64_t base, bytes;
    uint32_t type;
};
enum { LINUX_E820_ENTRIES = 128 };

struct __attribute__((packed)) linux_screen {
    uint8_t x, y; // of the cursor
    uint16_t extended_kbytes, page;
    uint8_t mode, columns, flags, unused;
    uint16_t ega_bx, unused_2;
    uint8_t lines, is_vga;
    uint16_t points; // lines of a character
};

struct __attribute__((packed)) linux_params {
    struct linux_screen screen;                             // all 0: no display
    uint8_t reserved_0[0x70 - sizeof(struct linux_screen)]; // and APM, IST
    uint64_t acpi_rsdp_addr;
    uint8_t reserved_1[0x170];
    uint8_t e820_entries;
    uint8_t reserved_2[8];
    union {
        struct linux_header header;
        uint8_t header_bytes[0x2d0 - LINUX_HEADER];
    };
    struct linux_e820 e820[LINUX_E820_ENTRIES];
    uint8_t reserved_3[0x330];
};
static_assert(offsetof(struct linux_params, e820_entries) == 0x1e8);
static_assert(offsetof(struct linux_params, header) == LINUX_HEADER);
static_assert(offsetof(struct linux_params, header.header) == 0x202);
static_assert(offsetof(struct linux_params, header.cmd_line_ptr) == 0x228);
static_assert(offsetof(struct linux_params, header.xloadflags) == 0x236);
static_assert(offsetof(struct linux_params, header.init_size) == 0x260);
static_assert(offsetof(struct linux_params, e820) == 0x2d0);
static_assert(sizeof(struct linux_params) == 4096);

// Places the command line, the initrd and, last, `params` itself, after completing them. The kernel must have been
// claimed before. Returns the physical address of the parameters, 0 after one line on stderr.
uint64_t linux_params_place(const struct boot *boot, struct layout *layout, struct linux_params *params);

#endif
