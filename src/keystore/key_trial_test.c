/* SPDX-License-Identifier: Apache-2.0 */
/* Files, without hardware; tokens and TPMs have scenarios. */
#include "keystore/key_trial.h"

#include "keystore/device_key.h"
#include "pki/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void make(const struct scratch *scratch, const char *word, char path[SCRATCH_PATH_SIZE])
{
    struct device_key_store store;
    char home[SCRATCH_PATH_SIZE];

    scratch_path(scratch, "home", home);
    assert_int_equal(setenv("XDG_STATE_HOME", home, 1), 0);
    scratch_path(scratch, word, path);
    assert_int_equal(device_key_parse_store(word, &store), 0);
    assert_int_equal(device_key_create(&store, false, path, NULL), 0);
}

static enum key_trial_end steal(const char *path, enum key_trial_thief thief)
{
    struct key_trial trial;

    key_trial_steal(path, thief, &trial);
    assert_true(strlen(trial.told) > 0);
    return trial.end;
}

static void each_thief(void **state)
{
    static const struct {
        const char *word;
        enum key_trial_end ends[KEY_TRIAL_THIEVES];
    } rows[] = {
        { "file", { KEY_TRIAL_GIVEN, KEY_TRIAL_GIVEN, KEY_TRIAL_GIVEN } },
        { "sealed", { KEY_TRIAL_GIVEN, KEY_TRIAL_GIVEN, KEY_TRIAL_REFUSED } },
    };
    char path[SCRATCH_PATH_SIZE];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        make(*state, rows[i].word, path);
        for (int thief = 0; thief < KEY_TRIAL_THIEVES; thief++)
            assert_int_equal(steal(path, (enum key_trial_thief)thief), rows[i].ends[thief]);
    }
    /* Where the machine's secret is another one, or none, the disk has not what opens it. */
    scratch_path(*state, "elsewhere", path);
    assert_int_equal(setenv("XDG_STATE_HOME", path, 1), 0);
    scratch_path(*state, "sealed", path);
    assert_int_equal(steal(path, KEY_TRIAL_DISK), KEY_TRIAL_REFUSED);
    assert_int_equal(steal(path, KEY_TRIAL_ROOT), KEY_TRIAL_UNKNOWN);
}

static void what_is_no_key(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    FILE *file;

    scratch_path(*state, "no.key", path);
    assert_int_equal(steal(path, KEY_TRIAL_ROOT), KEY_TRIAL_UNKNOWN);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(
        fputs("-----BEGIN TACIT SEALED KEY-----\nAAAA\n-----END TACIT SEALED KEY-----\n", file)
        >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(steal(path, KEY_TRIAL_FOLDER), KEY_TRIAL_UNKNOWN);
}

static void keys_sign(void **state)
{
    struct key *key;

    (void)state;
    for (int i = 0; i < KEY_ALGORITHM_COUNT; i++) {
        assert_int_equal(key_generate_as((enum key_algorithm)i, &key, NULL), 0);
        assert_int_equal(key_trial_sign(key, NULL), 0);
        key_free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_thief, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(what_is_no_key, scratch_make, scratch_remove),
        cmocka_unit_test(keys_sign),
    };
    /* Whatever TPM the machine has is not for tests. */
    if (setenv("TACIT_TPM_TCTI", "", 1) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
