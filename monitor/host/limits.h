// Limits that the host sets to the process, where they are too narrow for it to say anything later.
#ifndef MONITOR_LIMITS_H
#define MONITOR_LIMITS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// False after one line on stderr.
bool limits_fit(size_t stack_bytes);
// What the host has, or what the process may have when that is less.
uint64_t limits_memory_bytes(void);

// Whether a server of windows is named in the environment: X, Wayland.
bool limits_has_windows(void);
// Without a session's bus, D-Bus's library, which SDL has, would start dbus-launch to have one: it does not from here on.
void limits_refuse_launch(void);

#endif
