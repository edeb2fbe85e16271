/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/memory.h"

#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GROUPS_ROOT  "/sys/fs/cgroup"
#define GROUPS_BYTES 4096
#define TURN_BYTES   (UINT64_C(16) * 1024 * 1024)

/* A small file as text; empty: there is none. */
static void read_text(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, out, size - 1) : 0;

    out[len > 0 ? len : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

static uint64_t lowest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* "max", or a number; version 1 writes a huge number for no bound. */
static uint64_t read_bound(const char *folder, const char *file)
{
    char path[PATH_MAX + 32];
    char text[64];
    char *end = NULL;

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    read_text(path, text, sizeof(text));
    errno = 0;
    unsigned long long bytes = strtoull(text, &end, 10);
    return end == text || errno != 0 || bytes == 0 ? UINT64_MAX : bytes;
}

/* From `folder` up to `root`. */
static uint64_t bound_of_group(const char *root, char *folder, const char *file)
{
    uint64_t bytes = UINT64_MAX;

    for (;;) {
        bytes = lowest(bytes, read_bound(folder, file));
        char *slash = strrchr(folder, '/');
        if (slash == NULL || strlen(folder) <= strlen(root))
            return bytes;
        *slash = '\0';
    }
}

/* Of "0::/a/b" (version 2) or "5:memory:/a/b" (version 1) the group's path; NULL: another. */
static const char *path_of(const char *line, bool *out_is_first_version)
{
    const char *controllers = strchr(line, ':');
    const char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

    if (path == NULL)
        return NULL;
    *out_is_first_version = strncmp(controllers, ":memory:", 8) == 0;
    return *out_is_first_version || path == controllers + 1 ? path + 1 : NULL;
}

uint64_t memory_group_bytes(const char *root, const char *groups)
{
    uint64_t bytes = UINT64_MAX;
    char folder[PATH_MAX];

    for (const char *line = groups; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        char text[GROUPS_BYTES];
        bool is_first = false;

        snprintf(text, sizeof(text), "%.*s", (int)len, line);
        const char *path = path_of(text, &is_first);
        if (path != NULL
            && snprintf(folder, sizeof(folder), "%s%s%s", root, is_first ? "/memory" : "", path)
                   < (int)sizeof(folder))
            bytes =
                lowest(bytes, bound_of_group(root, folder,
                                             is_first ? "memory.limit_in_bytes" : "memory.max"));
        line += len + (line[len] == '\n');
    }
    return bytes;
}

int memory_open(struct memory *memory)
{
    char groups[GROUPS_BYTES];
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);

    *memory = (struct memory){ .fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC),
                               .page_bytes = page_bytes > 0 ? (uint64_t)page_bytes : 4096,
                               .given_bytes = UINT64_MAX };
    int error = errno;
    if (pages > 0)
        memory->given_bytes = (uint64_t)pages * memory->page_bytes;
    read_text("/proc/self/cgroup", groups, sizeof(groups));
    memory->given_bytes = lowest(memory->given_bytes, memory_group_bytes(GROUPS_ROOT, groups));
    return memory->fd >= 0 ? 0 : -error;
}

void memory_close(struct memory *memory)
{
    if (memory->page_bytes != 0 && memory->fd >= 0)
        close(memory->fd);
    memory->fd = -1;
}

uint64_t memory_used_bytes(const struct memory *memory)
{
    char text[128];
    uint64_t resident = 0;
    ssize_t len = memory->fd >= 0 ? pread(memory->fd, text, sizeof(text) - 1, 0) : 0;

    if (len <= 0)
        return 0;
    text[len] = '\0';
    const char *second = strchr(text, ' '); /* the first is what is mapped */
    if (second != NULL)
        resident = strtoull(second + 1, NULL, 10);
    return resident * memory->page_bytes;
}

uint64_t memory_bound_bytes(const struct memory *memory, uint64_t limit_bytes)
{
    if (limit_bytes != 0)
        return limit_bytes;
    return memory->given_bytes != UINT64_MAX ? memory->given_bytes / 4 * 3 : 0;
}

static uint64_t wanted_reserve(const struct memory *memory)
{
    return TURN_BYTES + 2 * memory->segment_bytes;
}

uint64_t memory_reserve_bytes(const struct memory *memory, uint64_t bound_bytes)
{
    return lowest(wanted_reserve(memory), bound_bytes / 2);
}

bool memory_is_enough(const struct memory *memory, uint64_t bound_bytes)
{
    return bound_bytes == 0 || wanted_reserve(memory) <= bound_bytes / 2;
}

void memory_trim(void)
{
    (void)malloc_trim(0);
}

/* Never what could be written to: relocations stand there, and in no file. */
static void let_go(const struct dl_phdr_info *object, const ElfW(Phdr) * segment)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
    uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_filesz;

    (void)madvise((void *)begin, (end - begin + page - 1) & ~(page - 1), MADV_DONTNEED);
}

/* `context`: names of those that are meant, up to a NULL; NULL: all are. */
static bool is_meant(const struct dl_phdr_info *object, const void *context)
{
    const char *const *names = context;

    if (names == NULL)
        return true;
    while (*names != NULL && strstr(object->dlpi_name, *names) == NULL)
        names++;
    return *names != NULL;
}

static int let_go_of_object(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    for (size_t i = 0; is_meant(object, context) && i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) == 0)
            let_go(object, segment);
    }
    return 0;
}

void memory_settle(void)
{
    memory_trim();
    (void)dl_iterate_phdr(let_go_of_object, NULL);
}

void memory_calm(void)
{
    static const char *const openssl[] = { "/libcrypto.so", "/libssl.so", NULL };

    vault_settle();
    (void)dl_iterate_phdr(let_go_of_object, (void *)(uintptr_t)openssl);
}
