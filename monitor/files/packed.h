// Compression by zstd, as a value for the library (devices/snapshot/packer.h).
#ifndef MONITOR_PACKED_H
#define MONITOR_PACKED_H
struct packer;

const struct packer *packed_by_zstd(void);

#endif
