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
        char *words;
    } module[BOOT_MODULES]; // words: "FILE WORDS", without FILE's folder
    unsigned modules;       // a Linux kernel has one at most, its initrd
};

struct loader {
    const char *name;
    bool (*probe)(const struct file *file);
    // Says what lies where in RAM, and what the first processor's registers are. False after one line on stderr.
    bool (*load)(const struct boot *boot, struct layout *layout);
    bool many_modules;
};
extern const struct loader load_linux, load_multiboot, load_pvh, load_elf;

// Reads the files (`initrd`, `append` may be NULL) and finds the loader. False after one line on stderr.
bool boot_open(struct boot *boot, const char *kernel, const char *initrd, const char *append);
void boot_close(struct boot *boot); // no sooner than the machine is freed
// Into a new machine, which keeps what was made of the files (devices/machine/machine_boot.h) for its resets.
bool boot_load(struct boot *boot, struct machine *machine);
// What a guest is told of a file: its name and the words after it, but no folder. Where a file lies, and how its path
// was typed, is not the guest's business: it would be another machine.
const char *boot_name(const char *words);
// Behind the image, on pages of its own below 4 GBytes. 0 after one line on stderr.
uint64_t boot_module_place(const struct boot_module *module, struct layout *layout, uint64_t image_end);

#endif
