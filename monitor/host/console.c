// Where the guest's serial ports and debug console write to. What the guest writes is its own affair: it goes out as it
// is.
#include "monitor/host/console.h"
#include "monitor/files/files.h"
#include "monitor/host/status.h"

static void flush(struct console_output *output) {
    if (!output->to || !written_has(output->to)) return;
    progress_clear(output->progress);
    (void)written_flush(output->to);
}

static void put(void *context, uint8_t byte) {
    struct console_output *output = context;
    if (*output->silent) return;
    output->in_line = byte != '\n';
    if (!output->to) return;
    (void)written_put(output->to, &byte, 1);
    if (written_is_full(output->to)) flush(output);
}

static struct character_back back_end(struct console_output *output) {
    return (struct character_back){output, output ? put : NULL};
}

void console_connect(struct console *console, struct machine_config *config) {
    for (unsigned port = 0; port < MACHINE_SERIAL_PORTS; port++) config->serial[port] = back_end(console->serial[port]);
    config->debug_console = back_end(console->debug);
}

static struct console_output *plan_channel(struct console *console, const struct channel *channel) {
    if (channel->kind == CHANNEL_STDIO) return &console->output[0];
    if (channel->kind != CHANNEL_FILE) return NULL;
    struct console_output *output = &console->output[console->outputs++];
    output->path = channel->path;
    return output;
}

void console_plan(struct console *console, const struct console_wish *wish) {
    *console = (struct console){.outputs = 1, .stdin_port = -1, .output[0].to = written_output()};
    for (unsigned port = 0; port < wish->serial_ports; port++) {
        console->serial[port] = plan_channel(console, &wish->serial[port]);
        if (wish->serial[port].kind == CHANNEL_STDIO && wish->keys) console->stdin_port = (int)port;
    }
    console->debug = plan_channel(console, &wish->debug);
    for (unsigned i = 0; i < CONSOLE_OUTPUTS; i++) console->output[i].silent = &console->silent;
}

bool console_uses_output(const struct console *console) {
    bool uses = console->debug == &console->output[0];
    for (unsigned port = 0; port < MACHINE_SERIAL_PORTS; port++) uses |= console->serial[port] == &console->output[0];
    return uses;
}

bool console_open(struct console *console) {
    for (unsigned i = 1; i < console->outputs; i++) {
        struct console_output *output = &console->output[i];
        output->to = written_open(output->path, WRITTEN_BYTES);
        if (!output->to) return complain("%s: %s", output->path, files_why());
    }
    return true;
}

bool console_flush(struct console *console) {
    bool fine = true;
    for (unsigned i = 0; i < console->outputs; i++) {
        flush(&console->output[i]);
        fine &= !console->output[i].to || !written_is_broken(console->output[i].to);
    }
    return fine;
}

bool console_is_broken(const struct console *console) {
    const struct written *to = console->output[0].to;
    return to && written_is_broken(to);
}

void console_close(struct console *console) {
    console_flush(console);
    for (unsigned i = 1; i < console->outputs; i++)
        if (console->output[i].to) (void)written_close(console->output[i].to, NULL, 0);
    console->outputs = 1;
}
