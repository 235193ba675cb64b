// Runs an emulator and takes the processor time, in user mode, of each program that its guest runs between the lines
// `@begin NAME LIMIT` and `@end NAME STATUS` on the serial port:
//
//     meter FILE SERIAL COMMAND...
//
// SERIAL is a named pipe that the emulator writes to, or `-` for its standard output. A line of FILE is NAME,
// microseconds, STATUS and the program's last line; or NAME and `over` when the program took more than LIMIT seconds:
// that ends the emulator. `@done` ends it too. A line `@lost NAME` tells of a program that was running when the
// emulator ended.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct meter {
    FILE *out;
    pid_t child;
    char name[64], last[200];
    long long begun, limit; // microseconds of processor time; begun < 0: no program runs
    time_t heard;
};

// Of the process and all its threads.
static long long user_time(pid_t pid) {
    char path[64], text[1024] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f) return -1;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    const char *after = strrchr(text, ')');
    unsigned long long ticks = 0;
    if (!after || sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu", &ticks) != 1) return -1;
    return (long long)ticks * 1000000 / sysconf(_SC_CLK_TCK);
}

// Without what moves a cursor, and what stands before it.
static const char *plain(const char *line) {
    const char *escape;
    while ((escape = strrchr(line, '\033'))) {
        const char *end = escape + 1 + strspn(escape + 1, "[0123456789;?");
        line = *end ? end + 1 : end;
    }
    return line;
}

static void line_seen(struct meter *m, const char *line) {
    char name[64];
    int number = 0;
    line = plain(line);
    m->heard = time(NULL);
    if (sscanf(line, "@begin %63s %d", name, &number) == 2) {
        snprintf(m->name, sizeof m->name, "%s", name);
        m->begun = user_time(m->child);
        m->limit = number * 1000000ll;
        m->last[0] = 0;
    } else if (sscanf(line, "@end %63s %d", name, &number) == 2) {
        fprintf(m->out, "%s\t%lld\t%d\t%s\n", name, user_time(m->child) - m->begun, number, m->last);
        m->begun = -1;
    } else if (!strncmp(line, "@done", 5)) {
        kill(m->child, SIGTERM);
    } else if (*line) {
        snprintf(m->last, sizeof m->last, "%.199s", line);
    }
}

// A process of its own session whose terminal is ours.
static pid_t start(char **command, int terminal) {
    pid_t child = fork();
    if (child) return child;
    setsid();
    int fd = open(ptsname(terminal), O_RDWR);
    for (int i = 0; i < 3; i++) dup2(fd, i);
    setenv("TERM", "xterm", 1);
    execvp(command[0], command);
    _exit(127);
}

static void watch(struct meter *m, int terminal, int serial) {
    static char line[4096];
    size_t length = 0;
    struct pollfd fds[2] = {{.fd = terminal, .events = POLLIN}, {.fd = serial, .events = POLLIN}};
    for (;;) {
        char bytes[4096];
        poll(fds, serial == terminal ? 1 : 2, 200);
        ssize_t n = read(serial, bytes, sizeof bytes);
        if (serial != terminal && read(terminal, (char[4096]){0}, 4096) == 0) return;
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] != '\n' && bytes[i] != '\r' && length + 1 < sizeof line) {
                line[length++] = bytes[i];
                continue;
            }
            line[length] = 0;
            if (length) line_seen(m, line);
            length = 0;
        }
        bool over = m->begun >= 0 && user_time(m->child) - m->begun > m->limit;
        if (over) fprintf(m->out, "%s\tover\n", m->name);
        if (over) m->begun = -1;
        if (over || time(NULL) - m->heard > 900) kill(m->child, SIGKILL);
        if (waitpid(m->child, NULL, WNOHANG) == m->child) return;
    }
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    struct meter m = {.out = fopen(argv[1], "w"), .begun = -1, .heard = time(NULL)};
    bool apart = strcmp(argv[2], "-");
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), serial = terminal;
    if (!m.out || terminal < 0 || grantpt(terminal) || unlockpt(terminal)) return 2;
    if (apart) serial = open(argv[2], O_RDONLY | O_NONBLOCK);
    if (serial < 0) return 2;
    int held = open(ptsname(terminal), O_RDWR | O_NOCTTY); // reading is never at an end while the emulator starts
    m.child = start(argv + 3, terminal);
    watch(&m, terminal, serial);
    if (m.begun >= 0) fprintf(m.out, "%s\tlost\n", m.name);
    close(held);
    return fclose(m.out) != 0;
}
