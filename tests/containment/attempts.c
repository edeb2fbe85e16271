/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define IO_URING_SETUP 425 /* the same on every architecture */
#define PAGE           4096

static int said(long result)
{
    return result < 0 ? errno : 0;
}

/* Closes what it was given. */
static int said_fd(int fd)
{
    int error = said(fd);

    if (fd >= 0)
        close(fd);
    return error;
}

/* ---- files ---- */

static int read_secret(const struct probe_targets *t)
{
    return said_fd(open(t->secret, O_RDONLY | O_CLOEXEC));
}

static int read_shadow(const struct probe_targets *t)
{
    (void)t;
    return said_fd(open("/etc/shadow", O_RDONLY | O_CLOEXEC));
}

static int read_memory(const struct probe_targets *t)
{
    (void)t;
    return said_fd(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
}

static int list_root(const struct probe_targets *t)
{
    (void)t;
    return said_fd(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int make(const char *path)
{
    int error = said_fd(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

    if (error == 0)
        unlink(path);
    return error;
}

static int write_foreign(const struct probe_targets *t)
{
    return make(t->foreign_new);
}

static int write_own(const struct probe_targets *t)
{
    return make(t->own_new);
}

/* ---- keys that are the steward's ---- */

static int write_state(const struct probe_targets *t)
{
    return make(t->state_new);
}

static int read_ca_key(const struct probe_targets *t)
{
    return said_fd(open(t->ca_key, O_RDONLY | O_CLOEXEC));
}

static int read_root_key(const struct probe_targets *t)
{
    return said_fd(open(t->root_key, O_RDONLY | O_CLOEXEC));
}

static int read_admin_key(const struct probe_targets *t)
{
    return said_fd(open(t->admin_key, O_RDONLY | O_CLOEXEC));
}

static int list_ca(const struct probe_targets *t)
{
    return said_fd(open(t->ca_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* Into a folder where everything can be read; and back where that is possible. */
static int link_ca_key(const struct probe_targets *t)
{
    int error = said(link(t->ca_key, t->stolen));

    if (error == 0)
        unlink(t->stolen);
    return error;
}

static int move_ca_key(const struct probe_targets *t)
{
    int error = said(rename(t->ca_key, t->stolen));

    if (error == 0 && rename(t->stolen, t->ca_key) != 0)
        return ENOTRECOVERABLE;
    return error;
}

/* ---- processes ---- */

/* In a child where one can be had: a program that starts would take the place of this one. */
static int start_program(const struct probe_targets *t)
{
    static char name[] = "true";
    char *const arguments[] = { name, NULL };
    char *const environment[] = { NULL };
    int status = 0;
    pid_t child = _Fork();

    (void)t;
    if (child > 0)
        return waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : errno;
    execve("/bin/true", arguments, environment);
    int error = errno;
    if (child == 0)
        _exit(error);
    return error;
}

static int start_process(const struct probe_targets *t)
{
    pid_t child = _Fork();

    (void)t;
    if (child == 0)
        _exit(0);
    return child > 0 ? said(waitpid(child, NULL, 0)) : errno;
}

static int trace(const struct probe_targets *t)
{
    if (ptrace(PTRACE_SEIZE, t->victim, NULL, NULL) != 0)
        return errno;
    ptrace(PTRACE_DETACH, t->victim, NULL, NULL);
    return 0;
}

static int read_process(const struct probe_targets *t)
{
    char byte;
    struct iovec here = { &byte, 1 };
    struct iovec there = { &byte, 1 };

    return said(process_vm_readv(t->victim, &here, 1, &there, 1, 0));
}

static int signal_process(const struct probe_targets *t)
{
    return said(kill(t->victim, 0));
}

/* ---- the network ---- */

static struct sockaddr_in place(const struct probe_targets *t)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)t->port),
                                 .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static int connect_out(const struct probe_targets *t)
{
    const struct sockaddr_in there = place(t);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    int error = said(connect(fd, (const struct sockaddr *)&there, sizeof(there)));
    close(fd);
    return error;
}

static int connect_by_sending(const struct probe_targets *t)
{
    const struct sockaddr_in there = place(t);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    int error = said(sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
                            (const struct sockaddr *)&there, sizeof(there)));
    close(fd);
    return error;
}

static int connect_unix(const struct probe_targets *t)
{
    struct sockaddr_un there = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    memcpy(there.sun_path, t->socket, sizeof(there.sun_path) - 1);
    int error = said(connect(fd, (const struct sockaddr *)&there, sizeof(there)));
    close(fd);
    return error;
}

static int send_datagram(const struct probe_targets *t)
{
    const struct sockaddr_in there = place(t);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    int error = said(sendto(fd, "x", 1, 0, (const struct sockaddr *)&there, sizeof(there)));
    close(fd);
    return error;
}

/* ---- memory ---- */

static int map(int protection, void **out)
{
    *out = mmap(NULL, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return *out == MAP_FAILED ? errno : 0;
}

static int map_code(const struct probe_targets *t)
{
    void *page;
    int error = map(PROT_READ | PROT_WRITE | PROT_EXEC, &page);

    (void)t;
    if (error == 0)
        munmap(page, PAGE);
    return error;
}

static int make_code(const struct probe_targets *t)
{
    void *page;
    int error = map(PROT_READ | PROT_WRITE, &page);

    (void)t;
    if (error != 0)
        return error;
    error = said(mprotect(page, PAGE, PROT_READ | PROT_EXEC));
    munmap(page, PAGE);
    return error;
}

/* ---- the kernel ---- */

static int io_uring(const struct probe_targets *t)
{
    char parameters[120] = { 0 };

    (void)t;
    return said_fd((int)syscall(IO_URING_SETUP, 1, parameters));
}

static int load_program(const struct probe_targets *t)
{
    (void)t;
    return said(syscall(SYS_bpf, 0, NULL, 0));
}

static int keyring(const struct probe_targets *t)
{
    (void)t;
    return said(syscall(SYS_keyctl, 0, -3, 0, 0, 0));
}

static int page_faults(const struct probe_targets *t)
{
    (void)t;
    return said_fd((int)syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int namespaces(const struct probe_targets *t)
{
    (void)t;
    return said(unshare(CLONE_NEWUSER));
}

static int become_root(const struct probe_targets *t)
{
    (void)t;
    return said(syscall(SYS_setuid, 0));
}

const struct probe_row probe_rows[] = {
    { "read-secret", read_secret },
    { "read-shadow", read_shadow },
    { "read-memory", read_memory },
    { "list-root", list_root },
    { "write-foreign", write_foreign },
    { "write-own", write_own },
    { "write-state", write_state },
    { "read-ca-key", read_ca_key },
    { "read-root-key", read_root_key },
    { "read-admin-key", read_admin_key },
    { "list-ca", list_ca },
    { "link-ca-key", link_ca_key },
    { "move-ca-key", move_ca_key },
    { "exec", start_program },
    { "fork", start_process },
    { "ptrace", trace },
    { "read-process", read_process },
    { "signal", signal_process },
    { "connect", connect_out },
    { "connect-fast-open", connect_by_sending },
    { "connect-unix", connect_unix },
    { "datagram", send_datagram },
    { "map-code", map_code },
    { "make-code", make_code },
    { "io-uring", io_uring },
    { "bpf", load_program },
    { "keyctl", keyring },
    { "userfaultfd", page_faults },
    { "namespaces", namespaces },
    { "setuid", become_root },
    { NULL, NULL },
};
