/* SPDX-License-Identifier: Apache-2.0 */
/* Each case confines a child of its own, which says by its exit code what it was refused. */
#include "confine/confine.h"

#include "confine/build.h"
#include "confine/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct stand {
    char folder[64]; /* with own/ and foreign/ in it */
    char own[96];
    char foreign[96];
};

static int make_stand(void **state)
{
    struct stand *stand = calloc(1, sizeof(*stand));

    assert_non_null(stand);
    (void)snprintf(stand->folder, sizeof(stand->folder), "/tmp/tacit-confine-XXXXXX");
    assert_non_null(mkdtemp(stand->folder));
    (void)snprintf(stand->own, sizeof(stand->own), "%s/own", stand->folder);
    (void)snprintf(stand->foreign, sizeof(stand->foreign), "%s/foreign", stand->folder);
    assert_int_equal(mkdir(stand->own, 0700), 0);
    assert_int_equal(mkdir(stand->foreign, 0700), 0);
    *state = stand;
    return 0;
}

static int remove_stand(void **state)
{
    struct stand *stand = *state;

    rmdir(stand->own);
    rmdir(stand->foreign);
    rmdir(stand->folder);
    free(stand);
    return 0;
}

/* 0: it was allowed; else the errno with which it was refused. */
typedef int (*attempt)(const struct stand *stand);

static int said(long result)
{
    return result < 0 ? errno : 0;
}

static int make_file(const char *folder)
{
    char path[128];
    char renamed[128];

    (void)snprintf(path, sizeof(path), "%s/x", folder);
    (void)snprintf(renamed, sizeof(renamed), "%s/y", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    bool is_done = write(fd, "a", 1) == 1 && ftruncate(fd, 0) == 0 && fsync(fd) == 0
                   && rename(path, renamed) == 0 && unlink(renamed) == 0;
    int status = is_done ? 0 : errno;
    close(fd);
    return status;
}

static int own_file(const struct stand *stand)
{
    return make_file(stand->own);
}

static int foreign_file(const struct stand *stand)
{
    return make_file(stand->foreign);
}

static int foreign_read(const struct stand *stand)
{
    (void)stand;
    return said(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int foreign_list(const struct stand *stand)
{
    return said(open(stand->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int fork_process(const struct stand *stand)
{
    (void)stand;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return said(child);
}

static int start_program(const struct stand *stand)
{
    (void)stand;
    return said(execl("/bin/true", "true", NULL));
}

static int trace_parent(const struct stand *stand)
{
    (void)stand;
    return said(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int signal_parent(const struct stand *stand)
{
    (void)stand;
    return said(kill(getppid(), 0));
}

static int signal_self(const struct stand *stand)
{
    (void)stand;
    return said(kill(getpid(), 0));
}

static struct sockaddr_in a_port_nobody_has(void)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(9),
                                 .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static int connect_out(const struct stand *stand)
{
    const struct sockaddr_in there = a_port_nobody_has();
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)stand;
    return fd < 0 ? ENOTRECOVERABLE
                  : said(connect(fd, (const struct sockaddr *)&there, sizeof(there)));
}

static int send_fast(const struct stand *stand)
{
    const struct sockaddr_in there = a_port_nobody_has();
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)stand;
    return fd < 0 ? ENOTRECOVERABLE
                  : said(sendto(fd, "a", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
                                (const struct sockaddr *)&there, sizeof(there)));
}

static int datagrams(const struct stand *stand)
{
    (void)stand;
    return said(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int netlink(const struct stand *stand)
{
    (void)stand;
    return said(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int listen_here(const struct stand *stand)
{
    const struct sockaddr_in6 here = { .sin6_family = AF_INET6 };
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    (void)stand;
    /* No IPv6 here: it was not refused. */
    if (fd < 0 && errno == EAFNOSUPPORT)
        return 0;
    return fd >= 0 && bind(fd, (const struct sockaddr *)&here, sizeof(here)) == 0
                   && listen(fd, 1) == 0
               ? 0
               : errno;
}

static int executable_memory(const struct stand *stand)
{
    (void)stand;
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? errno : 0;
}

static int executable_later(const struct stand *stand)
{
    (void)stand;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? ENOTRECOVERABLE : said(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int terminal_input(const struct stand *stand)
{
    (void)stand;
    return said(ioctl(STDIN_FILENO, TIOCSTI, "a"));
}

static int raise_limit(const struct stand *stand)
{
    const struct rlimit *none = NULL;

    (void)stand;
    return said(syscall(SYS_prlimit64, getppid(), 7, none, none));
}

static int keys(const struct stand *stand)
{
    (void)stand;
    return said(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static int ring(const struct stand *stand)
{
    (void)stand;
    return said(syscall(425 /* io_uring_setup */, 1, NULL));
}

static int faults(const struct stand *stand)
{
    (void)stand;
    return said(syscall(SYS_userfaultfd, 0));
}

static int handle(const struct stand *stand)
{
    (void)stand;
    return said(syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0));
}

static void *in_thread(void *context)
{
    return open(context, O_RDONLY | O_CLOEXEC) < 0 ? (void *)(intptr_t)errno : NULL;
}

static int later_thread(const struct stand *stand)
{
    pthread_t thread;
    void *result = NULL;

    if (pthread_create(&thread, NULL, in_thread, (void *)(uintptr_t)stand->folder) != 0)
        return ENOTRECOVERABLE;
    return pthread_join(thread, &result) == 0 ? (int)(intptr_t)result : ENOTRECOVERABLE;
}

/* In a child: enters what `plan` says, and tries. */
static int try_confined(const struct stand *stand, const struct confine_plan *plan, attempt what)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        struct confine *confine = NULL;
        struct confine_report report;
        if (confine_prepare(plan, &confine) != 0)
            _exit(254);
        confine_enter(confine, &report);
        _exit(confine_is_whole(&report) ? what(stand) : 253);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool is_possible(void)
{
    struct confine_report here;

    confine_look(&here);
    return confine_is_whole(&here);
}

static void each_attempt(void **state)
{
    const struct stand *stand = *state;
    const struct confine_path paths[] = { { stand->own, CONFINE_WRITE },
                                          { "/none", CONFINE_READ } };
    const struct confine_plan plan = { .paths = paths, .path_count = 2, .has_network = true };
    const struct confine_plan alone = { .paths = paths, .path_count = 2 };
    static const struct {
        const char *name;
        attempt what;
        int error;
    } rows[] = {
        { "a file of its own", own_file, 0 },
        { "a file elsewhere", foreign_file, EACCES },
        { "reading elsewhere", foreign_read, EACCES },
        { "the folder above", foreign_list, EACCES },
        { "from a thread that came later", later_thread, EACCES },
        { "a process", fork_process, EPERM },
        { "a program", start_program, EPERM },
        { "tracing", trace_parent, EPERM },
        { "a signal to another", signal_parent, EPERM },
        { "a signal to itself", signal_self, 0 },
        { "a connection", connect_out, EPERM },
        { "a connection by sending", send_fast, EPERM },
        { "datagrams", datagrams, EPERM },
        { "netlink", netlink, EPERM },
        { "listening", listen_here, 0 },
        { "executable memory", executable_memory, EPERM },
        { "memory that becomes executable", executable_later, EPERM },
        { "input for a terminal", terminal_input, EPERM },
        { "limits of another", raise_limit, EPERM },
        { "keys of the kernel", keys, EPERM },
        { "io_uring", ring, EPERM },
        { "userfaultfd", faults, EPERM },
        { "files by handle", handle, EPERM },
    };

    if (!is_possible())
        skip();
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        int error = try_confined(stand, &plan, rows[i].what);
        if (error != rows[i].error)
            print_error("%s: %s\n", rows[i].name, strerror(error));
        assert_int_equal(error, rows[i].error);
    }
    assert_int_equal(try_confined(stand, &alone, listen_here), EPERM);
}

/* With a PKCS#11 module: nothing but that may be mapped from files, and connect() be called. */
static int map_program(const struct stand *stand)
{
    int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);

    (void)stand;
    if (fd < 0)
        return ENOTRECOVERABLE;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    return page == MAP_FAILED ? errno : 0;
}

static void with_modules(void **state)
{
    const struct stand *stand = *state;
    const struct confine_path paths[] = { { "/usr", CONFINE_READ } };
    const struct confine_plan plan = { paths, 1, .has_network = true, .loads_modules = true };
    const struct confine_plan without = { .paths = paths, .path_count = 1 };
    struct confine_report here;

    if (!is_possible())
        skip();
    confine_look(&here);
    assert_int_equal(try_confined(stand, &plan, map_program), 0);
    assert_int_equal(try_confined(stand, &without, map_program), EPERM);
    assert_int_equal(try_confined(stand, &plan, executable_memory),
                     here.has_memory ? EACCES : EPERM);
    assert_int_equal(try_confined(stand, &plan, executable_later), EPERM);
    if (here.has_network)
        assert_int_equal(try_confined(stand, &plan, connect_out), EACCES);
}

static int ask_covered(const struct stand *stand)
{
    const struct confine_path paths[] = { { stand->own, CONFINE_WRITE },
                                          { "/etc/hostname", CONFINE_READ },
                                          { stand->foreign, CONFINE_SOCKETS } };
    const struct confine_plan plan = { .paths = paths, .path_count = 3 };
    struct confine *confine = NULL;
    struct confine_report report;
    char below[128];
    char beside[128];

    (void)snprintf(below, sizeof(below), "%s/not/there", stand->own);
    (void)snprintf(beside, sizeof(beside), "%s/../own2", stand->own);
    if (confine_prepare(&plan, &confine) != 0)
        return 1;
    confine_enter(confine, &report);
    bool is_right = confine_covers(confine, stand->own, CONFINE_READ)
                    && confine_covers(confine, stand->own, CONFINE_WRITE)
                    && !confine_covers(confine, below, CONFINE_READ)
                    && !confine_covers(confine, beside, CONFINE_READ)
                    && confine_covers(confine, stand->foreign, CONFINE_SOCKETS)
                    && !confine_covers(confine, stand->foreign, CONFINE_READ)
                    && !confine_covers(confine, "/etc/passwd", CONFINE_READ)
                    && !confine_covers(confine, "/", CONFINE_READ);
    confine_free(confine);
    return is_right ? 0 : 2;
}

static void covers(void **state)
{
    int status = 0;

    assert_true(confine_covers(NULL, "/anything", CONFINE_WRITE));
    if (!is_possible())
        skip();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(ask_covered(*state));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void describes(void **state)
{
    static const struct {
        struct confine_report report;
        const char *text;
        bool is_whole;
    } rows[] = {
        { { .landlock = 4, .calls = 63 },
          "confined: landlock 4, seccomp 63 calls, no new privileges",
          true },
        { { .calls = 63, .files_error = -ENOSYS },
          "confined in part: files are not (the kernel has no Landlock: Linux 5.13 has), seccomp "
          "63 calls, no new privileges",
          false },
        { { .calls = 63, .files_error = -EOPNOTSUPP },
          "confined in part: files are not (Landlock is switched off: boot with "
          "lsm=landlock,...), seccomp 63 calls, no new privileges",
          false },
        { { .landlock = 1, .calls_error = -EINVAL },
          "confined in part: landlock 1, system calls are not (Invalid argument), no new "
          "privileges",
          false },
        { { .files_error = -EPERM, .calls_error = -EPERM },
          "not confined: files are not (Operation not permitted), system calls are not "
          "(Operation not permitted), no new privileges",
          false },
        { { .is_instrumented = true }, "not confined: a build with instruments", false },
    };
    char text[CONFINE_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        confine_describe(&rows[i].report, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(confine_is_whole(&rows[i].report), rows[i].is_whole);
    }
}

/* What a kernel of that ABI is asked for, none of which a newer one refuses. */
static void every_abi(void **state)
{
    const struct stand *stand = *state;
    int newest = landlock_abi();

    for (int abi = 1; abi <= newest; abi++) {
        int rules = landlock_open(abi, abi % 2 == 0);
        int fd = open(stand->own, O_PATH | O_CLOEXEC);
        int file = open("/dev/null", O_PATH | O_CLOEXEC);
        assert_true(rules >= 0 && fd >= 0 && file >= 0);
        for (int access = CONFINE_READ; access < CONFINE_ACCESS_COUNT; access++)
            assert_int_equal(landlock_allow(rules, abi, fd, (enum confine_access)access), 0);
        assert_int_equal(landlock_allow(rules, abi, file, CONFINE_WRITE), 0);
        assert_int_equal(landlock_allow(rules, abi, file, CONFINE_SOCKETS), -ENOTDIR);
        close(fd);
        close(file);
        close(rules);
    }
}

static void too_many_paths(void **state)
{
    const struct confine_plan plan = { .path_count = 1025 };
    struct confine *confine = NULL;

    (void)state;
    assert_int_equal(confine_prepare(&plan, &confine), -E2BIG);
    confine_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_attempt, make_stand, remove_stand),
        cmocka_unit_test_setup_teardown(with_modules, make_stand, remove_stand),
        cmocka_unit_test_setup_teardown(covers, make_stand, remove_stand),
        cmocka_unit_test(describes),
        cmocka_unit_test_setup_teardown(every_abi, make_stand, remove_stand),
        cmocka_unit_test(too_many_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
