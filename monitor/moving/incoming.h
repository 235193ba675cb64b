// -incoming: waiting for a machine that another process sends.
#ifndef MONITOR_INCOMING_H
#define MONITOR_INCOMING_H
#include "monitor/host/server.h"

struct readable;
struct incoming {
    bool is_command;
    struct server server; // where others may come in, until a machine is here
    int reply;            // what the other side hears, -1: nothing
    int pid;              // of the command
};
// Where others may come in; or the command begins. False: `why` says what is wrong.
bool incoming_begin(struct incoming *incoming, const char *where, char *why, size_t why_size);
// Waits until somebody comes. NULL: `why`.
struct readable *incoming_next(struct incoming *incoming, char *why, size_t why_size);
// The machine is here: whether the other side gives it away. False: `why`; it is not ours.
bool incoming_agree(struct incoming *incoming, char *why, size_t why_size);
// Who came had no machine for us: whether somebody else may come.
bool incoming_goes_on(const struct incoming *incoming);
void incoming_end(struct incoming *incoming);

#endif
