/* SPDX-License-Identifier: Apache-2.0 */
/* What a process gives up it does not get back, so each case is a child's. */
#include "confine/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int in_child(int (*what)(void))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(what());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void finds(void **state)
{
    struct privileges_user user = { .id = 7 };
    char long_name[PRIVILEGES_NAME_BYTES + 1];

    (void)state;
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_int_equal(privileges_find_user("no-such-user-here", &user), -ENOENT);
    assert_int_equal(privileges_find_user(long_name, &user), -ENAMETOOLONG);
    assert_int_equal(user.id, 7);
    assert_int_equal(privileges_find_user("root", &user), 0);
    assert_int_equal(user.id, 0);
    assert_string_equal(user.name, "root");
}

static int become_nobody(void)
{
    struct privileges_user user;
    gid_t groups[64];

    if (privileges_find_user("nobody", &user) != 0 || privileges_become(&user) != 0)
        return 1;
    uid_t real, effective, saved;
    if (getresuid(&real, &effective, &saved) != 0 || real != user.id || effective != user.id
        || saved != user.id)
        return 2;
    int count = getgroups(64, groups);
    for (int i = 0; i < count; i++) {
        if (groups[i] == 0)
            return 3;
    }
    return setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 ? 4 : 0;
}

static void becomes(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(become_nobody), 0);
}

static int become_without_right(void)
{
    struct privileges_user user;

    if (privileges_find_user("root", &user) != 0)
        return 1;
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
        return 2;
    return privileges_become(&user) == -EPERM ? 0 : 3;
}

static void is_refused(void **state)
{
    (void)state;
    assert_int_equal(in_child(become_without_right), 0);
}

static int drop_all(void)
{
    if (privileges_drop() != 0)
        return 1;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 2;
    /* Root's files are root's; those of others are not any more. */
    if (geteuid() == 0 && chown("/", 1, 1) == 0)
        return 3;
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_BIND_SERVICE, 0, 0) == 0
                   && (geteuid() != 0 || prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0)
                   && privileges_drop() == 0
               ? 0
               : 4;
}

static void drops(void **state)
{
    (void)state;
    assert_int_equal(in_child(drop_all), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(becomes),
        cmocka_unit_test(is_refused),
        cmocka_unit_test(drops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
