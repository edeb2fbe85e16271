/* SPDX-License-Identifier: Apache-2.0 */
/* The power goes at every operation of the disk while a log is written to, goes from file to file
 * and removes old ones. What is found afterwards is a chain that is whole, has everything that was
 * synced, and is gone on with. */
#include "audit/folder.h"
#include "audit/stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WAYS 6 /* in which one moment ends */

/* Goes on until the power is gone or all is done. Returns the last record that was synced. */
static uint64_t write_until_cut(struct fake_files *fake, const struct audit_port *port)
{
    struct files files = fake_files_port(fake);
    struct audit_journal_options options = audit_stand_options(&files, port, 10);
    struct audit_journal *journal = NULL;
    struct audit_found found;
    uint64_t synced = 0;

    options.file_bytes = 3000;
    if (audit_journal_open(&options, STAND_TIME_MS, &journal, &found) != 0)
        return 0;
    for (unsigned batch = 0; batch < 12; batch++) {
        bool is_written = false;
        if (audit_journal_begin(journal, STAND_TIME_MS) != 0)
            break;
        for (unsigned i = 0; i < 3; i++)
            audit_stand_append(journal, batch * 3 + i);
        if (audit_journal_commit(journal, STAND_TIME_MS, AUDIT_COMMIT_SYNC, &is_written) != 0)
            break;
        struct audit_statement head;
        assert_int_equal(audit_folder_read_head(&files, &head), 0);
        synced = head.sequence;
    }
    audit_journal_close(journal);
    return synced;
}

static void open_and_verify(struct fake_files *fake, const struct audit_port *port, uint64_t synced,
                            uint64_t nth)
{
    struct files files = fake_files_port(fake);
    struct audit_journal_options options = audit_stand_options(&files, port, 10);
    struct audit_journal *journal = NULL;
    struct audit_stand_findings findings;
    struct audit_found found;

    assert_int_equal(audit_journal_open(&options, STAND_TIME_MS, &journal, &found), 0);
    if (found.is_damaged)
        fail_msg("cut %llu: the log was not gone on with", (unsigned long long)nth);
    audit_stand_fill(journal, 5, 5);
    audit_journal_close(journal);
    struct audit_verify seen = audit_stand_verify(&files, port, NULL, &findings);
    if (findings.count > 0)
        fail_msg("cut %llu: %s", (unsigned long long)nth, findings.text);
    if (seen.sequence < synced + 5)
        fail_msg("cut %llu: synced %llu, %llu are there", (unsigned long long)nth,
                 (unsigned long long)synced, (unsigned long long)seen.sequence);
}

static void the_power_may_go_at_any_time(void **state)
{
    const struct audit_port port = audit_stand_port();
    uint64_t nth = 1;
    bool is_cut = true;

    (void)state;
    for (; is_cut; nth++) {
        struct fake_files *fake = fake_files_new(nth);
        fake_files_cut_at(fake, nth);
        uint64_t synced = write_until_cut(fake, &port);
        is_cut = fake_files_is_cut(fake);
        if (!is_cut)
            fake_files_cut(fake);
        for (uint64_t way = 1; way <= WAYS; way++) {
            struct fake_files *after = fake_files_after_cut(fake, way * 1000 + nth, false);
            open_and_verify(after, &port, synced, nth);
            fake_files_free(after);
        }
        fake_files_free(fake);
    }
    assert_true(nth > 60);
}

/* A disk that tears a block takes what was synced in it before along. That is no chain that is whole,
 * but one whose loss is named, or that ends before. */
static void a_torn_block_is_named(void **state)
{
    const struct audit_port port = audit_stand_port();

    (void)state;
    for (uint64_t nth = 1; nth < 100; nth++) {
        struct fake_files *fake = fake_files_new(nth);
        fake_files_cut_at(fake, nth);
        (void)write_until_cut(fake, &port);
        struct fake_files *after = fake_files_after_cut(fake, nth, true);
        struct files files = fake_files_port(after);
        const struct audit_journal_options options = audit_stand_options(&files, &port, 10);
        struct audit_journal *journal = NULL;
        struct audit_stand_findings findings;
        struct audit_found found;
        assert_int_equal(audit_journal_open(&options, STAND_TIME_MS, &journal, &found), 0);
        audit_stand_fill(journal, 5, 5);
        audit_journal_close(journal);
        (void)audit_stand_verify(&files, &port, NULL, &findings);
        assert_int_equal(findings.count > 0, found.is_damaged);
        fake_files_free(after);
        fake_files_free(fake);
    }
}

/* A process that dies leaves a prefix of what it was writing. */
static void every_prefix_of_the_last_write_is_gone_on_from(void **state)
{
    const struct audit_port port = audit_stand_port();
    const char *name = "audit-0000000000000001.log";
    struct fake_files *fake = fake_files_new(1);
    struct files files = fake_files_port(fake);
    struct audit_journal_options options = audit_stand_options(&files, &port, 10);
    struct audit_journal *journal = NULL;
    struct audit_found found;
    bool is_written = false;

    (void)state;
    assert_int_equal(audit_journal_open(&options, STAND_TIME_MS, &journal, &found), 0);
    audit_stand_fill(journal, 4, 4);
    size_t before = fake_files_get(fake, name).len;
    assert_int_equal(audit_journal_begin(journal, STAND_TIME_MS), 0);
    audit_stand_append(journal, 1);
    audit_stand_append(journal, 2);
    assert_int_equal(audit_journal_commit(journal, STAND_TIME_MS, AUDIT_COMMIT_WRITE, &is_written),
                     0);
    audit_journal_close(journal);
    struct mqtt_span whole = fake_files_get(fake, name);
    struct mqtt_span head = fake_files_get(fake, AUDIT_HEAD_NAME);
    for (size_t len = before; len <= whole.len; len++) {
        struct fake_files *after = fake_files_new(len);
        fake_files_put(after, name, (struct mqtt_span){ whole.data, len });
        fake_files_put(after, AUDIT_HEAD_NAME, head);
        open_and_verify(after, &port, 6, len);
        fake_files_free(after);
    }
    fake_files_free(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_power_may_go_at_any_time),
        cmocka_unit_test(a_torn_block_is_named),
        cmocka_unit_test(every_prefix_of_the_last_write_is_gone_on_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
