/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/journal.h"

#include "audit/folder.h"
#include "audit/stand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FIRST "audit-0000000000000001.log"

struct world {
    struct fake_files *fake;
    struct files files;
    struct audit_port port;
    struct audit_journal_options options;
    struct audit_journal *journal;
    struct audit_found found;
    struct audit_stand_findings findings;
};

static void open_world(struct world *world)
{
    assert_int_equal(
        audit_journal_open(&world->options, STAND_TIME_MS, &world->journal, &world->found), 0);
}

static void init(struct world *world)
{
    *world = (struct world){ .fake = fake_files_new(1), .port = audit_stand_port() };
    world->files = fake_files_port(world->fake);
    world->options = audit_stand_options(&world->files, &world->port, 100);
    open_world(world);
}

static void fini(struct world *world)
{
    audit_journal_close(world->journal);
    fake_files_free(world->fake);
}

static struct audit_verify verify(struct world *world)
{
    return audit_stand_verify(&world->files, &world->port, NULL, &world->findings);
}

static void reopen(struct world *world)
{
    audit_journal_close(world->journal);
    open_world(world);
}

/* The file without its last `bytes`, or with `more` behind it. */
static void change_end(struct world *world, const char *name, size_t bytes, const char *more)
{
    static uint8_t copy[1 << 20];
    struct mqtt_span whole = fake_files_get(world->fake, name);
    size_t len = whole.len - bytes;

    assert_true(whole.len >= bytes && len + strlen(more) <= sizeof(copy));
    memcpy(copy, whole.data, len);
    memcpy(copy + len, more, strlen(more));
    fake_files_put(world->fake, name, (struct mqtt_span){ copy, len + strlen(more) });
}

static void a_new_log_begins_and_is_whole(void **state)
{
    struct world world;

    (void)state;
    init(&world);
    assert_true(world.found.is_new);
    assert_int_equal(verify(&world).records, 1);
    assert_int_equal(world.findings.count, 0);
    fini(&world);
}

static void a_log_is_gone_on_with(void **state)
{
    struct world world;

    (void)state;
    init(&world);
    audit_stand_fill(world.journal, 250, 7);
    reopen(&world);
    assert_false(world.found.is_new);
    assert_int_equal(world.found.cut_bytes, 0);
    audit_stand_fill(world.journal, 50, 50);
    struct audit_verify seen = verify(&world);
    assert_int_equal(world.findings.count, 0);
    /* The first record, 300, two that were due, and one behind each filling. */
    assert_int_equal(seen.sequence, 305);
    assert_int_equal(seen.signed_sequence, 305);
    fini(&world);
}

static void a_checkpoint_comes_when_it_is_due(void **state)
{
    struct world world;
    bool is_written = false;

    (void)state;
    init(&world);
    assert_int_equal(audit_journal_begin(world.journal, STAND_TIME_MS), 0);
    for (unsigned i = 0; i < 99; i++)
        audit_stand_append(world.journal, i);
    assert_int_equal(
        audit_journal_commit(world.journal, STAND_TIME_MS, AUDIT_COMMIT_WRITE, &is_written), 0);
    assert_int_equal(verify(&world).signed_sequence, 101);
    assert_false(audit_journal_wants_seal(world.journal));
    assert_true(audit_journal_wants_sync(world.journal));
    fini(&world);
}

static void rotation_keeps_the_chain_and_says_what_it_removed(void **state)
{
    struct world world;
    struct audit_folder folder;

    (void)state;
    init(&world);
    audit_journal_set_bounds(world.journal, 4096, 3, 100);
    audit_stand_fill(world.journal, 200, 5);
    assert_int_equal(audit_folder_read(&world.files, &folder), 0);
    assert_int_equal(folder.count, 3);
    assert_true(folder.numbers[0] > 1);
    audit_folder_fini(&folder);
    struct audit_verify seen = verify(&world);
    assert_int_equal(world.findings.count, 0);
    assert_true(seen.first > 1);
    reopen(&world);
    verify(&world);
    assert_int_equal(world.findings.count, 0);
    fini(&world);
}

static void a_file_that_rotation_did_not_remove_is_missed(void **state)
{
    struct world world;
    struct audit_folder folder;
    char name[AUDIT_NAME_BYTES];

    (void)state;
    init(&world);
    audit_journal_set_bounds(world.journal, 4096, 4, 100);
    audit_stand_fill(world.journal, 200, 5);
    assert_int_equal(audit_folder_read(&world.files, &folder), 0);
    assert_int_equal(folder.count, 4);
    assert_int_equal(
        world.files.remove(world.files.context, audit_folder_name(folder.numbers[0], name)), 0);
    verify(&world);
    assert_int_equal(world.findings.count, 1);
    assert_string_equal(world.findings.what, "missing");
    audit_folder_fini(&folder);
    fini(&world);
}

static void a_torn_line_is_cut_off_and_said(void **state)
{
    struct world world;

    (void)state;
    init(&world);
    audit_stand_fill(world.journal, 10, 10);
    change_end(&world, FIRST, 0, "{\"seq\":13,\"time\":\"20");
    reopen(&world);
    assert_int_equal(world.found.cut_bytes, 20);
    assert_false(world.found.is_damaged);
    static const char said[] = "\"kind\":\"recovered\",\"cut_bytes\":\"20\"";
    struct mqtt_span text = fake_files_get(world.fake, FIRST);
    assert_non_null(memmem(text.data, text.len, said, sizeof(said) - 1));
    verify(&world);
    assert_int_equal(world.findings.count, 0);
    fini(&world);
}

/* Nobody who starts tacitd once more can hide it. */
static void an_end_that_was_cut_off_is_not_gone_on_with(void **state)
{
    struct world world;

    (void)state;
    init(&world);
    audit_stand_fill(world.journal, 10, 10);
    audit_journal_close(world.journal);
    world.journal = NULL;
    change_end(&world, FIRST, 900, "");
    verify(&world);
    assert_string_equal(world.findings.what, "missing");
    open_world(&world);
    assert_true(world.found.is_damaged);
    verify(&world);
    assert_in_range(world.findings.count, 2, 4);
    assert_string_equal(world.findings.what, "missing");
    assert_int_equal(world.findings.file, 2);
    fini(&world);
}

/* Also when the chain is made anew behind the place: the head knows the record. */
static void another_end_is_not_gone_on_with(void **state)
{
    struct world world;
    struct world other;

    (void)state;
    init(&world);
    init(&other);
    audit_stand_fill(world.journal, 10, 10);
    audit_stand_fill(other.journal, 12, 4);
    audit_journal_close(world.journal);
    fake_files_put(world.fake, FIRST, fake_files_get(other.fake, FIRST));
    open_world(&world);
    assert_true(world.found.is_damaged);
    fini(&world);
    fini(&other);
}

static void another_key_begins_another_log(void **state)
{
    struct world world;

    (void)state;
    init(&world);
    world.port.key[0]++;
    reopen(&world);
    assert_true(world.found.is_damaged);
    fini(&world);
}

static void a_full_disk_is_gone_on_from(void **state)
{
    struct world world;
    bool is_written = true;

    (void)state;
    init(&world);
    audit_stand_fill(world.journal, 10, 10);
    fake_files_bound(world.fake, fake_files_used(world.fake) + 512);
    assert_int_equal(audit_journal_begin(world.journal, STAND_TIME_MS), 0);
    for (unsigned i = 0; i < 50; i++)
        audit_stand_append(world.journal, i);
    assert_int_equal(
        audit_journal_commit(world.journal, STAND_TIME_MS, AUDIT_COMMIT_SYNC, &is_written),
        -ENOSPC);
    assert_false(is_written);
    fake_files_bound(world.fake, UINT64_MAX);
    audit_stand_fill(world.journal, 50, 50);
    assert_int_equal(verify(&world).sequence, 63);
    assert_int_equal(world.findings.count, 0);
    fini(&world);
}

static void what_another_process_writes_is_followed(void **state)
{
    struct world world;
    struct audit_journal *tool = NULL;
    struct audit_found found;

    (void)state;
    init(&world);
    audit_stand_fill(world.journal, 3, 3);
    assert_int_equal(audit_journal_open(&world.options, STAND_TIME_MS, &tool, &found), 0);
    audit_stand_fill(tool, 2, 2);
    audit_journal_close(tool);
    audit_stand_fill(world.journal, 3, 3);
    assert_int_equal(verify(&world).sequence, 12);
    assert_int_equal(world.findings.count, 0);
    fini(&world);
}

static void a_file_that_another_process_began_is_followed(void **state)
{
    struct world world;
    struct audit_journal *tool = NULL;
    struct audit_found found;

    (void)state;
    init(&world);
    audit_stand_fill(world.journal, 20, 20);
    world.options.file_bytes = 4096;
    assert_int_equal(audit_journal_open(&world.options, STAND_TIME_MS, &tool, &found), 0);
    audit_stand_fill(tool, 2, 1);
    audit_journal_close(tool);
    assert_true(fake_files_has(world.fake, "audit-0000000000000002.log"));
    audit_stand_fill(world.journal, 3, 3);
    assert_true(verify(&world).sequence > 27);
    assert_int_equal(world.findings.count, 0);
    fini(&world);
}

static int busy(void *context)
{
    (void)context;
    return -EBUSY;
}

static void without_the_lock_nothing_is_written(void **state)
{
    struct world world;
    struct audit_journal *journal = NULL;

    (void)state;
    init(&world);
    world.options.lock = busy;
    assert_int_equal(audit_journal_open(&world.options, STAND_TIME_MS, &journal, &world.found),
                     -EBUSY);
    fini(&world);
}

static void a_batch_has_its_bound(void **state)
{
    struct world world;
    static const uint8_t text[AUDIT_FIELDS_BYTES / 2];
    struct audit_fields fields = { 0 };
    int status = 0;
    bool is_written = false;

    (void)state;
    init(&world);
    audit_fields_add(&fields, "x", (struct mqtt_span){ text, 256 });
    struct mqtt_span said = audit_fields_end(&fields);
    assert_int_equal(audit_journal_begin(world.journal, STAND_TIME_MS), 0);
    for (unsigned i = 0; i < 1000 && status == 0; i++)
        status = audit_journal_append(world.journal, STAND_TIME_MS, "refused", said);
    assert_int_equal(status, -ENOBUFS);
    assert_int_equal(
        audit_journal_commit(world.journal, STAND_TIME_MS, AUDIT_COMMIT_SEAL, &is_written), 0);
    verify(&world);
    assert_int_equal(world.findings.count, 0);
    fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_log_begins_and_is_whole),
        cmocka_unit_test(a_log_is_gone_on_with),
        cmocka_unit_test(a_checkpoint_comes_when_it_is_due),
        cmocka_unit_test(rotation_keeps_the_chain_and_says_what_it_removed),
        cmocka_unit_test(a_file_that_rotation_did_not_remove_is_missed),
        cmocka_unit_test(a_torn_line_is_cut_off_and_said),
        cmocka_unit_test(an_end_that_was_cut_off_is_not_gone_on_with),
        cmocka_unit_test(another_end_is_not_gone_on_with),
        cmocka_unit_test(another_key_begins_another_log),
        cmocka_unit_test(a_full_disk_is_gone_on_from),
        cmocka_unit_test(what_another_process_writes_is_followed),
        cmocka_unit_test(a_file_that_another_process_began_is_followed),
        cmocka_unit_test(without_the_lock_nothing_is_written),
        cmocka_unit_test(a_batch_has_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
