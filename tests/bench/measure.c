// Runs a command and says what it cost, one line on the file named: user and wall time in microseconds, the
// largest resident set in KBytes, system time in microseconds.
//     measure FILE SECONDS COMMAND...
// After SECONDS of wall time the command is ended. The exit status is the command's, 128 and more for a signal.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long microseconds(struct timeval t) { return t.tv_sec * 1000000ll + t.tv_usec; }

int main(int argc, char **argv) {
    if (argc < 4) return 127;
    struct timespec begin, end;
    struct rusage usage;
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    pid_t child = fork();
    if (child == 0) {
        alarm((unsigned)atoi(argv[2])); // survives exec
        execvp(argv[3], argv + 3);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0) return 127;
    clock_gettime(CLOCK_MONOTONIC, &end);
    long long wall = (end.tv_sec - begin.tv_sec) * 1000000ll + (end.tv_nsec - begin.tv_nsec) / 1000;
    FILE *out = fopen(argv[1], "w");
    if (!out) return 127;
    fprintf(out, "%lld %lld %ld %lld\n", microseconds(usage.ru_utime), wall, usage.ru_maxrss,
            microseconds(usage.ru_stime));
    fclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
