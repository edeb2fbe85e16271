/* SPDX-License-Identifier: Apache-2.0 */
#include "crash/broker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Small segments, so that a short life fills, copies and gives up many. */
#define CONFIG                            \
    "listener \"crash\" {\n"              \
    "  path           = \"%s/socket\"\n"  \
    "  anonymous-role = \"everything\"\n" \
    "  client-ids     = any\n"            \
    "}\n"                                 \
    "role \"everything\" {\n"             \
    "  unrestricted = on\n"               \
    "  shared       = on\n"               \
    "  retain       = on\n"               \
    "  maximum-qos  = 2\n"                \
    "  durability   = %s\n"               \
    "}\n"                                 \
    "log {\n"                             \
    "  level = info\n"                    \
    "}\n"                                 \
    "limits {\n"                          \
    "  sys-interval-s      = 0\n"         \
    "  store-segment-bytes = 65536\n"     \
    "}\n"

int64_t broker_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void path_in(const struct broker *broker, const char *name, char out[PATH_MAX])
{
    if (snprintf(out, PATH_MAX, "%s/%s", broker->folder, name) >= PATH_MAX)
        abort();
}

static int write_config(const struct broker *broker, const char *durability)
{
    char path[PATH_MAX];
    FILE *file = NULL;

    path_in(broker, "tacit.conf", path);
    file = fopen(path, "w");
    if (file == NULL)
        return -errno;
    fprintf(file, CONFIG, broker->folder, durability);
    return fclose(file) == 0 ? 0 : -errno;
}

static int map_control(struct broker *broker)
{
    char path[PATH_MAX];

    path_in(broker, "shim", path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    void *memory = MAP_FAILED;
    if (ftruncate(fd, sizeof(*broker->control)) == 0)
        memory = mmap(NULL, sizeof(*broker->control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int error = -errno;
    close(fd);
    if (memory == MAP_FAILED)
        return error;
    broker->control = memory;
    return 0;
}

int broker_init(struct broker *broker, const char *program, const char *shim, const char *folder,
                const char *durability)
{
    *broker = (struct broker){ .program = program, .shim = shim };
    snprintf(broker->folder, sizeof(broker->folder), "%s", folder);
    int status = write_config(broker, durability);
    return status == 0 ? map_control(broker) : status;
}

static void remove_tree(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry = NULL;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char inner[PATH_MAX];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name) < PATH_MAX)
            remove_tree(inner);
    }
    if (folder != NULL)
        closedir(folder);
    (void)remove(path);
}

void broker_forget(struct broker *broker)
{
    char path[PATH_MAX];

    path_in(broker, "state", path);
    remove_tree(path);
}

void broker_fini(struct broker *broker)
{
    if (broker->control != NULL)
        munmap(broker->control, sizeof(*broker->control));
    remove_tree(broker->folder);
}

void broker_reset(struct broker *broker)
{
    memset(broker->control, 0, sizeof(*broker->control));
}

int broker_start(struct broker *broker, unsigned shards)
{
    char config[PATH_MAX];
    char state[PATH_MAX];
    char listener[PATH_MAX];
    char log[PATH_MAX];
    char preload[PATH_MAX + 16];
    char control[PATH_MAX + 16];
    char count[16];

    path_in(broker, "tacit.conf", config);
    path_in(broker, "state", state);
    path_in(broker, "log", log);
    path_in(broker, "socket", listener);
    /* The steward of a broker that was killed in the moment of its fork has the listener for a moment
     * more: who got through to that would take its end for the end of the new broker. */
    (void)unlink(listener);
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", broker->shim);
    snprintf(control, sizeof(control), SHIM_ENVIRONMENT "=%s/shim", broker->folder);
    snprintf(count, sizeof(count), "%u", shards);
    const char *words[] = { broker->program, "--config", config, "--state",
                            state,           "--shards", count,  NULL };
    const char *environment[] = { preload, control, "PATH=/usr/bin:/bin", NULL };
    posix_spawn_file_actions_t files;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    /* The interface takes the words as if it might change them. */
    int error = posix_spawn(&broker->pid, broker->program, &files, NULL,
                            (char *const *)(uintptr_t)words, (char *const *)(uintptr_t)environment);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0)
        broker->pid = 0;
    return -error;
}

int broker_connect(const struct broker *broker)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/socket", broker->folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

bool broker_has_ended(struct broker *broker, int *out_status)
{
    if (broker->pid == 0)
        return true;
    if (waitpid(broker->pid, out_status, WNOHANG) != broker->pid)
        return false;
    broker->pid = 0;
    return true;
}

void broker_signal(const struct broker *broker, int signal)
{
    if (broker->pid > 0)
        kill(broker->pid, signal);
}

bool broker_wait(struct broker *broker, unsigned limit_ms, int *out_status)
{
    const struct timespec little = { 0, 100000 };
    int64_t limit_us = broker_now_us() + (int64_t)limit_ms * 1000;

    while (broker_now_us() < limit_us) {
        if (broker_has_ended(broker, out_status))
            return true;
        nanosleep(&little, NULL);
    }
    broker_signal(broker, SIGKILL);
    if (broker->pid > 0)
        waitpid(broker->pid, out_status, 0);
    broker->pid = 0;
    return false;
}

void broker_log(const struct broker *broker, char *out, size_t bytes)
{
    char path[PATH_MAX];
    long len = 0;

    path_in(broker, "log", path);
    FILE *file = fopen(path, "r");
    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        len = ftell(file);
    if (file != NULL)
        (void)fseek(file, len >= (long)bytes ? len - (long)bytes + 1 : 0, SEEK_SET);
    size_t got = file != NULL ? fread(out, 1, bytes - 1, file) : 0;
    out[got] = '\0';
    if (file != NULL)
        fclose(file);
}

void broker_complaints(const struct broker *broker, char *out, size_t bytes)
{
    broker_log(broker, out, bytes);
    if (strstr(out, "Z error ") == NULL && strstr(out, "Sanitizer") == NULL
        && strstr(out, "INVARIANT") == NULL)
        out[0] = '\0';
}
