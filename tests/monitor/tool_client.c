// A client of a socket, for scripts: tool_client PATH|PORT [idle|quiet|deaf]
// Standard input goes to the socket, what the socket says to standard output, until the other side closes or both have
// ended. `idle`: comes and says nothing. `quiet`: says nothing after standard input. `deaf`: sends that and never reads.
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *where) {
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool is_port = where[strspn(where, "0123456789")] == '\0';
    port.sin_port = htons((uint16_t)atoi(where));
    snprintf(path.sun_path, sizeof path.sun_path, "%s", where);
    const struct sockaddr *address = is_port ? (const struct sockaddr *)&port : (const struct sockaddr *)&path;
    for (unsigned turn = 0; turn < 3000; turn++) {
        int s = socket(is_port ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
        if (connect(s, address, is_port ? sizeof port : sizeof path) == 0) return s;
        close(s);
        usleep(10000);
    }
    return -1;
}

// False: `from` has ended.
static bool move(int from, int to) {
    char bytes[65536];
    ssize_t got = read(from, bytes, sizeof bytes), sent = 0;
    while (got > sent) {
        ssize_t n = write(to, bytes + sent, (size_t)(got - sent));
        if (n <= 0) return false;
        sent += n;
    }
    return got > 0;
}

int main(int argc, char **argv) {
    int s = argc > 1 ? connect_to(argv[1]) : -1;
    const char *manner = argc > 2 ? argv[2] : "";
    bool idle = strcmp(manner, "idle") == 0, deaf = strcmp(manner, "deaf") == 0, quiet = strcmp(manner, "quiet") == 0;
    if (s < 0) return 1;
    struct pollfd fds[2] = {{idle ? -1 : STDIN_FILENO, POLLIN, 0}, {s, deaf || idle ? 0 : POLLIN, 0}};
    while (poll(fds, 2, -1) >= 0) {
        if (fds[0].revents && !move(STDIN_FILENO, s)) {
            fds[0].fd = -1;
            if (!deaf && !quiet) shutdown(s, SHUT_WR);
        }
        bool gone = (deaf || idle) && fds[1].revents & (POLLHUP | POLLERR);
        if (gone || (fds[1].revents & (POLLIN | POLLHUP) && !move(s, STDOUT_FILENO))) return 0;
    }
    return 1;
}
