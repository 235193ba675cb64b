// What is booted: files, words, and the loader that knows the format.
#ifndef MONITOR_LOAD_H
#define MONITOR_LOAD_H
#include "monitor/host/file.h"
#include "monitor/load/layout.h"

enum { BOOT_MODULES = 16 };

struct boot {
    struct layout_image made; // by boot_load, out of the files
    struct file kernel;
    const char *command_line; // "" when there is none
    const struct loader *loader;
    struct boot_module {
        struct file file;
        char *words; // what follows the file's name; the name without its folder where nothing does
    } module[BOOT_MODULES];
    uint64_t room;    // in RAM, for more of them
    unsigned modules; // a Linux kernel has one at most, its initrd
};

struct loader {
    const char *id; // for -protocol
    const char *name;
    bool (*probe)(const struct file *file);
    // Says what lies where in RAM, and what the first processor's registers are. False after one line on stderr.
    bool (*load)(const struct boot *boot, struct layout *layout);
    bool many_modules;
};
extern const struct loader load_linux, load_multiboot, load_multiboot2, load_pvh, load_elf;
const struct loader *loader_at(unsigned index); // in the order in which they are asked; NULL past the last one

// What to read: all but the kernel may be NULL.
struct boot_wish {
    const char *kernel, *initrd, *append;
    const struct loader *protocol; // NULL: the first that knows the kernel
    uint64_t ram_bytes;            // of the machine: modules that have no room are not read. 0: not known
};
// Reads the files and finds the loader. False after one line on stderr.
bool boot_open(struct boot *boot, const struct boot_wish *wish);
void boot_close(struct boot *boot); // no sooner than the machine is freed
// Into a new machine, which keeps what was made of the files (devices/machine/machine_boot.h) for its resets.
bool boot_load(struct boot *boot, struct machine *machine);
// What a guest is told of a file: its name and the words after it, but no folder. Where a file lies, and how its path
// was typed, is not the guest's business: it would be another machine.
const char *boot_name(const char *words);
// Behind the image and a gap of 2 MBytes, on pages of its own below 4 GBytes. 0 after one line on stderr.
uint64_t boot_module_place(const struct boot_module *module, struct layout *layout, uint64_t image_end);

#endif
