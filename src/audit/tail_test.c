/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tail.h"

#include "audit/folder.h"
#include "audit/stand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct world {
    struct fake_files *fake;
    struct files files;
    struct audit_port port;
    struct audit_journal *journal;
    struct audit_tail tail;
    uint64_t seen;     /* number of the last record that was taken */
    unsigned refusals; /* of the next lines */
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->fake = fake_files_new(1);
    world->files = fake_files_port(world->fake);
    world->port = audit_stand_port();
    world->journal = audit_stand_open_small(&world->files, &world->port);
    audit_tail_init(&world->tail, &world->files, 0, 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    audit_tail_fini(&world->tail);
    audit_journal_close(world->journal);
    fake_files_free(world->fake);
    free(world);
    return 0;
}

static int on_line(void *context, struct mqtt_span line)
{
    struct world *world = context;
    struct audit_record record;

    if (world->refusals > 0) {
        world->refusals--;
        return -EAGAIN;
    }
    assert_null(audit_record_parse(line, &record));
    assert_true(record.sequence > world->seen);
    world->seen = record.sequence;
    return 0;
}

/* All there is; returns how many records came. */
static uint64_t read_all(struct world *world, int expected)
{
    uint64_t before = world->seen;
    int status = 1;

    while (status == 1)
        status = audit_tail_read(&world->tail, on_line, world);
    assert_int_equal(status, expected);
    return world->seen - before;
}

static void lines_come_once_and_from_file_to_file(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < 40; i++) {
        audit_stand_fill(world->journal, 1, 1);
        uint64_t last = audit_journal_sequence(world->journal);
        uint64_t news = last - world->seen;
        assert_int_equal(read_all(world, 0), news);
        assert_int_equal(world->seen, last);
    }
    assert_true(world->tail.number > 3);
}

static void a_line_that_was_refused_comes_again(void **state)
{
    struct world *world = *state;

    world->refusals = 3;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(read_all(world, -EAGAIN), 0);
    assert_int_equal(read_all(world, 0), audit_journal_sequence(world->journal));
}

static void what_was_removed_is_passed_over(void **state)
{
    struct world *world = *state;

    audit_tail_init(&world->tail, &world->files, 1, 0);
    audit_stand_fill(world->journal, 60, 1);
    (void)read_all(world, 0);
    assert_int_equal(world->seen, audit_journal_sequence(world->journal));
}

/* The end of a file that a crash has left unfinished, and somebody else went on behind it. */
static void a_part_of_a_line_waits_for_its_rest(void **state)
{
    struct world *world = *state;
    char name[AUDIT_NAME_BYTES];
    const struct mqtt_span part = span_of("{\"seq\":");
    struct file *file = NULL;

    (void)read_all(world, 0);
    assert_int_equal(
        world->files.open(world->files.context, audit_folder_name(1, name), FILE_CHANGE, &file), 0);
    assert_int_equal(world->files.write(file, world->tail.at, &part, 1), 0);
    world->files.close(file);
    assert_int_equal(read_all(world, 0), 0);
    fake_files_put(world->fake, audit_folder_name(2, name), (struct mqtt_span){ NULL, 0 });
    assert_int_equal(read_all(world, 0), 0);
    assert_int_equal(world->tail.number, 2);
}

static void what_cannot_be_listed_is_an_error(void **state)
{
    struct world *world = *state;

    (void)read_all(world, 0);
    fake_files_fail(world->fake, FAKE_LIST, 1, EIO, false);
    assert_int_equal(read_all(world, -EIO), 0);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(lines_come_once_and_from_file_to_file),
        IN_WORLD(a_line_that_was_refused_comes_again),
        IN_WORLD(what_was_removed_is_passed_over),
        IN_WORLD(a_part_of_a_line_waits_for_its_rest),
        IN_WORLD(what_cannot_be_listed_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
