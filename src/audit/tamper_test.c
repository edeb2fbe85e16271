/* SPDX-License-Identifier: Apache-2.0 */
/* A log of 10,000 records, and everything that can be done to one of them: changed in each of its
 * parts, dropped, swapped with the next, repeated, and the log cut behind it and inside of it. Each
 * has to be named, at its place. The verifier goes on from a copy of its state, so that each try
 * costs a few lines. */
#include "audit/stand.h"

#include "audit/folder.h"
#include "audit/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECORDS 10001u
#define FIRST   "audit-0000000000000001.log"

struct log {
    struct fake_files *fake;
    struct files files;
    struct audit_port port;
    struct audit_statement head;
    struct mqtt_span *lines;     /* [0] is record 1 */
    struct audit_verify *states; /* before each of them, and after the last */
    struct audit_stand_findings findings;
};

/* Of users, the first, and a hundred checkpoints. */
static void make_log(struct log *log)
{
    struct audit_journal *journal = NULL;
    struct audit_found found;
    const struct audit_journal_options options = audit_stand_options(&log->files, &log->port, 100);

    assert_int_equal(audit_journal_open(&options, STAND_TIME_MS, &journal, &found), 0);
    audit_stand_fill(journal, RECORDS - 101, 500);
    audit_journal_close(journal);
    assert_int_equal(audit_folder_read_head(&log->files, &log->head), 0);
    assert_int_equal(log->head.sequence, RECORDS);
}

static int open_log(void **state)
{
    struct log *log = calloc(1, sizeof(*log));

    assert_non_null(log);
    log->fake = fake_files_new(1);
    log->files = fake_files_port(log->fake);
    log->port = audit_stand_port();
    log->lines = calloc(RECORDS, sizeof(log->lines[0]));
    log->states = calloc(RECORDS + 1, sizeof(log->states[0]));
    assert_true(log->lines != NULL && log->states != NULL);
    make_log(log);
    struct mqtt_span rest = fake_files_get(log->fake, FIRST);
    struct audit_verify verify = { .port = &log->port,
                                   .hooks = audit_stand_hooks(&log->findings),
                                   .head = &log->head };
    audit_verify_file(&verify, 1);
    for (unsigned i = 0; i < RECORDS; i++) {
        log->states[i] = verify;
        assert_true(audit_folder_next_line(&rest, &log->lines[i]));
        audit_verify_line(&verify, log->lines[i]);
    }
    assert_int_equal(rest.len, 0);
    log->states[RECORDS] = verify;
    audit_verify_finish(&verify);
    assert_int_equal(log->findings.count, 0);
    *state = log;
    return 0;
}

static int close_log(void **state)
{
    struct log *log = *state;

    free(log->lines);
    free(log->states);
    fake_files_free(log->fake);
    free(log);
    return 0;
}

/* From before record i + 1 on. */
static struct audit_verify at(struct log *log, unsigned i)
{
    struct audit_verify verify = log->states[i];

    verify.hooks = audit_stand_hooks(&log->findings);
    return verify;
}

static bool named(const struct log *log, const char *what, uint64_t sequence, uint64_t line)
{
    return log->findings.count > 0 && strcmp(log->findings.what, what) == 0
           && log->findings.sequence == sequence && log->findings.line == line;
}

/* ---- changed ---- */

static void change(struct log *log, unsigned i, size_t place, uint8_t mask)
{
    static uint8_t copy[AUDIT_LINE_BYTES];
    struct audit_verify verify = at(log, i);
    struct mqtt_span line = log->lines[i];

    if (place >= line.len)
        return;
    memcpy(copy, line.data, line.len);
    copy[place] ^= mask;
    audit_verify_line(&verify, (struct mqtt_span){ copy, line.len });
    if (log->findings.count != 1 || !named(log, "changed", i + 1, i + 1))
        fail_msg("record %u, byte %zu: %s", i + 1, place, log->findings.text);
    /* The rest is as it was: nothing more is said of it. */
    if (i + 1 < RECORDS)
        audit_verify_line(&verify, log->lines[i + 1]);
    assert_int_equal(log->findings.count, 1);
}

static size_t place_of(struct mqtt_span line, const char *text)
{
    const uint8_t *found = memmem(line.data, line.len, text, strlen(text));

    return found != NULL ? (size_t)(found - line.data) : 0;
}

static void each_part_of_each_record_is_covered(void **state)
{
    static const char *const parts[] = { "{",         ":",         "\"time\"", "-",     "kind",
                                         "client\"",  "address",   "192",      "topic", "\\u00",
                                         "prev\":\"", "hash\":\"", "\"}" };
    struct log *log = *state;

    for (unsigned i = 0; i < RECORDS; i++)
        for (size_t part = 0; part < MQTT_ARRAY_LEN(parts); part++) {
            size_t place = place_of(log->lines[i], parts[part]);
            change(log, i, place + strlen(parts[part]) - 1, 1);
            change(log, i, place + strlen(parts[part]), 4);
        }
}

/* Of some records: every byte, every bit. */
static void each_bit_is_covered(void **state)
{
    static const unsigned which[] = { 0, 1, 98, 99, 100, 5000, RECORDS - 2, RECORDS - 1 };
    struct log *log = *state;

    for (size_t n = 0; n < MQTT_ARRAY_LEN(which); n++)
        for (size_t place = 0; place < log->lines[which[n]].len; place++)
            for (unsigned bit = 0; bit < 8; bit++)
                change(log, which[n], place, (uint8_t)(1u << bit));
}

/* ---- dropped, moved, repeated ---- */

static void each_dropped_record_is_missed(void **state)
{
    struct log *log = *state;

    for (unsigned i = 0; i + 1 < RECORDS; i++) {
        struct audit_verify verify = at(log, i);
        audit_verify_line(&verify, log->lines[i + 1]);
        if (i == 0) {
            /* What is first now is not what a file begins with, and the front is missed in the end. */
            assert_true(named(log, "moved", 2, 1));
            verify.sequence = RECORDS;
            audit_verify_finish(&verify);
            continue;
        }
        if (!named(log, "missing", i + 1, i + 1))
            fail_msg("record %u: %s", i + 1, log->findings.text);
    }
}

static void each_swapped_pair_is_seen(void **state)
{
    struct log *log = *state;

    for (unsigned i = 0; i + 1 < RECORDS; i++) {
        struct audit_verify verify = at(log, i);
        audit_verify_line(&verify, log->lines[i + 1]);
        assert_true(log->findings.count > 0);
        audit_verify_line(&verify, log->lines[i]);
        if (!named(log, "moved", i + 1, i + 2))
            fail_msg("record %u: %s", i + 1, log->findings.text);
        unsigned before = log->findings.count;
        if (i + 2 < RECORDS)
            audit_verify_line(&verify, log->lines[i + 2]);
        assert_int_equal(log->findings.count, before);
    }
}

static void each_repeated_record_is_seen(void **state)
{
    struct log *log = *state;

    for (unsigned i = 0; i + 1 < RECORDS; i++) {
        struct audit_verify verify = at(log, i + 1);
        audit_verify_line(&verify, log->lines[i]);
        assert_true(named(log, "moved", i + 1, i + 2));
        audit_verify_line(&verify, log->lines[i + 1]);
        assert_int_equal(log->findings.count, 1);
    }
}

/* ---- cut off ---- */

static void a_log_cut_behind_each_record_is_seen(void **state)
{
    struct log *log = *state;

    for (unsigned i = 1; i < RECORDS; i++) {
        struct audit_verify verify = at(log, i);
        audit_verify_finish(&verify);
        if (log->findings.count != 1 || !named(log, "missing", i + 1, 0))
            fail_msg("behind record %u: %s", i, log->findings.text);
    }
}

static void a_log_cut_inside_of_each_record_is_seen(void **state)
{
    struct log *log = *state;

    for (unsigned i = 0; i < RECORDS; i++)
        for (unsigned part = 0; part < 4; part++) {
            struct audit_verify verify = at(log, i);
            audit_verify_rest(&verify, 1 + part * (log->lines[i].len - 1) / 3, true);
            audit_verify_finish(&verify);
            assert_true(named(log, "missing", i + 1, 0));
        }
}

/* With a head that is as old as the end, only what was noted elsewhere tells. */
static void an_end_with_its_head_is_missed_by_who_noted_more(void **state)
{
    struct log *log = *state;
    struct audit_record record;

    for (unsigned i = 1; i < RECORDS; i += 97) {
        struct audit_verify verify = at(log, i);
        struct audit_statement head = log->head;
        struct audit_noted noted = { .sequence = RECORDS };
        assert_null(audit_record_parse(log->lines[i - 1], &record));
        head.sequence = i;
        memcpy(head.hash, record.hash, sizeof(head.hash));
        assert_int_equal(audit_statement_sign(&head, AUDIT_STATES_HEAD, &log->port), 0);
        verify.head = &head;
        verify.has_head = true;
        verify.noted = &noted;
        audit_verify_finish(&verify);
        assert_int_equal(log->findings.count, 1);
        assert_true(named(log, "missing", i + 1, 0));
    }
}

/* ---- made anew by one who has not the key ---- */

static void a_chain_made_anew_fails_at_its_next_checkpoint(void **state)
{
    struct log *log = *state;
    static char text[AUDIT_LINE_BYTES];

    for (unsigned from = 1; from < 9900; from += 101) {
        struct audit_verify verify = at(log, from);
        uint8_t chain[AUDIT_HASH_BYTES];
        memcpy(chain, verify.hash, sizeof(chain));
        for (unsigned i = from; i < from + 100; i++) {
            struct audit_record record;
            char kind[AUDIT_KIND_BYTES + 1] = "";
            assert_null(audit_record_parse(log->lines[i], &record));
            memcpy(kind, record.kind.data, record.kind.len);
            const struct audit_entry entry = { record.sequence, STAND_TIME_MS + (i == from), kind,
                                               record.fields };
            size_t len = audit_record_write(&entry, &log->port, chain, text);
            audit_verify_line(&verify, (struct mqtt_span){ (const uint8_t *)text, len - 1 });
        }
        assert_string_equal(log->findings.what, "unsigned");
        audit_verify_line(&verify, log->lines[from + 100]);
        assert_string_equal(log->findings.what, "replaced");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_of_each_record_is_covered),
        cmocka_unit_test(each_bit_is_covered),
        cmocka_unit_test(each_dropped_record_is_missed),
        cmocka_unit_test(each_swapped_pair_is_seen),
        cmocka_unit_test(each_repeated_record_is_seen),
        cmocka_unit_test(a_log_cut_behind_each_record_is_seen),
        cmocka_unit_test(a_log_cut_inside_of_each_record_is_seen),
        cmocka_unit_test(an_end_with_its_head_is_missed_by_who_noted_more),
        cmocka_unit_test(a_chain_made_anew_fails_at_its_next_checkpoint),
    };
    return cmocka_run_group_tests(tests, open_log, close_log);
}
