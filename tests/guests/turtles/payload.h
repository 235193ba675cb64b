// The innermost guest.
#ifndef PAYLOAD_H
#define PAYLOAD_H
#include "machine.h"

_Noreturn void payload(uint64_t memory_bytes, bool broken);

#endif
