/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/sightings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void what_was_noted_is_taken_once(void **state)
{
    const struct siphash_key key = { 1, 2 };
    struct sightings *sightings = sightings_new(&key, 3);
    struct activity_seen *seen;
    char longest[IDENTITY_URI_NAME_SIZE + 1];

    (void)state;
    assert_non_null(sightings);
    assert_int_equal(sightings_take(sightings, &seen), 0);
    sightings_note(sightings, "lamp", "192.0.2.1:1", 100);
    sightings_note(sightings, "lamp", "192.0.2.2:2", 130);
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    sightings_note(sightings, longest, "192.0.2.3:3", 100); /* no name of the registry */
    assert_int_equal(sightings_take(sightings, &seen), 1);
    assert_string_equal(seen[0].name, "lamp");
    assert_string_equal(seen[0].address, "192.0.2.2:2");
    assert_int_equal(seen[0].first_s, 100);
    assert_int_equal(seen[0].last_s, 130);
    free(seen);
    assert_int_equal(sightings_take(sightings, &seen), 0);

    /* It is bounded, and goes on after it was full. */
    for (unsigned i = 0; i < 100; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "d%u", i);
        sightings_note(sightings, name, "?", i);
    }
    assert_int_equal(sightings_take(sightings, &seen), 3);
    free(seen);
    sightings_note(sightings, "lamp", "?", 200);
    sightings_free(sightings);
    sightings_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_was_noted_is_taken_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
