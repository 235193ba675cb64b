// Executes a program where no filter of system calls can be had, as in some containers: tool_unfiltered PROGRAM
// ARGUMENT... It does so by a filter, which refuses further ones.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIELD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

int main(int argc, char **argv) {
    struct sock_filter code[] = {
        FIELD(nr),      UNLESS(SYS_seccomp, 1),    RETURN(SECCOMP_RET_ERRNO | ENOSYS), UNLESS(SYS_prctl, 3),
        FIELD(args[0]), UNLESS(PR_SET_SECCOMP, 1), RETURN(SECCOMP_RET_ERRNO | EINVAL), RETURN(SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof code / sizeof *code, code};
    if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return 126;
    execv(argv[1], argv + 1);
    return 127;
}
