// Which loader knows the kernel's format, and the files that go with it.
#include "monitor/load/load.h"
#include "monitor/host/parse.h"
#include "monitor/host/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct loader *const loaders[] = {&load_linux, &load_multiboot, &load_pvh, &load_elf};

const char *boot_name(const char *words) {
    const char *name = words;
    for (const char *p = words; *p && *p != ' '; p++)
        if (*p == '/') name = p + 1;
    return name;
}

static bool add_module(struct boot *boot, const char *words) {
    if (boot->modules == BOOT_MODULES) return complain("-initrd names more than %d modules", BOOT_MODULES);
    struct boot_module *module = &boot->module[boot->modules++];
    module->words = strdup(boot_name(words));
    if (!module->words) return complain("not enough memory");
    if (!boot->loader->many_modules) return file_read(&module->file, words);
    char path[4096];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(words, " "), words);
    return file_read(&module->file, path);
}

static bool add_modules(struct boot *boot, const char *initrd) {
    char words[4096];
    if (!initrd) return true;
    if (!boot->loader->many_modules) return add_module(boot, initrd);
    while (parse_item(&initrd, words, sizeof words))
        if (!add_module(boot, words)) return false;
    return true;
}

bool boot_open(struct boot *boot, const char *kernel, const char *initrd, const char *append) {
    *boot = (struct boot){.command_line = append ? append : ""};
    char error[200];
    if (!file_load(&boot->kernel, kernel, error, sizeof error))
        return complain("%s: %s (could not load kernel)", kernel, error);
    for (unsigned i = 0; i < sizeof loaders / sizeof *loaders && !boot->loader; i++)
        if (loaders[i]->probe(&boot->kernel)) boot->loader = loaders[i];
    if (!boot->loader)
        return complain("%s: not a kernel: neither a Linux bzImage nor a multiboot 1 image nor an ELF file", kernel);
    return add_modules(boot, initrd);
}

void boot_close(struct boot *boot) {
    layout_image_free(&boot->made);
    file_free(&boot->kernel);
    for (unsigned i = 0; i < boot->modules; i++) {
        file_free(&boot->module[i].file);
        free(boot->module[i].words);
    }
    *boot = (struct boot){0};
}

uint64_t boot_module_place(const struct boot_module *module, struct layout *layout, uint64_t image_end) {
    const struct layout_wish wish = {.bytes = module->file.size ? module->file.size : 1,
                                     .align = 4096,
                                     .min = image_end > 1 << 20 ? image_end : 1 << 20,
                                     .end = 1ull << 32};
    return layout_put_file(layout, &wish, module->file.size ? (const void *)module->file.bytes : "", "a module");
}

bool boot_load(struct boot *boot, struct machine *machine) {
    struct layout layout;
    layout_init(&layout, machine, boot->kernel.path, &boot->made);
    return boot->loader->load(boot, &layout) &&
           (machine_boot(machine, &boot->made.image) ||
            complain("%s: what was made of it cannot be loaded", boot->kernel.path));
}
