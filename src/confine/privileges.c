/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES_MAX 64 /* the sets have that many bits */

int privileges_find_user(const char *name, struct privileges_user *out)
{
    struct privileges_user user;

    if (snprintf(user.name, sizeof(user.name), "%s", name) >= (int)sizeof(user.name))
        return -ENAMETOOLONG;
    errno = 0;
    const struct passwd *row = getpwnam(name);
    if (row == NULL)
        return errno != 0 ? -errno : -ENOENT;
    user.id = row->pw_uid;
    user.group = row->pw_gid;
    *out = user;
    return 0;
}

/* Without the privilege to do so they stay, and serve nobody: nothing can be gained any more. */
static void drop_bounding(void)
{
    for (unsigned long i = 0; i < CAPABILITIES_MAX; i++)
        (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
}

int privileges_become(const struct privileges_user *user)
{
    /* Later is too late: the privilege goes with the user. */
    drop_bounding();
    if (initgroups(user->name, user->group) != 0
        || setresgid(user->group, user->group, user->group) != 0
        || setresuid(user->id, user->id, user->id) != 0)
        return -errno;
    /* That there is no way back is worth asking. */
    bool is_back = user->id != 0 && setresuid((uid_t)-1, 0, (uid_t)-1) == 0;
    return is_back || geteuid() != user->id || getegid() != user->group ? -EPERM : 0;
}

/* A service manager may have taken them all, and capset() with them. */
static bool has_none(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
    uint32_t any = 0;

    if (syscall(SYS_capget, &header, sets) != 0)
        return false;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(sets); i++)
        any |= sets[i].effective | sets[i].permitted | sets[i].inheritable;
    return any == 0;
}

int privileges_drop(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -errno;
    drop_bounding();
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (has_none())
        return 0;
    return syscall(SYS_capset, &header, sets) == 0 ? 0 : -errno;
}
