/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into tacitd (LD_PRELOAD): counts the calls with which it keeps its store, lets them
 * fail, wait or take their time, and kills the process at one of them. shim.h says how to ask. */
#include "shim.h"
#include "shim_loss.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

/* Every program that this is loaded into has these. */
#define REAL_LIST(REAL)                                                    \
    REAL(ssize_t, write, (int, const void *, size_t))                      \
    REAL(ssize_t, writev, (int, const struct iovec *, int))                \
    REAL(ssize_t, pwrite, (int, const void *, size_t, off_t))              \
    REAL(ssize_t, pwritev, (int, const struct iovec *, int, off_t))        \
    REAL(int, fdatasync, (int))                                            \
    REAL(int, fsync, (int))                                                \
    REAL(int, fallocate, (int, int, off_t, off_t))                         \
    REAL(int, posix_fallocate, (int, off_t, off_t))                        \
    REAL(int, ftruncate, (int, off_t))                                     \
    REAL(int, open, (const char *, int, ...))                              \
    REAL(int, openat, (int, const char *, int, ...))                       \
    REAL(int, renameat2, (int, const char *, int, const char *, unsigned)) \
    REAL(int, unlinkat, (int, const char *, int))

#define POINTER(result, name, parameters) result(*name) parameters;
static struct {
    REAL_LIST(POINTER)
} real;

static struct shim_control *control;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* What the shim itself does is not looked at. */
static _Thread_local bool is_inside;

__attribute__((constructor)) static void shim_begin(void)
{
    const char *path = getenv(SHIM_ENVIRONMENT);
    void *symbol;

/* A pointer to a function is not a pointer to an object; POSIX wants them to be alike. */
#define FIND(result, name, parameters) \
    symbol = dlsym(RTLD_NEXT, #name);  \
    memcpy(&real.name, &symbol, sizeof(symbol));
    REAL_LIST(FIND)
    if (path == NULL)
        return;
    /* A test that is ended itself leaves nobody behind. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = real.open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        perror(path);
        _exit(127);
    }
    void *memory = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    control = memory != MAP_FAILED ? memory : NULL;
    close(fd);
}

/* ---- whose file is it ---- */

static bool name_is_ours(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;

    return strncmp(name, "log-", 4) == 0 || strncmp(name, "spare-", 6) == 0;
}

static bool path_of(int fd, char out[PATH_MAX])
{
    char link[64];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, out, PATH_MAX - 1);
    out[len > 0 ? len : 0] = '\0';
    return len > 0 && out[0] == '/';
}

static bool is_ours(int fd)
{
    char path[PATH_MAX];

    return control != NULL && !is_inside && path_of(fd, path) && name_is_ours(path);
}

static bool is_our_folder(int fd)
{
    char path[PATH_MAX];
    struct stat facts;

    if (control == NULL || is_inside || !path_of(fd, path))
        return false;
    const char *slash = strrchr(path, '/');
    return strcmp(slash, "/store") == 0 && fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode);
}

/* ---- what happens to a call ---- */

struct call {
    enum shim_class class;
    int error;
    bool dies_in_the_middle;
    bool dies_behind;
};

static _Noreturn void die(void)
{
    is_inside = true;
    if (control->loss != 0)
        loss_apply(control->loss);
    for (;;) {
        kill(getpid(), SIGKILL);
        pause();
    }
}

static uint32_t shared(const uint32_t *field)
{
    return __atomic_load_n(field, __ATOMIC_SEQ_CST);
}

static void add(uint32_t *field, int32_t by)
{
    __atomic_fetch_add(field, (uint32_t)by, __ATOMIC_SEQ_CST);
}

static void wait_as_told(struct shim_rule *rule)
{
    const struct timespec little = { 0, 500000 };
    uint32_t delay_us = shared(&rule->delay_us);

    add(&rule->waiting, 1);
    if (delay_us > 0) {
        const struct timespec long_one = { delay_us / 1000000, (long)(delay_us % 1000000) * 1000 };
        nanosleep(&long_one, NULL);
    }
    while (shared(&rule->is_held) != 0)
        nanosleep(&little, NULL);
    add(&rule->waiting, -1);
}

static int error_as_told(struct shim_rule *rule)
{
    int error = (int)shared(&rule->error);

    if (error == 0)
        return 0;
    if (rule->pass > 0) {
        rule->pass--;
        return 0;
    }
    add(&rule->failed, 1);
    if (rule->times > 0 && --rule->times == 0)
        rule->error = 0;
    return error;
}

/* Everything that comes before the call itself. With the lock from here on. */
static struct call call_begin(enum shim_class class)
{
    struct shim_rule *rule = &control->rules[class];

    add(&rule->seen, 1);
    wait_as_told(rule);
    pthread_mutex_lock(&lock);
    uint32_t number = ++control->calls;
    uint32_t when = control->kill_when;
    bool dies = control->kill_at == number;
    struct call call = { .class = class, .error = error_as_told(rule) };
    if (dies && (when == SHIM_BEFORE || (when == SHIM_MIDDLE && class != SHIM_WRITE)))
        die();
    call.dies_in_the_middle = dies && when == SHIM_MIDDLE;
    call.dies_behind = dies && when == SHIM_AFTER;
    return call;
}

static void call_end(const struct call *call)
{
    if (call->dies_behind)
        die();
    pthread_mutex_unlock(&lock);
}

/* `result` is -1 and errno is set, or it is good. */
static int call_answer(const struct call *call, int result)
{
    int error = errno;

    call_end(call);
    errno = error;
    return result;
}

static int call_refuse(const struct call *call)
{
    errno = call->error;
    return call_answer(call, -1);
}

/* ---- writes ---- */

static size_t length(const struct iovec *pieces, int count)
{
    size_t sum = 0;

    for (int i = 0; i < count; i++)
        sum += pieces[i].iov_len;
    return sum;
}

static void write_half(int fd, const struct iovec *pieces, int count, off_t offset)
{
    size_t left = length(pieces, count) / 2;

    for (int i = 0; i < count && left > 0; i++) {
        size_t len = pieces[i].iov_len < left ? pieces[i].iov_len : left;
        (void)!real.pwrite(fd, pieces[i].iov_base, len, offset);
        offset += (off_t)len;
        left -= len;
    }
}

static ssize_t write_at(int fd, const struct iovec *pieces, int count, off_t offset, bool moves)
{
    struct call call = call_begin(SHIM_WRITE);

    if (call.error != 0)
        return call_refuse(&call);
    if (control->loss != 0)
        loss_note_write(fd, offset, length(pieces, count));
    if (call.dies_in_the_middle) {
        write_half(fd, pieces, count, offset);
        die();
    }
    ssize_t done = moves ? real.writev(fd, pieces, count) : real.pwritev(fd, pieces, count, offset);
    if (done > 0)
        control->rules[SHIM_WRITE].bytes += (uint64_t)done;
    int error = errno;
    call_end(&call);
    errno = error;
    return done;
}

SHOWN ssize_t write(int fd, const void *data, size_t len)
{
    if (!is_ours(fd))
        return real.write(fd, data, len);
    const struct iovec piece = { (void *)(uintptr_t)data, len };
    return write_at(fd, &piece, 1, lseek(fd, 0, SEEK_CUR), true);
}

SHOWN ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    if (!is_ours(fd))
        return real.writev(fd, pieces, count);
    return write_at(fd, pieces, count, lseek(fd, 0, SEEK_CUR), true);
}

SHOWN ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    if (!is_ours(fd))
        return real.pwrite(fd, data, len, offset);
    const struct iovec piece = { (void *)(uintptr_t)data, len };
    return write_at(fd, &piece, 1, offset, false);
}

SHOWN ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    if (!is_ours(fd))
        return real.pwritev(fd, pieces, count, offset);
    return write_at(fd, pieces, count, offset, false);
}

/* ---- syncs ---- */

static uint64_t mark_now(void)
{
    pthread_mutex_lock(&lock);
    uint64_t mark = loss_mark();
    pthread_mutex_unlock(&lock);
    return mark;
}

/* Without the lock while it syncs, or nobody could write meanwhile. */
static int sync_file(int fd, int (*sync)(int))
{
    uint64_t mark = mark_now();
    struct call call = call_begin(SHIM_SYNC);

    if (call.error != 0)
        return call_refuse(&call);
    pthread_mutex_unlock(&lock);
    int result = sync(fd);
    int error = errno;
    pthread_mutex_lock(&lock);
    if (result == 0)
        loss_forget_writes(fd, mark);
    errno = error;
    return call_answer(&call, result);
}

static int sync_folder(int fd)
{
    uint64_t mark = mark_now();
    struct call call = call_begin(SHIM_FOLDER);

    if (call.error != 0)
        return call_refuse(&call);
    int result = real.fsync(fd);
    if (result == 0)
        loss_forget_names(mark);
    return call_answer(&call, result);
}

SHOWN int fdatasync(int fd)
{
    return is_ours(fd) ? sync_file(fd, real.fdatasync) : real.fdatasync(fd);
}

SHOWN int fsync(int fd)
{
    if (is_our_folder(fd))
        return sync_folder(fd);
    return is_ours(fd) ? sync_file(fd, real.fsync) : real.fsync(fd);
}

/* ---- room ---- */

SHOWN int fallocate(int fd, int mode, off_t offset, off_t len)
{
    if (!is_ours(fd))
        return real.fallocate(fd, mode, offset, len);
    struct call call = call_begin(SHIM_RESERVE);
    if (call.error != 0)
        return call_refuse(&call);
    return call_answer(&call, real.fallocate(fd, mode, offset, len));
}

SHOWN int posix_fallocate(int fd, off_t offset, off_t len)
{
    if (!is_ours(fd))
        return real.posix_fallocate(fd, offset, len);
    struct call call = call_begin(SHIM_RESERVE);
    int error = call.error;
    if (error == 0)
        error = real.posix_fallocate(fd, offset, len);
    call_end(&call);
    return error;
}

SHOWN int ftruncate(int fd, off_t len)
{
    if (!is_ours(fd))
        return real.ftruncate(fd, len);
    struct call call = call_begin(SHIM_RESERVE);
    if (call.error != 0)
        return call_refuse(&call);
    return call_answer(&call, real.ftruncate(fd, len));
}

/* ---- names ---- */

static bool name_counts(const char *name)
{
    return control != NULL && !is_inside && name_is_ours(name);
}

static int make(int folder, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    struct call call = call_begin(SHIM_FOLDER);

    if (call.error != 0)
        return call_refuse(&call);
    bool is_new = faccessat(folder, name, F_OK, 0) != 0;
    int fd = real.openat(folder, name, flags, mode);
    int error = errno;
    if (fd >= 0 && is_new && control->loss != 0 && path_of(fd, path))
        loss_note_file(path);
    errno = error;
    return call_answer(&call, fd);
}

SHOWN int openat(int folder, const char *name, int flags, ...)
{
    mode_t mode = 0;

    if ((flags & O_CREAT) != 0) {
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    if ((flags & O_CREAT) != 0 && name_counts(name))
        return make(folder, name, flags, mode);
    return real.openat(folder, name, flags, mode);
}

SHOWN int open(const char *name, int flags, ...)
{
    mode_t mode = 0;

    if ((flags & O_CREAT) != 0) {
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    if ((flags & O_CREAT) != 0 && name_counts(name))
        return make(AT_FDCWD, name, flags, mode);
    return real.open(name, flags, mode);
}

SHOWN int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    if (!name_counts(old) && !name_counts(new))
        return real.renameat2(from, old, to, new, flags);
    struct call call = call_begin(SHIM_FOLDER);
    if (call.error != 0)
        return call_refuse(&call);
    int result = real.renameat2(from, old, to, new, flags);
    int error = errno;
    if (result == 0 && control->loss != 0)
        loss_note_rename(to, old, new);
    errno = error;
    return call_answer(&call, result);
}

SHOWN int renameat(int from, const char *old, int to, const char *new)
{
    return renameat2(from, old, to, new, 0);
}

SHOWN int rename(const char *old, const char *new)
{
    return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

SHOWN int unlinkat(int folder, const char *name, int flags)
{
    if (!name_counts(name))
        return real.unlinkat(folder, name, flags);
    struct call call = call_begin(SHIM_FOLDER);
    if (call.error != 0)
        return call_refuse(&call);
    return call_answer(&call, real.unlinkat(folder, name, flags));
}

SHOWN int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

/* The same calls by the names that the large-file interface gives them. */
#define ALSO(result, name, parameters, original) \
    SHOWN result name parameters __attribute__((alias(original)));
ALSO(ssize_t, pwrite64, (int fd, const void *data, size_t len, off_t offset), "pwrite")
ALSO(ssize_t, pwritev64, (int fd, const struct iovec *pieces, int count, off_t offset), "pwritev")
ALSO(int, fallocate64, (int fd, int mode, off_t offset, off_t len), "fallocate")
ALSO(int, posix_fallocate64, (int fd, off_t offset, off_t len), "posix_fallocate")
ALSO(int, ftruncate64, (int fd, off_t len), "ftruncate")
ALSO(int, open64, (const char *name, int flags, ...), "open")
ALSO(int, openat64, (int folder, const char *name, int flags, ...), "openat")
