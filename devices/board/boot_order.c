// The order in which firmware tries devices; see boot_order.h.
#include "devices/board/boot_order.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// What QEMU calls functions of these classes.
static const struct {
    uint8_t class, subclass;
    const char *name;
} names[] = {{0x01, 0x00, "scsi"}, {0x01, 0x01, "ide"}, {0x06, 0x04, "pci-bridge"}};

__attribute__((format(printf, 2, 3))) static void append(char path[BOOT_PATH], const char *format, ...) {
    va_list arguments;
    size_t used = strlen(path);
    va_start(arguments, format);
    vsnprintf(path + used, BOOT_PATH - used, format, arguments);
    va_end(arguments);
}

static const char *name_of(const struct pci_identity *p) {
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].class == p->class && names[i].subclass == p->subclass) return names[i].name;
    return NULL;
}

// The bridges first, from the root on.
static void put_function(char path[BOOT_PATH], const struct pci *pci, const struct pci_function *f) {
    const struct pci_function *bridge = pci->bus[f->on_bus].bridge;
    const char *name = name_of(f->identity);
    if (bridge)
        put_function(path, pci, bridge);
    else
        append(path, "/pci@i0cf8");
    if (name)
        append(path, "/%s", name);
    else
        append(path, "/pci%04x,%04x", f->identity->vendor, f->identity->device);
    append(path, f->place & 7 ? "@%x,%x" : "@%x", f->place >> 3, f->place & 7);
}

bool boot_order_add(struct boot_order *order, const struct pci *pci, const struct pci_function *controller,
                    uint32_t index, const char *path) {
    unsigned at = 0;
    while (at < order->devices && order->device[at].index < index) at++;
    if (order->devices == MACHINE_DRIVES || (at < order->devices && order->device[at].index == index)) return false;
    struct boot_device *d = &order->device[at];
    memmove(d + 1, d, (order->devices++ - at) * sizeof *d);
    *d = (struct boot_device){.index = index};
    if (controller) put_function(d->path, pci, controller);
    append(d->path, "/%s", path);
    return true;
}

uint32_t boot_order_text(const struct boot_order *order, char text[BOOT_ORDER_TEXT]) {
    uint32_t bytes = 0;
    for (unsigned i = 0; i < order->devices; i++) {
        size_t length = strlen(order->device[i].path);
        memcpy(text + bytes, order->device[i].path, length);
        bytes += (uint32_t)length;
        text[bytes++] = i + 1 < order->devices ? '\n' : '\0';
    }
    return bytes;
}
