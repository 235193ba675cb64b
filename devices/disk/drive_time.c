// How long a request to a drive takes: as a disk without moving parts would, by request and by byte. A CD-ROM is
// slower, but not as slow as it was: guests that boot from one wait long enough.
#include "devices/disk/drive.h"

// Microseconds for the request itself, and nanoseconds for each 1024 bytes.
static const struct speed {
    uint32_t request_us[3], kbyte_ns; // by enum drive_work
} disk = {{40, 40, 100}, 500}, cdrom = {{200, 200, 200}, 10000};

// Rounded up, so that nothing is done at once.
uint64_t drive_cycles(const struct drive *d, enum drive_work work, uint64_t bytes) {
    const struct speed *s = d->config.cdrom ? &cdrom : &disk;
    unsigned __int128 ns = (unsigned __int128)bytes * s->kbyte_ns / 1024 + s->request_us[work] * 1000ull;
    return (uint64_t)((ns * d->hz + 999999999) / 1000000000);
}
