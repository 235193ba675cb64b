// How soon a running guest stops: tool_stop signal|socket|gdb TURNS PROGRAM ARGUMENT...
// Lets the guest run, asks for it at random moments (SIGINT; a line to the monitor's socket; an interrupt from gdb),
// and waits for the answer. Printed are the median and the worst of the milliseconds that passed, and of those that the
// program spent on a processor meanwhile, which are the same however busy the host is.
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char path[64]; // of the socket
static pid_t pid;
static int from, to; // what the program says, and is told

static void give_up(const char *why) {
    printf("gave up: %s\n", why);
    kill(pid, SIGKILL);
    exit(1);
}

static double wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static double processor_ms(void) {
    struct timespec t;
    clockid_t clock;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) give_up("the program has gone");
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void start(char **program, const char *option, const char *place) {
    int in[2], out[2], count = 0;
    char *arguments[40];
    while (program[count] && count < 30) arguments[count] = program[count], count++;
    arguments[count++] = (char *)option;
    arguments[count++] = (char *)place;
    arguments[count] = NULL;
    if (pipe(in) != 0 || pipe(out) != 0) exit(1);
    pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        close(in[1]);
        close(out[0]);
        execv(*arguments, arguments);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    from = out[0];
    to = in[1];
}

static void come(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    for (unsigned turn = 0; turn < 3000; turn++) {
        int s = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(s, (struct sockaddr *)&address, sizeof address) == 0) {
            from = to = s;
            return;
        }
        close(s);
        usleep(10000);
    }
    give_up("there is no socket");
}

static void say(const char *text) {
    if (write(to, text, strlen(text)) < 0) give_up("it listens no more");
}

static void hear(const char *wanted) {
    static char heard[1 << 16];
    size_t used = 0;
    while (used < sizeof heard - 1) {
        ssize_t got = read(from, heard + used, 1);
        if (got <= 0) break;
        heard[++used] = '\0';
        size_t length = strlen(wanted);
        if (used >= length && memcmp(heard + used - length, wanted, length) == 0) return;
    }
    give_up(heard);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

enum way { BY_SIGNAL, BY_SOCKET, BY_GDB };

// A pipe is given no prompt before its next line.
static void ask(enum way way) {
    if (way == BY_SIGNAL) {
        kill(pid, SIGINT);
        hear("Interrupted.");
    } else if (way == BY_SOCKET) {
        say("print 1\n");
        hear("Interrupted.");
    } else {
        say("\003");
        hear("$T02");
    }
}

static void rest(enum way way) {
    static unsigned answers = 1;
    char text[40];
    snprintf(text, sizeof text, "$%u = ", answers);
    if (way == BY_SOCKET) hear(text), answers++;
    if (way == BY_SOCKET) hear("(vmxray) ");
    if (way == BY_GDB) hear("#"), say("+");
}

int main(int argc, char **argv) {
    static double wall[1000], processor[1000];
    if (argc < 5) return 2;
    enum way way = strcmp(argv[1], "signal") == 0 ? BY_SIGNAL : strcmp(argv[1], "socket") == 0 ? BY_SOCKET : BY_GDB;
    unsigned turns = (unsigned)atoi(argv[2]);
    uint64_t seed = 88172645463325252ull + (uint64_t)way;
    char place[80];
    alarm(100);
    snprintf(path, sizeof path, "/tmp/tool-stop-%d", (int)getpid());
    snprintf(place, sizeof place, "unix:%s", path);
    start(argv + 3, way == BY_GDB ? "-gdb" : "-monitor", way == BY_SIGNAL ? "stdio" : place);
    if (way != BY_SIGNAL) come();
    if (way == BY_SOCKET) hear("(vmxray) ");
    for (unsigned i = 0; i < turns && i < 1000; i++) {
        say(way == BY_GDB ? "$c#63" : "continue\n");
        if (way == BY_SIGNAL) hear("(vmxray) continue\n"); // from here on SIGINT asks for the monitor
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        usleep(20000 + (useconds_t)(seed % 30000));
        processor[i] = processor_ms();
        wall[i] = wall_ms();
        ask(way);
        wall[i] = wall_ms() - wall[i];
        processor[i] = processor_ms() - processor[i];
        rest(way);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    unlink(path);
    qsort(wall, turns, sizeof *wall, by_size);
    qsort(processor, turns, sizeof *processor, by_size);
    printf("median %.1f worst %.1f on a processor median %.1f worst %.1f\n", wall[turns / 2], wall[turns - 1],
           processor[turns / 2], processor[turns - 1]);
    return 0;
}
