// Inputs that were taken; see input_list.h.
#include "devices/history/input_list.h"
#include <stdlib.h>
#include <string.h>

// Of the host's memory.
static size_t data_cost(const struct input *input) {
    enum { ALLOCATOR_COST = 24 }; // with what it rounds up
    return input->bytes ? input->bytes + ALLOCATOR_COST : 0;
}

static bool grow(struct input_list *l) {
    if (l->count < l->capacity) return true;
    size_t capacity = l->capacity ? 2 * l->capacity : 64;
    struct input *input = realloc(l->input, capacity * sizeof *input);
    if (!input) return false;
    l->input = input;
    l->bytes += (capacity - l->capacity) * sizeof *input;
    l->capacity = capacity;
    return true;
}

void input_list_add(struct input_list *l, const struct input *input) {
    void *data = input->bytes ? malloc(input->bytes) : NULL;
    l->failed |= (input->bytes && !data) || !grow(l);
    if (l->failed) {
        free(data);
        return;
    }
    if (data) memcpy(data, input->data, input->bytes);
    l->input[l->count] = *input;
    l->input[l->count++].data = data;
    l->bytes += data_cost(input);
}

void input_list_cut(struct input_list *l, size_t count) {
    while (l->count > count) {
        struct input *last = &l->input[--l->count];
        l->bytes -= data_cost(last);
        free((void *)(uintptr_t)last->data);
    }
}

void input_list_free(struct input_list *l) {
    input_list_cut(l, 0);
    free(l->input);
    *l = (struct input_list){0};
}
