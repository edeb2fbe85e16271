/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/walk.h"

#include "audit/folder.h"
#include "audit/stand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST   "audit-0000000000000001.log"
#define SECOND  "audit-0000000000000002.log"
#define MANY    2000 /* records: far more than AUDIT_WALK_TAIL_BYTES */
#define IN_HEAD 1000 /* an offset among those that the end does not show */

struct world {
    struct fake_files *fake;
    struct files files;
    struct audit_port port;
    struct audit_journal_options options;
    struct audit_journal *journal;
    struct audit_found found;
};

static void reopen(struct world *world)
{
    audit_journal_close(world->journal);
    assert_int_equal(
        audit_journal_open(&world->options, STAND_TIME_MS, &world->journal, &world->found), 0);
}

static void init(struct world *world, unsigned records)
{
    *world = (struct world){ .fake = fake_files_new(1), .port = audit_stand_port() };
    world->files = fake_files_port(world->fake);
    world->options = audit_stand_options(&world->files, &world->port, 100);
    world->options.files_max = 0;
    world->options.checks_later = true;
    reopen(world);
    audit_stand_fill(world->journal, records, 250);
}

static void fini(struct world *world)
{
    audit_journal_close(world->journal);
    fake_files_free(world->fake);
}

/* One byte of the first file becomes another; -1: counted from its end. */
static void change(struct world *world, int64_t at)
{
    struct mqtt_span whole = fake_files_get(world->fake, FIRST);
    uint8_t *copy = malloc(whole.len);

    assert_non_null(copy);
    memcpy(copy, whole.data, whole.len);
    copy[at < 0 ? whole.len - (size_t)-at : (size_t)at] ^= 1;
    fake_files_put(world->fake, FIRST, (struct mqtt_span){ copy, whole.len });
    free(copy);
}

static int check_all(struct world *world, unsigned *out_pieces)
{
    int more = 1;

    for (*out_pieces = 0; more == 1; (*out_pieces)++)
        more = audit_journal_check(world->journal);
    return more;
}

static void the_end_tells_what_the_whole_tells(void **state)
{
    struct world world;
    struct audit_statement head;

    (void)state;
    init(&world, MANY);
    assert_int_equal(audit_folder_read_head(&world.files, &head), 0);
    struct audit_walk tail = { .head = &head };
    struct audit_walk whole = { .head = &head };
    assert_int_equal(audit_walk_tail(&world.files, &world.port, 1, &tail), 0);
    assert_int_equal(audit_walk_file(&world.files, &world.port, 1, &whole), 0);
    assert_true(whole.bytes > 2 * AUDIT_WALK_TAIL_BYTES);
    assert_int_equal(tail.end.sequence, whole.end.sequence);
    assert_memory_equal(tail.end.hash, whole.end.hash, AUDIT_HASH_BYTES);
    assert_int_equal(tail.end.unsigned_records, whole.end.unsigned_records);
    assert_memory_equal(tail.log, whole.log, AUDIT_ID_BYTES);
    assert_memory_equal(tail.key, whole.key, AUDIT_HASH_BYTES);
    assert_int_equal(tail.whole_bytes, whole.whole_bytes);
    assert_int_equal(tail.bytes, whole.bytes);
    assert_true(tail.has_head && whole.has_head);
    fini(&world);
}

static void what_was_not_synced_is_looked_at(void **state)
{
    struct world world;
    bool is_written = false;

    (void)state;
    init(&world, MANY);
    assert_int_equal(audit_journal_begin(world.journal, STAND_TIME_MS), 0);
    for (unsigned i = 0; i < 40; i++)
        audit_stand_append(world.journal, i);
    assert_int_equal(
        audit_journal_commit(world.journal, STAND_TIME_MS, AUDIT_COMMIT_WRITE, &is_written), 0);
    uint64_t last = audit_journal_sequence(world.journal);
    reopen(&world);
    assert_int_equal(audit_journal_sequence(world.journal), last);
    /* The last one is broken: it never was synced, and is cut off. */
    change(&world, -20);
    reopen(&world);
    assert_false(world.found.is_damaged);
    assert_true(world.found.cut_bytes > 0);
    /* In its place there is a record that says so. */
    assert_int_equal(audit_journal_sequence(world.journal), last);
    fini(&world);
}

static void a_whole_log_is_checked_piece_by_piece(void **state)
{
    struct world world;
    unsigned pieces;

    (void)state;
    init(&world, MANY);
    assert_false(audit_journal_wants_check(world.journal));
    reopen(&world);
    assert_true(audit_journal_wants_check(world.journal));
    assert_int_equal(check_all(&world, &pieces), 0);
    assert_true(pieces > 3);
    assert_false(audit_journal_wants_check(world.journal));
    assert_int_equal(audit_journal_check(world.journal), 0);
    fini(&world);
}

/* What was changed before the head's record is found later, and then it is as if it had been found at
 * once. */
static void what_was_changed_is_found_later(void **state)
{
    struct world later, at_once;
    unsigned pieces;

    (void)state;
    init(&later, MANY);
    init(&at_once, MANY);
    change(&later, IN_HEAD);
    change(&at_once, IN_HEAD);
    at_once.options.checks_later = false;
    reopen(&later);
    reopen(&at_once);
    assert_false(later.found.is_damaged);
    assert_true(at_once.found.is_damaged);
    assert_int_equal(check_all(&later, &pieces), -EBADMSG);
    assert_int_equal(audit_journal_check(later.journal), 0);
    audit_stand_fill(later.journal, 3, 3);
    audit_stand_fill(at_once.journal, 3, 3);
    struct mqtt_span second = fake_files_get(later.fake, SECOND);
    struct mqtt_span wanted = fake_files_get(at_once.fake, SECOND);
    assert_true(second.len > 0);
    assert_int_equal(second.len, wanted.len);
    assert_memory_equal(second.data, wanted.data, wanted.len);
    fini(&at_once);
    fini(&later);
}

/* As one does who replaces a record and all hashes behind it, up to those that are looked at. */
static void a_chain_that_does_not_lead_to_the_head_is_found(void **state)
{
    struct world world, other;
    unsigned pieces;

    (void)state;
    init(&world, MANY);
    init(&other, 1);
    struct mqtt_span ours = fake_files_get(world.fake, FIRST);
    struct mqtt_span theirs = fake_files_get(other.fake, FIRST);
    uint8_t *copy = malloc(ours.len);
    assert_non_null(copy);
    memcpy(copy, ours.data, ours.len);
    memcpy(copy, theirs.data, theirs.len);
    fake_files_put(world.fake, FIRST, (struct mqtt_span){ copy, ours.len });
    free(copy);
    reopen(&world);
    assert_int_equal(check_all(&world, &pieces), -EBADMSG);
    fini(&other);
    fini(&world);
}

/* Then all of it is looked at, at once. */
static void what_the_end_does_not_tell_is_looked_up(void **state)
{
    struct world world;
    struct audit_statement head;
    struct audit_walk walk = { 0 };

    (void)state;
    init(&world, 10);
    assert_int_equal(audit_folder_read_head(&world.files, &head), 0);
    walk.head = &head;
    assert_int_equal(audit_walk_tail(&world.files, &world.port, 1, &walk), -ENODATA); /* short */
    reopen(&world);
    assert_false(audit_journal_wants_check(world.journal));
    audit_stand_fill(world.journal, MANY, 250);
    assert_int_equal(audit_walk_tail(&world.files, &world.port, 1, &walk),
                     -ENODATA); /* far behind */
    walk.head = NULL;
    assert_int_equal(audit_walk_tail(&world.files, &world.port, 1, &walk), -ENODATA);
    assert_int_equal(audit_walk_tail(&world.files, &world.port, 7, &walk), -ENOENT);
    fini(&world);
}

static void what_was_cut_off_is_damage_at_once(void **state)
{
    struct world world;

    (void)state;
    init(&world, MANY);
    struct mqtt_span whole = fake_files_get(world.fake, FIRST);
    fake_files_put(world.fake, FIRST, (struct mqtt_span){ whole.data, whole.len - 1 });
    reopen(&world);
    assert_true(world.found.is_damaged);
    fini(&world);
}

static void a_file_that_is_gone_is_no_damage(void **state)
{
    struct world world;
    unsigned pieces;

    (void)state;
    init(&world, MANY);
    reopen(&world);
    assert_int_equal(world.files.remove(world.files.context, FIRST), 0);
    assert_int_equal(check_all(&world, &pieces), 0);
    fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_tells_what_the_whole_tells),
        cmocka_unit_test(what_was_not_synced_is_looked_at),
        cmocka_unit_test(a_whole_log_is_checked_piece_by_piece),
        cmocka_unit_test(what_was_changed_is_found_later),
        cmocka_unit_test(a_chain_that_does_not_lead_to_the_head_is_found),
        cmocka_unit_test(what_the_end_does_not_tell_is_looked_up),
        cmocka_unit_test(what_was_cut_off_is_damage_at_once),
        cmocka_unit_test(a_file_that_is_gone_is_no_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
