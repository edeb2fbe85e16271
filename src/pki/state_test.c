/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/state.h"

#include "pki/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void where_it_lies(void **state)
{
    (void)state;
    char dir[STATE_PATH_SIZE];
    char long_dir[STATE_PATH_SIZE + 1];
    assert_int_equal(setenv("TACIT_STATE", "/x/y", 1), 0);
    assert_int_equal(state_default_dir(dir), 0);
    assert_string_equal(dir, "/x/y");

    memset(long_dir, 'a', sizeof(long_dir) - 1);
    long_dir[0] = '/';
    long_dir[sizeof(long_dir) - 1] = '\0';
    assert_int_equal(setenv("TACIT_STATE", long_dir, 1), 0);
    assert_int_equal(state_default_dir(dir), -ENAMETOOLONG);
    assert_int_equal(unsetenv("TACIT_STATE"), 0);

    /* On a machine with an installed tacitd the caller may be its user. */
    struct stat status;
    if (stat("/etc/tacit", &status) == 0 || stat("/var/lib/tacit", &status) == 0)
        return;
    assert_int_equal(setenv("HOME", "/people/someone", 1), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", "/state", 1), 0);
    assert_int_equal(state_default_dir(dir), 0);
    assert_string_equal(dir, "/state/tacit");
    assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
    assert_int_equal(state_default_dir(dir), 0);
    assert_string_equal(dir, "/people/someone/.local/state/tacit");
}

static void paths(void **state)
{
    (void)state;
    char path[STATE_PATH_SIZE];
    char long_dir[STATE_PATH_SIZE];
    assert_int_equal(state_path("/s", STATE_CA_KEY, path), 0);
    assert_string_equal(path, "/s/ca/ca.key");
    assert_int_equal(state_path("/s", STATE_REGISTRY, path), 0);
    assert_string_equal(path, "/s/registry.db");
    assert_int_equal(state_path("/s", STATE_FILE_COUNT, path), -EINVAL);
    memset(long_dir, 'a', sizeof(long_dir) - 1);
    long_dir[sizeof(long_dir) - 1] = '\0';
    assert_int_equal(state_path(long_dir, STATE_REGISTRY, path), -ENAMETOOLONG);
    assert_string_equal(path, "/s/registry.db");
}

static void who_may_write(void **state)
{
    const struct scratch *scratch = *state;
    struct pki_fault fault;
    static const mode_t refused[] = { 0770, 0707, 0777, 01777, 0720, 0702 };
    static const mode_t accepted[] = { 0700, 0750, 0755 };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(refused); i++) {
        assert_int_equal(chmod(scratch->folder, refused[i]), 0);
        assert_int_equal(state_check(scratch->folder, &fault), -EPERM);
        assert_non_null(strstr(fault.text, scratch->folder));
        struct state_made made;
        assert_int_equal(state_prepare(scratch->folder, NULL, &made, &fault), -EPERM);
        assert_int_equal(scratch_count(scratch), 0);
    }
    for (size_t i = 0; i < MQTT_ARRAY_LEN(accepted); i++) {
        assert_int_equal(chmod(scratch->folder, accepted[i]), 0);
        assert_int_equal(state_check(scratch->folder, &fault), 0);
    }
    assert_int_equal(chmod(scratch->folder, 0700), 0);
}

static void folders_of_others_and_none(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct pki_fault fault;
    scratch_path(*state, "none", path);
    assert_int_equal(state_check(path, &fault), -ENOENT);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(state_check(path, &fault), -ENOTDIR);

    /* Belongs to root, or to nobody in particular when root asks. */
    scratch_path(*state, "theirs", path);
    if (geteuid() == 0) {
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(chown(path, 65534, 65534), 0);
        assert_int_equal(state_check(path, &fault), -EPERM);
    } else {
        assert_int_equal(state_check("/usr", &fault), -EPERM);
    }
    assert_non_null(strstr(fault.text, "belongs to user"));
}

static void one_tacitd_at_a_time(void **state)
{
    const struct scratch *scratch = *state;
    struct pki_fault fault;
    int first;
    int second = -1;
    assert_int_equal(state_claim(scratch->folder, &first, &fault), 0);
    assert_int_equal(state_claim(scratch->folder, &second, &fault), -EBUSY);
    assert_true(state_is_claimed(scratch->folder));
    assert_int_equal(second, -1);
    assert_non_null(strstr(fault.text, "another tacitd"));
    close(first);
    assert_int_equal(state_claim(scratch->folder, &second, &fault), 0);
    close(second);
    assert_int_equal(state_claim("/no/such/folder", &first, &fault), -ENOENT);
    assert_false(state_is_claimed("/no/such/folder"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_it_lies),  cmocka_unit_test(paths),    TEST(who_may_write),
        TEST(folders_of_others_and_none), TEST(one_tacitd_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
