// Compression by zstd, as a value for the library (devices/snapshot/packer.h).
#ifndef MONITOR_PACKED_H
#define MONITOR_PACKED_H
struct packer;

// Any thread may use it; what it takes is freed when the thread calls packed_thread_ends, as its last act.
const struct packer *packed_by_zstd(void);
const struct packer *packed_by_zstd_in_memory(void); // quicker; each undoes what the other has packed
void packed_thread_ends(void);

#endif
