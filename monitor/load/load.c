// Which loader knows the kernel's format, and the files that go with it.
#include "monitor/load/load.h"
#include "monitor/host/parse.h"
#include "monitor/host/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct loader *const loaders[] = {&load_linux, &load_multiboot, &load_multiboot2, &load_pvh, &load_elf};
enum { LOADERS = sizeof loaders / sizeof *loaders };

const struct loader *loader_at(unsigned index) { return index < LOADERS ? loaders[index] : NULL; }

static const char *module_words(const char *text) {
    const char *words = text + strcspn(text, " ");
    while (*words == ' ') words++;
    return *words ? words : boot_name(text);
}

const char *boot_name(const char *words) {
    const char *name = words;
    for (const char *p = words; *p && *p != ' '; p++)
        if (*p == '/') name = p + 1;
    return name;
}

static bool add_module(struct boot *boot, const char *words) {
    if (boot->modules == BOOT_MODULES) return complain("-initrd names more than %d modules", BOOT_MODULES);
    struct boot_module *module = &boot->module[boot->modules++];
    module->words = strdup(module_words(words));
    if (!module->words) return complain("not enough memory");
    char path[4096];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(words, boot->loader->many_modules ? " " : ""), words);
    if (!file_read_most(&module->file, path, boot->room)) return false;
    boot->room -= module->file.size;
    return true;
}

static bool add_modules(struct boot *boot, const char *initrd) {
    char words[4096];
    if (!initrd) return true;
    if (!boot->loader->many_modules) return add_module(boot, initrd);
    while (parse_item(&initrd, words, sizeof words))
        if (!add_module(boot, words)) return false;
    return true;
}

static bool find_loader(struct boot *boot, const struct loader *protocol) {
    for (unsigned i = 0; i < LOADERS && !boot->loader; i++)
        if ((!protocol || loaders[i] == protocol) && loaders[i]->probe(&boot->kernel)) boot->loader = loaders[i];
    if (boot->loader) return true;
    if (protocol) return complain("%s: cannot be booted as %s", boot->kernel.path, protocol->name);
    return complain("%s: not a kernel: neither a Linux bzImage nor a multiboot image nor an ELF file",
                    boot->kernel.path);
}

bool boot_open(struct boot *boot, const struct boot_wish *wish) {
    *boot = (struct boot){.command_line = wish->append ? wish->append : "",
                          .room = wish->ram_bytes ? wish->ram_bytes : UINT64_MAX};
    char error[200];
    if (!file_load(&boot->kernel, wish->kernel, error, sizeof error))
        return complain("%s: %s (could not load kernel)", wish->kernel, error);
    return find_loader(boot, wish->protocol) && add_modules(boot, wish->initrd);
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

// Behind a gap, if there is room for it, in which programs that begin to allocate where their image ends do no harm. An
// image that lies as high as it can be has its modules below it.
uint64_t boot_module_place(const struct boot_module *module, struct layout *layout, uint64_t image_end) {
    enum { GAP = 2 << 20, LEAST = 1 << 20 };
    uint64_t end = image_end > LEAST ? image_end : LEAST;
    struct layout_wish wish = {
        .bytes = module->file.size ? module->file.size : 1, .align = 4096, .min = end + GAP, .end = 1ull << 32};
    if (!layout_search(layout, &wish)) wish.min = end;
    if (!layout_search(layout, &wish)) wish.min = LEAST;
    return layout_put_file(layout, &wish, module->file.size ? (const void *)module->file.bytes : "", "a module");
}

// An ELF file has names, which recordings and snapshots keep with it.
static void keep_names(struct boot *boot) {
    enum { MOST = 32 << 20 };
    const struct file *kernel = &boot->kernel;
    if (kernel->size < 4 || kernel->size > MOST || memcmp(kernel->bytes, "\177ELF", 4) != 0) return;
    boot->made.image.file = kernel->bytes;
    boot->made.image.file_bytes = kernel->size;
}

bool boot_load(struct boot *boot, struct machine *machine) {
    struct layout layout;
    layout_init(&layout, machine, boot->kernel.path, &boot->made);
    keep_names(boot);
    return boot->loader->load(boot, &layout) &&
           (machine_boot(machine, &boot->made.image) ||
            complain("%s: what was made of it cannot be loaded", boot->kernel.path));
}
