// -incoming: waiting for a machine that another process sends.
#ifndef MONITOR_INCOMING_H
#define MONITOR_INCOMING_H
#include <stdbool.h>
#include <stddef.h>

struct readable;
// Waits until somebody comes. *reply: what the other side hears, -1: nothing. NULL: `why` says what is wrong.
struct readable *incoming_open(const char *where, int *reply, char *why, size_t why_size);
// The machine is here: whether the other side gives it away. False: `why`; it is not ours.
bool incoming_agree(int reply, char *why, size_t why_size);

#endif
