// What wasi-libc has not.
#ifndef WEB_STDLIB_H
#define WEB_STDLIB_H
#include_next <stdlib.h>
void qsort_r(void *base, size_t count, size_t size, int (*compare)(const void *, const void *, void *), void *context);
#endif
