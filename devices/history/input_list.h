// The inputs of a run in the order in which they were taken, with copies of their data.
#ifndef DEVICES_HISTORY_INPUT_LIST_H
#define DEVICES_HISTORY_INPUT_LIST_H
#include "devices/machine/machine_input.h"

struct input_list {
    struct input *input; // data: of the list
    size_t count, capacity;
    size_t bytes; // of the host's memory
    bool failed;  // memory was short: what came from then on is missing
};

void input_list_add(struct input_list *list, const struct input *input);
void input_list_cut(struct input_list *list, size_t count); // keeps the first ones
void input_list_free(struct input_list *list);

#endif
