// A connection that breaks: tool_cut FROM TO FORTH BACK
//
// Waits for one client at the Unix socket FROM, connects to the one at TO, hands on FORTH bytes there and BACK bytes
// back, and closes both as soon as either of them sends more. -1: any number.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un place(const char *path) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    return a;
}

// What has come, as far as it may. False: no more, or there is no more.
static int hand_on(int from, int to, long long *left) {
    char bytes[4096];
    ssize_t got = read(from, bytes, sizeof bytes);
    if (got <= 0) return 0;
    size_t may = *left < 0 || *left > got ? (size_t)got : (size_t)*left;
    if (may && write(to, bytes, may) != (ssize_t)may) return 0;
    if (*left >= 0) *left -= (long long)may;
    return may == (size_t)got;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    char early[200];
    snprintf(early, sizeof early, "%s.early", argv[1]); // it has its name when clients may come
    struct sockaddr_un from = place(early), to = place(argv[2]);
    long long forth = atoll(argv[3]), back = atoll(argv[4]);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), out = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&from, sizeof from) || listen(listener, 1) || rename(early, argv[1]))
        return 1;
    int in = accept(listener, NULL, NULL);
    for (int i = 0; connect(out, (struct sockaddr *)&to, sizeof to) && i < 500; i++) usleep(10000);
    struct pollfd ends[2] = {{.fd = in, .events = POLLIN}, {.fd = out, .events = POLLIN}};
    while (poll(ends, 2, -1) > 0) {
        if (ends[0].revents && !hand_on(in, out, &forth)) break;
        if (ends[1].revents && !hand_on(out, in, &back)) break;
    }
    return 0;
}
