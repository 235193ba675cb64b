// Memory for code that is made while the machine runs, which the host lends (the library maps none): the same bytes
// seen twice, never writable and executable at one address.
#ifndef CPU_CODE_MEMORY_H
#define CPU_CODE_MEMORY_H
#include <stddef.h>
#include <stdint.h>

struct code_memory {
    uint8_t *write;
    const uint8_t *run;
    size_t bytes;
    unsigned heat; // how many times code runs before it is compiled; 0: as is usual
};

#endif
