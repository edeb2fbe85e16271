/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Headers of Debian 12 know ABI 2; the numbers are those of the kernel's interface. */
#define RIGHT_TRUNCATE     (UINT64_C(1) << 14) /* ABI 3 */
#define RIGHT_IOCTL        (UINT64_C(1) << 15) /* ABI 5 */
#define RIGHT_CONNECT_TCP  (UINT64_C(1) << 1)  /* ABI 4 */
#define SCOPE_ABSTRACT     (UINT64_C(1) << 0)  /* ABI 6 */
#define SCOPE_SIGNAL       (UINT64_C(1) << 1)  /* ABI 6 */
#define RIGHTS_OF_ABI(bit) ((UINT64_C(1) << ((bit) + 1)) - 1)

#define RIGHTS_OF_FILES                                                         \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | RIGHT_TRUNCATE \
     | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_IOCTL)

/* struct landlock_ruleset_attr as newer kernels have it; an older one is given its own part. */
struct attributes {
    uint64_t files;
    uint64_t network; /* ABI 4 */
    uint64_t scopes;  /* ABI 6 */
};

static uint64_t known_rights(int abi)
{
    if (abi >= 5)
        return RIGHTS_OF_ABI(15);
    if (abi >= 3)
        return RIGHTS_OF_ABI(14);
    return abi == 2 ? RIGHTS_OF_ABI(13) : RIGHTS_OF_ABI(12);
}

int landlock_abi(void)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi >= 0 ? (int)abi : -errno;
}

int landlock_open(int abi, bool reaches_abstract)
{
    const struct attributes attributes = {
        .files = known_rights(abi),
        .network = RIGHT_CONNECT_TCP,
        .scopes = SCOPE_SIGNAL | (reaches_abstract ? 0 : SCOPE_ABSTRACT),
    };
    size_t size = abi >= LANDLOCK_ABI_SCOPES    ? sizeof(attributes)
                  : abi >= LANDLOCK_ABI_NETWORK ? offsetof(struct attributes, scopes)
                                                : offsetof(struct attributes, network);
    long rules = syscall(SYS_landlock_create_ruleset, &attributes, size, 0u);

    return rules >= 0 ? (int)rules : -errno;
}

int landlock_allow(int rules, int abi, int fd, enum confine_access access)
{
    static const uint64_t rights[CONFINE_ACCESS_COUNT] = {
        [CONFINE_READ] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
        [CONFINE_WRITE] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR
                          | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR
                          | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR
                          | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | RIGHT_TRUNCATE,
        [CONFINE_SOCKETS] = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE,
    };
    struct stat status;

    if (fstat(fd, &status) != 0)
        return -errno;
    /* What a right of folders would mean for a file is an error. */
    uint64_t wanted = rights[access] & known_rights(abi);
    struct landlock_path_beneath_attr rule = {
        .allowed_access = S_ISDIR(status.st_mode) ? wanted : wanted & RIGHTS_OF_FILES,
        .parent_fd = fd,
    };
    if (rule.allowed_access == 0)
        return -ENOTDIR;
    return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0u) == 0
               ? 0
               : -errno;
}

int landlock_enter(int rules)
{
    return syscall(SYS_landlock_restrict_self, rules, 0u) == 0 ? 0 : -errno;
}
