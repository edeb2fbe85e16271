/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ratchets.h"

#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct place {
    struct scratch *scratch;
    char path[SCRATCH_PATH_SIZE];
    struct log *log;
    struct loop *loop;
    struct ratchets *ratchets;
};

static struct place place_make(void **state, unsigned queue)
{
    struct place place = { .scratch = *state, .log = log_new(CONFIG_LOG_TEXT, CONFIG_LOG_ERROR) };

    scratch_path(place.scratch, "ratchet.db", place.path);
    const struct ratchets_options options = { .path = place.path,
                                              .queue = queue,
                                              .log = place.log };
    assert_int_equal(loop_open(&place.loop), 0);
    assert_int_equal(ratchets_open(&options, &place.ratchets, NULL), 0);
    assert_int_equal(ratchets_start(place.ratchets), 0);
    return place;
}

/* All that was asked is on the disk then. */
static void place_stop(struct place *place)
{
    ratchets_stop(place->ratchets);
    loop_deliver(place->loop);
}

static void place_close(struct place *place)
{
    place_stop(place);
    ratchets_free(place->ratchets);
    loop_close(place->loop);
    log_free(place->log);
}

/* Of a device that nobody knows, and that nobody waits for. */
static void ask(struct place *place, unsigned number, int result)
{
    struct ratchets_question question = { .order = number + 1, .has_message = true };
    struct ratchet_turn *turn = NULL;

    (void)snprintf(question.who.name, sizeof(question.who.name), "lamp-%u", number);
    assert_int_equal(ratchets_ask(place->ratchets, &question, NULL, place->loop, &turn), result);
}

static void what_is_asked_is_on_the_disk(void **state)
{
    struct place place = place_make(state, 1000);
    struct ratchet_file *file = NULL;
    struct ratchet_file_entry found;

    assert_false(ratchets_know(place.ratchets, "lamp-7"));
    for (unsigned i = 0; i < 600; i++)
        ask(&place, i, 0);
    ratchets_confirm(place.ratchets, "lamp-7", 8, place.loop);
    ratchets_confirm(place.ratchets, "lamp-8", 8, place.loop); /* not its last connection */
    ratchets_confirm(place.ratchets, "nobody", 8, place.loop);
    place_stop(&place);
    assert_true(ratchets_know(place.ratchets, "lamp-7"));
    assert_false(ratchets_know(place.ratchets, "nobody"));
    place_close(&place);

    assert_int_equal(ratchet_file_open(place.path, false, &file, NULL), 0);
    assert_int_equal(ratchet_file_find(file, "lamp-7", &found, NULL), 0);
    assert_true(found.record.has_base && !found.record.has_next);
    assert_int_equal(found.record.base.counter, 1);
    assert_int_equal(ratchet_file_find(file, "lamp-8", &found, NULL), 0);
    assert_true(!found.record.has_base && found.record.has_next);
    ratchet_file_close(file);

    place = place_make(state, 8);
    assert_true(ratchets_know(place.ratchets, "lamp-599"));
    place_close(&place);
}

static void what_waits_is_bounded(void **state)
{
    struct place place = place_make(state, 1);
    struct ratchets_question question = { .order = 1 };
    struct ratchet_turn *turn = NULL;
    int error = 0;

    /* The thread needs longer for one than we do. */
    for (unsigned i = 0; i < 100000 && error == 0; i++)
        error = ratchets_ask(place.ratchets, &question, NULL, place.loop, &turn);
    assert_int_equal(error, -EAGAIN);
    place_stop(&place);
    ask(&place, 1, -EAGAIN);
    place_close(&place);
}

static void a_file_that_is_none_is_an_error(void **state)
{
    struct ratchets *ratchets = NULL;
    struct pki_fault fault = { "" };
    const struct ratchets_options options = { .path = "/nonexistent/ratchet.db", .queue = 1 };

    (void)state;
    assert_true(ratchets_open(&options, &ratchets, &fault) < 0);
    assert_non_null(strstr(fault.text, "/nonexistent/ratchet.db"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_asked_is_on_the_disk, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(what_waits_is_bounded, scratch_make, scratch_remove),
        cmocka_unit_test(a_file_that_is_none_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
