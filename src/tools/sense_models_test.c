/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct identity_options options = { .command = "test" };

/* A file with the roles a, c and d. */
static struct mqtt_span three(void)
{
    struct sense_models models = { .window_ms = 5000 };
    uint8_t *bytes = NULL;
    size_t len = 0;

    assert_true(sense_models_add_blank(&models, "a") && sense_models_add_blank(&models, "c")
                && sense_models_add_blank(&models, "d"));
    assert_int_equal(sense_models_write(&models, &bytes, &len), 0);
    sense_models_fini(&models);
    return (struct mqtt_span){ bytes, len };
}

static struct sense_models take(const char *wanted, size_t count)
{
    struct sense_models models = { .wanted = wanted };
    struct mqtt_span file = three();

    assert_int_equal(sense_models_take(&options, file, &models), 0);
    assert_int_equal(models.role_count, count);
    assert_int_equal(models.window_ms, 5000);
    free((void *)(uintptr_t)file.data);
    return models;
}

static void all_are_taken_unless_some_are_wanted(void **state)
{
    (void)state;
    struct sense_models models = take(NULL, 3);

    assert_non_null(sense_models_find(&models, "d"));
    sense_models_fini(&models);
    models = take("a=b,c", 2);
    assert_non_null(sense_models_find(&models, "b"));
    assert_non_null(sense_models_find(&models, "c"));
    assert_null(sense_models_find(&models, "a"));
    sense_models_fini(&models);
    models = take("x,aa,=a", 0);
    sense_models_fini(&models);
    models = take("a=", 0); /* nothing can be called nothing */
    sense_models_fini(&models);
}

/* Two that are to be called the same are one: the one that knows more. */
static void two_may_become_one(void **state)
{
    (void)state;
    struct sense_models models = take("a=d,d", 1);

    assert_non_null(sense_models_find(&models, "d"));
    sense_models_fini(&models);
}

static void what_is_cut_off_is_refused(void **state)
{
    (void)state;
    struct sense_models models = { .window_ms = 0 };
    struct mqtt_span file = three();

    file.len--;
    assert_int_equal(sense_models_take(&options, file, &models), IDENTITY_EXIT_FAILED);
    assert_int_equal(models.role_count, 0);
    sense_models_fini(&models);
    free((void *)(uintptr_t)file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_taken_unless_some_are_wanted),
        cmocka_unit_test(two_may_become_one),
        cmocka_unit_test(what_is_cut_off_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
