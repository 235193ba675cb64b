// A graphical program for the small disk, run by the kernel as its first one: it draws on the framebuffer, /dev/fb0,
// and then waits. The picture is the Mandelbrot set in bands of colour over the whole screen, with a frame of one dot
// of white.
#include <fcntl.h>
#include <linux/fb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS_MAX = 48, FRACTION_BITS = 24 };

// How many rounds z = z * z + c stays near, in fixed point: the same on every machine.
static unsigned count_rounds(int64_t real, int64_t imaginary) {
    int64_t x = 0, y = 0;
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        int64_t xx = x * x >> FRACTION_BITS, yy = y * y >> FRACTION_BITS;
        if (xx + yy > (int64_t)4 << FRACTION_BITS) return round;
        y = (x * y >> (FRACTION_BITS - 1)) + imaginary;
        x = xx - yy + real;
    }
    return ROUNDS_MAX;
}

static uint32_t color_of(unsigned rounds) {
    static const uint32_t bands[] = {0x101830, 0x203060, 0x305090, 0x4080c0, 0x60b0e0, 0xa0d8f0, 0xf0f0d0, 0xf0c060};
    return rounds == ROUNDS_MAX ? 0x000000 : bands[rounds % (sizeof bands / sizeof *bands)];
}

static uint32_t dot_at(unsigned column, unsigned row, unsigned width, unsigned height) {
    if (column == 0 || row == 0 || column == width - 1 || row == height - 1) return 0xffffff;
    int64_t unit = ((int64_t)3 << FRACTION_BITS) / width;
    int64_t real = (int64_t)column * unit - ((int64_t)9 << FRACTION_BITS) / 4;
    return color_of(count_rounds(real, ((int64_t)row - height / 2) * unit));
}

// Dots of three or four bytes: blue, green, red.
static void draw(uint8_t *base, const struct fb_var_screeninfo *mode, unsigned row_bytes) {
    unsigned dot_bytes = mode->bits_per_pixel / 8;
    for (unsigned row = 0; row < mode->yres; row++) {
        for (unsigned column = 0; column < mode->xres; column++) {
            uint32_t dot = dot_at(column, row, mode->xres, mode->yres);
            memcpy(base + (size_t)row * row_bytes + (size_t)column * dot_bytes, &dot, 3);
        }
    }
}

static _Noreturn void wait_forever(const char *why) {
    if (why) printf("== no picture: %s\n", why);
    fflush(stdout);
    for (;;) pause();
}

int main(void) {
    mkdir("/dev", 0755);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    int fd = open("/dev/fb0", O_RDWR);
    struct fb_var_screeninfo mode;
    struct fb_fix_screeninfo fixed;
    if (fd < 0) wait_forever("there is no /dev/fb0");
    if (ioctl(fd, FBIOGET_VSCREENINFO, &mode) || ioctl(fd, FBIOGET_FSCREENINFO, &fixed))
        wait_forever("its mode is not told");
    if (mode.bits_per_pixel != 24 && mode.bits_per_pixel != 32) wait_forever("a dot has neither 24 bits nor 32");
    uint8_t *base = mmap(NULL, fixed.smem_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) wait_forever("it cannot be mapped");
    draw(base, &mode, fixed.line_length);
    printf("== drawn: %u x %u\n", mode.xres, mode.yres);
    wait_forever(NULL);
}
