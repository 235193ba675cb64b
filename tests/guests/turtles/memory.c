// Pages for tables, and what the compiler calls by itself.
#include "machine.h"

struct free_page {
    struct free_page *next;
};
static uint64_t next_page, end_page;
static struct free_page *free_pages;

void memory_init(uint64_t first, uint64_t end) {
    next_page = (first + PAGE - 1) & ~(PAGE - 1);
    end_page = end;
}

void *page_new(void) {
    void *page = free_pages;
    if (page) {
        free_pages = free_pages->next;
    } else {
        if (next_page >= end_page) panic("out of memory");
        page = (void *)next_page;
        next_page += PAGE;
    }
    return memset(page, 0, PAGE);
}

void page_free(void *page) {
    struct free_page *f = page;
    f->next = free_pages;
    free_pages = f;
}

void *memcpy(void *to, const void *from, size_t bytes) {
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    return start;
}

void *memset(void *to, int byte, size_t bytes) {
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(byte) : "memory");
    return start;
}
