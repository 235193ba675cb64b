// A shell with job control, on a pseudo-terminal of its own: tool_job SIGNAL PROGRAM ARGUMENT...
// The program is stopped by SIGTSTP twice and by SIGSTOP once, and continued; then it gets the signal. Printed as
// claims: that the terminal is as it was before the program while that is stopped by SIGTSTP and after its end, that
// the program's settings are back when it goes on, and how it ended.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static struct termios before, during;
static char what[64];

static void claim(bool right, const char *name) {
    printf("%s %s: %s\n", right ? "ok" : "not ok", what, name);
    fflush(stdout);
}

static bool are(const struct termios *wanted) {
    struct termios now;
    return tcgetattr(STDIN_FILENO, &now) == 0 && now.c_lflag == wanted->c_lflag && now.c_iflag == wanted->c_iflag &&
           now.c_oflag == wanted->c_oflag && now.c_cflag == wanted->c_cflag;
}

static bool become(const struct termios *wanted, bool same) {
    for (unsigned turn = 0; turn < 3000 && are(wanted) != same; turn++) usleep(10000);
    return are(wanted) == same;
}

static bool sleeps(pid_t pid) {
    char path[64], state = 'R';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'R';
    if (file) fclose(file);
    return state == 'S';
}

// It waits for something, and its settings stay: an editor makes several.
static bool settle(pid_t pid) {
    unsigned calm = 0;
    for (unsigned turn = 0; turn < 600 && calm < 5; turn++) {
        calm = sleeps(pid) && are(&during) ? calm + 1 : 0;
        tcgetattr(STDIN_FILENO, &during);
        usleep(50000);
    }
    return calm == 5;
}

static pid_t start(char **program) {
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        tcsetpgrp(STDIN_FILENO, getpgrp());
        signal(SIGTTOU, SIG_DFL);
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        dup2(STDIN_FILENO, STDOUT_FILENO);
        execv(*program, program);
        _exit(127);
    }
    setpgid(pid, pid);
    return pid;
}

static void stop(pid_t pid, int number) {
    int status;
    kill(pid, number);
    claim(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == number,
          number == SIGTSTP ? "SIGTSTP stops it" : "SIGSTOP stops it");
    if (number == SIGTSTP) claim(are(&before), "the terminal is as it was before");
    tcsetpgrp(STDIN_FILENO, getpgrp());
    tcsetattr(STDIN_FILENO, TCSANOW, &before); // as a shell does
    usleep(20000);
    tcsetpgrp(STDIN_FILENO, pid);
    kill(-pid, SIGCONT);
    claim(become(&during, true), "continued, it has its own settings again");
}

static int shell(int number, char **program) {
    int status;
    signal(SIGTTOU, SIG_IGN);
    tcgetattr(STDIN_FILENO, &before);
    pid_t pid = start(program);
    snprintf(what, sizeof what, "SIG%s%s", sigabbrev_np(number), program[3] ? " at the prompt" : "");
    claim(become(&before, false) && settle(pid), "the program has settings of its own");
    stop(pid, SIGTSTP);
    stop(pid, SIGTSTP);
    stop(pid, SIGSTOP);
    kill(pid, number);
    bool ended = waitpid(pid, &status, 0) == pid;
    claim(ended && WIFSIGNALED(status) && WTERMSIG(status) == number, "ends it");
    claim(are(&before), "the terminal is as it was before, in the end");
    return 0;
}

int main(int argc, char **argv) {
    char bytes[4096];
    int status, master = posix_openpt(O_RDWR | O_NOCTTY);
    if (argc < 3 || master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) return 2;
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        int slave = open(ptsname(master), O_RDWR);
        dup2(slave, STDIN_FILENO);
        close(slave);
        close(master);
        return shell(atoi(argv[1]), argv + 2);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        struct pollfd screen = {master, POLLIN, 0};
        if (poll(&screen, 1, 100) > 0 && read(master, bytes, sizeof bytes) < 0) usleep(10000);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
