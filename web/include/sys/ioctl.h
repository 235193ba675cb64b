// There is no terminal, so it has no size.
#ifndef WEB_SYS_IOCTL_H
#define WEB_SYS_IOCTL_H
#define TIOCGWINSZ 0x5413
struct winsize {
    unsigned short ws_row, ws_col;
};
static inline int ioctl(int fd, int request, struct winsize *size) { return (void)fd, (void)request, (void)size, -1; }
#endif
