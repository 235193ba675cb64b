#define _GNU_SOURCE
#include "tests/monitor/loading.h"
#include "monitor/load/load.h"
#include "tests/tap.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int memory_file(char path[64]) {
    int fd = memfd_create("image", 0);
    if (fd < 0) bail("memfd_create");
    if (path) snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

void loading_renew(struct loading *loading, uint64_t ram_bytes) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = ram_bytes;
    machine_free(loading->machine);
    loading->machine = machine_new(&config, error, sizeof error);
    if (!loading->machine) bail("machine_new: %s", error);
}

void loading_begin(struct loading *loading, uint64_t ram_bytes) {
    *loading = (struct loading){.real_stderr = dup(STDERR_FILENO), .errors_fd = memory_file(NULL)};
    loading->kernel_fd = memory_file(loading->kernel_path);
    loading->initrd_fd = memory_file(loading->initrd_path);
    loading_renew(loading, ram_bytes);
}

void loading_end(struct loading *loading) {
    machine_free(loading->machine);
    boot_close(&loading->boot);
    close(loading->kernel_fd), close(loading->initrd_fd);
    close(loading->errors_fd), close(loading->real_stderr);
}

void loading_file(int fd, const void *bytes, size_t size) {
    if (ftruncate(fd, 0) != 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size) bail("memory file");
}

bool loading_try(struct loading *loading, const struct image *image, const char *initrd, const char *append) {
    struct boot *boot = &loading->boot;
    (void)machine_boot(loading->machine, NULL);
    boot_close(boot);
    loading_file(loading->kernel_fd, image->bytes, image->size);
    if (ftruncate(loading->errors_fd, 0) != 0) bail("ftruncate");
    lseek(loading->errors_fd, 0, SEEK_SET);
    fflush(stderr);
    dup2(loading->errors_fd, STDERR_FILENO);
    const struct boot_wish wish = {loading->kernel_path, initrd, append, loading->protocol, 0};
    bool done = boot_open(boot, &wish) && boot_load(boot, loading->machine);
    fflush(stderr);
    dup2(loading->real_stderr, STDERR_FILENO);
    ssize_t got = pread(loading->errors_fd, loading->errors, sizeof loading->errors - 1, 0);
    loading->errors[got > 0 ? got : 0] = '\0';
    loading->lines = 0;
    for (char *p = loading->errors; (p = strchr(p, '\n')); loading->lines++) *p = ' ';
    return done;
}

bool loading_well_behaved(const struct loading *loading, bool loaded) {
    if (loaded) return loading->errors[0] == '\0';
    return strncmp(loading->errors, "vmxray: ", 8) == 0 && loading->lines == 1;
}

void loading_damage(struct image *image, uint64_t *random) {
    static const uint64_t extreme[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffffffff000, ~0ull};
    unsigned size = (unsigned)image->size, headers = size < 0x480 ? size : 0x480;
    for (unsigned n = 1 + random_below(random, 4); n; n--) {
        size_t at = random_below(random, random_below(random, 4) ? headers : size);
        switch (random_below(random, 4)) {
        case 0: image->size = 1 + random_below(random, size); return;
        case 1:
            image_put(image, at < 8 ? at : at - 8, extreme[random_below(random, 7)], 1ull << random_below(random, 4));
            break;
        default: image->bytes[at] ^= (uint8_t)(1u << random_below(random, 8));
        }
    }
}
