// The words that two processes say to each other when a machine goes from one to the other over a socket. The one
// that has it sends the machine; the other one says HAVE when all of it is there and right; GO: it is yours; GONE: it
// runs here. A machine never runs on both sides: without HAVE it goes on where it was, without GO the other one ends.
#ifndef MONITOR_MIGRATE_H
#define MONITOR_MIGRATE_H

enum { MIGRATE_WORD = 8, MIGRATE_HAVE_MS = 60000, MIGRATE_GO_MS = 60000, MIGRATE_GONE_MS = 10000 };
#define MIGRATE_HAVE "vmx-HAVE"
#define MIGRATE_GO "vmx---GO"
#define MIGRATE_GONE "vmx-GONE"

#endif
