// Where the guest's serial ports and debug console write to.
#include "monitor/host/console.h"
#include "monitor/host/status.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

// Our stdout may be a non-blocking pipe or terminal that somebody else made so: wait for it.
static bool write_all(struct console_output *output) {
    for (size_t done = 0; done < output->used;) {
        ssize_t wrote = write(output->fd, output->buffer + done, output->used - done);
        if (wrote > 0)
            done += (size_t)wrote;
        else if (wrote < 0 && errno == EAGAIN)
            poll(&(struct pollfd){output->fd, POLLOUT, 0}, 1, -1);
        else if (wrote < 0 && errno != EINTR)
            return false;
    }
    return true;
}

static void flush(struct console_output *output) {
    if (output->used) progress_clear(output->progress);
    if (output->used && output->fd >= 0 && !output->broken && !write_all(output)) {
        output->broken = true;
        if (errno != EPIPE) complain("%s: cannot be written: %s", output->name, strerror(errno));
    }
    output->used = 0;
}

static void put(void *context, uint8_t byte) {
    struct console_output *output = context;
    output->buffer[output->used++] = byte;
    output->in_line = byte != '\n';
    if (output->used == sizeof output->buffer) flush(output);
}

static struct character_back back_end(struct console_output *output) {
    return (struct character_back){output, output ? put : NULL};
}

void console_connect(struct console *console, struct machine_config *config) {
    for (unsigned port = 0; port < MACHINE_SERIAL_PORTS; port++) config->serial[port] = back_end(console->serial[port]);
    config->debug_console = back_end(console->debug);
}

static bool open_channel(struct console *console, const struct channel *channel, struct console_output **output) {
    *output = channel->kind == CHANNEL_STDIO ? &console->output[0] : NULL;
    if (channel->kind != CHANNEL_FILE) return true;
    int fd = open(channel->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return complain("%s: cannot be opened for writing: %s", channel->path, strerror(errno));
    *output = &console->output[console->outputs++];
    (*output)->fd = fd;
    (*output)->name = channel->path;
    return true;
}

bool console_open(struct console *console, const struct console_wish *wish) {
    *console = (struct console){.outputs = 1, .stdin_port = -1};
    console->output[0].fd = STDOUT_FILENO;
    console->output[0].name = "standard output";
    for (unsigned port = 0; port < wish->serial_ports; port++) {
        if (!open_channel(console, &wish->serial[port], &console->serial[port])) return false;
        if (wish->serial[port].kind == CHANNEL_STDIO && wish->keys) console->stdin_port = (int)port;
    }
    return open_channel(console, &wish->debug, &console->debug);
}

bool console_flush(struct console *console) {
    bool fine = true;
    for (unsigned i = 0; i < console->outputs; i++) {
        flush(&console->output[i]);
        fine &= !console->output[i].broken;
    }
    return fine;
}

void console_close(struct console *console) {
    console_flush(console);
    for (unsigned i = 1; i < console->outputs; i++) close(console->output[i].fd);
    console->outputs = 1;
}
