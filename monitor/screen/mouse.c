// mouse_move, mouse_button: what a person would do with the mouse.
#include "devices/input/ps2.h"
#include "monitor/screen/type.h"
#include <stdlib.h>
#include <string.h>

static bool has_mouse(struct monitor *monitor, const char *command) {
    const struct ps2 *ps2 = look_part(&monitor->look, "ps2", 0);
    return (ps2 && ps2->has_mouse) ||
           monitor_error(monitor, "%s: there is no mouse without a display (-vga std)", command);
}

static bool take_number(const char **arguments, long *value) {
    char *end;
    *value = strtol(*arguments, &end, 0);
    if (end == *arguments || (*end && *end != ' ')) return false;
    *arguments = end + strspn(end, " ");
    return true;
}

bool command_mouse_move(struct monitor *monitor, const char *arguments) {
    long x, y, z = 0;
    if (!take_number(&arguments, &x) || !take_number(&arguments, &y) ||
        (*arguments && (!take_number(&arguments, &z) || *arguments)))
        return monitor_error(monitor, "mouse_move where? mouse_move RIGHT DOWN [WHEEL]");
    if (x < INT16_MIN || x > INT16_MAX || y < INT16_MIN || y > INT16_MAX || z < INT8_MIN || z > INT8_MAX)
        return monitor_error(monitor, "mouse_move: too far at once");
    const struct pointer_event event = {(int16_t)x, (int16_t)y, (int8_t)z, monitor->run->mouse_buttons, {0, 0}};
    return has_mouse(monitor, "mouse_move") && type_offer(monitor, "mouse_move", INPUT_POINTER, &event, sizeof event);
}

// As QEMU has them: 1 left, 2 middle, 4 right.
bool command_mouse_button(struct monitor *monitor, const char *arguments) {
    long state;
    if (!take_number(&arguments, &state) || *arguments || state < 0 || state > 7)
        return monitor_error(monitor, "mouse_button what? mouse_button 0 to 7: 1 left, 2 middle, 4 right, added up");
    monitor->run->mouse_buttons =
        (uint8_t)((state & 1 ? POINTER_LEFT : 0) | (state & 2 ? POINTER_MIDDLE : 0) | (state & 4 ? POINTER_RIGHT : 0));
    const struct pointer_event event = {.buttons = monitor->run->mouse_buttons};
    return has_mouse(monitor, "mouse_button") &&
           type_offer(monitor, "mouse_button", INPUT_POINTER, &event, sizeof event);
}
