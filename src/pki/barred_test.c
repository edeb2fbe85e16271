/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/barred.h"

#include "pki/private_file.h"
#include "pki/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void make_room(const struct scratch *scratch)
{
    char folder[SCRATCH_PATH_SIZE];
    bool is_new;

    scratch_clear(scratch);
    scratch_path(scratch, "learning", folder);
    assert_int_equal(private_file_make_dir(folder, &is_new), 0);
}

static void a_place_is_an_address_or_a_network(void **state)
{
    static const struct {
        const char *text;
        const char *shown; /* NULL: it is none */
    } rows[] = {
        { "192.0.2.1", "192.0.2.1" },
        { "127.0.0.9", "127.0.0.9" },
        { "2001:db8::1", "2001:db8::/64" },
        { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
        { "2001:db8:1:2::/64", "2001:db8:1:2::/64" },
        { "2001:db8::/48", NULL },
        { "192.0.2.1/64", NULL },
        { "192.0.2", NULL },
        { "192.0.2.1:80", NULL },
        { "pump-1", NULL },
        { "", NULL },
        { "/64", NULL },
        { "11111111111111111111111111111111111111111111111111111111111111111111", NULL },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct barred_place place;
        char text[BARRED_TEXT_BYTES];
        assert_int_equal(barred_place_of(rows[i].text, &place), rows[i].shown != NULL);
        if (rows[i].shown != NULL)
            assert_string_equal(barred_place_text(&place, text), rows[i].shown);
    }
}

static struct barred barred(const char *text, unsigned times)
{
    struct barred one = { .since_s = 1800000000, .until_s = 1800000060, .times = times };

    assert_true(barred_place_of(text, &one.place));
    return one;
}

static void what_is_written_is_loaded(void **state)
{
    const struct scratch *scratch = *state;
    const struct barred all[] = { barred("192.0.2.1", 1), barred("2001:db8::", 3) };
    struct barred *loaded = NULL;
    size_t count = 7;

    make_room(scratch);
    assert_int_equal(barred_load(scratch->folder, &loaded, &count), 0);
    assert_int_equal(count, 0);
    free(loaded);
    assert_int_equal(barred_write(scratch->folder, all, 2), 0);
    assert_int_equal(barred_load(scratch->folder, &loaded, &count), 0);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_memory_equal(&loaded[i].place, &all[i].place, sizeof(all[i].place));
        assert_int_equal(loaded[i].until_s, all[i].until_s);
        assert_int_equal(loaded[i].times, all[i].times);
    }
    free(loaded);
    assert_int_equal(barred_write(scratch->folder, NULL, 0), 0);
    assert_int_equal(barred_load(scratch->folder, &loaded, &count), 0);
    assert_int_equal(count, 0);
    free(loaded);
}

static void what_is_no_row_is_passed_over(void **state)
{
    static const char text[] = "192.0.2.1 1 2 3\nnobody 1 2 3\n192.0.2.2 x 2 3\n\n192.0.2.3 1 2 3";
    const struct scratch *scratch = *state;
    char path[SCRATCH_PATH_SIZE];
    struct barred *loaded = NULL;
    size_t count = 0;

    make_room(scratch);
    scratch_path(scratch, "learning/blocked", path);
    assert_int_equal(private_file_write(path, span_of(text), PRIVATE_FILE_REPLACE), 0);
    assert_int_equal(barred_load(scratch->folder, &loaded, &count), 0);
    assert_int_equal(count, 2);
    free(loaded);
}

struct visits {
    unsigned count;
    struct barred_place place;
    uint32_t for_s;
};

static void on_visit(void *context, const struct barred_place *place, uint32_t for_s)
{
    struct visits *visits = context;

    visits->count++;
    visits->place = *place;
    visits->for_s = for_s;
}

static void a_request_is_taken_once(void **state)
{
    static const char *const places[] = { "192.0.2.1", "2001:db8::/64" };
    const struct scratch *scratch = *state;
    char path[SCRATCH_PATH_SIZE];

    make_room(scratch);
    scratch_path(scratch, "learning/pardon.x.192.0.2.9", path);
    assert_int_equal(private_file_write(path, span_of(""), PRIVATE_FILE_REPLACE), 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(places); i++) {
        struct visits visits = { .count = 0 };
        struct barred_place place;
        assert_true(barred_place_of(places[i], &place));
        assert_int_equal(barred_pardon(scratch->folder, &place, 3600), 0);
        barred_take(scratch->folder, on_visit, &visits);
        assert_int_equal(visits.count, 1);
        assert_int_equal(visits.for_s, 3600);
        assert_memory_equal(&visits.place, &place, sizeof(place));
        barred_take(scratch->folder, on_visit, &visits);
        assert_int_equal(visits.count, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_is_an_address_or_a_network),
        cmocka_unit_test_setup_teardown(what_is_written_is_loaded, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(what_is_no_row_is_passed_over, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(a_request_is_taken_once, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
