/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/hex.h"
#include "audit/verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_kind(const struct audit_record *record, const char *kind)
{
    return span_equal(record->kind, span_of(kind));
}

/* 0: it is not there, or no number. The field ends with a quote. */
static uint64_t number_in(const struct audit_record *record, const char *name)
{
    struct mqtt_span value = audit_fields_find(record->fields, name);

    return value.len > 0 ? strtoull((const char *)value.data, NULL, 10) : 0;
}

static void move_to(struct audit_verify *verify, const struct audit_record *record)
{
    if (verify->sequence == 0)
        verify->first = record->sequence;
    verify->sequence = record->sequence;
    verify->lost_lines = 0;
    verify->is_doubtful = false;
    memcpy(verify->hash, record->hash, sizeof(verify->hash));
}

/* False: it does not belong here, and the next one is awaited as before. */
static bool take_place(struct audit_verify *verify, const struct audit_record *record)
{
    uint64_t next = verify->sequence + 1;

    if (verify->sequence == 0)
        return true;
    if (record->sequence < next) {
        audit_verify_say(verify, record->sequence, "moved",
                         "record %" PRIu64 " stands behind record %" PRIu64
                         ": it was moved or repeated",
                         record->sequence, verify->sequence);
        return false;
    }
    if (record->sequence > next + verify->lost_lines)
        audit_verify_say(verify, next + verify->lost_lines, "missing",
                         "records %" PRIu64 " to %" PRIu64 " are missing before this line",
                         next + verify->lost_lines, record->sequence - 1);
    else if (!verify->is_doubtful && memcmp(record->prev, verify->hash, sizeof(verify->hash)) != 0)
        audit_verify_say(verify, record->sequence, "replaced",
                         "record %" PRIu64
                         " follows another record than the one before it: one of them was replaced",
                         record->sequence);
    return true;
}

/* ---- the first record of a file ---- */

static void check_key(struct audit_verify *verify, const struct audit_record *record)
{
    uint8_t key[AUDIT_HASH_BYTES];

    if (!audit_hex_get(audit_fields_find(record->fields, "key"), key, sizeof(key))
        || memcmp(key, verify->port->key, sizeof(key)) != 0)
        audit_verify_say(verify, record->sequence, "foreign",
                         "this file is signed by another key than the one to verify with");
}

static void check_log(struct audit_verify *verify, const struct audit_record *record)
{
    uint8_t log[AUDIT_ID_BYTES];
    bool is_good = audit_hex_get(audit_fields_find(record->fields, "log"), log, sizeof(log))
                   && (!verify->has_log || memcmp(log, verify->log, sizeof(log)) == 0);

    if (!is_good) {
        audit_verify_say(verify, record->sequence, "foreign", "this file is that of another log");
        return;
    }
    memcpy(verify->log, log, sizeof(log));
    verify->has_log = true;
}

/* A file record, or a log record that is the first of all. */
static void on_first(struct audit_verify *verify, const struct audit_record *record)
{
    check_log(verify, record);
    check_key(verify, record);
    if (number_in(record, "file") != verify->file)
        audit_verify_say(verify, record->sequence, "moved",
                         "this is file %" PRIu64 " of the log, under the name of another",
                         number_in(record, "file"));
    if (is_kind(record, AUDIT_KIND_FILE))
        verify->oldest = number_in(record, "oldest");
}

/* A log begins though there was one before it: its end is where this one says it was. */
static void on_new_log(struct audit_verify *verify, const struct audit_record *record)
{
    uint64_t before = number_in(record, "before_seq");

    audit_verify_say(verify, record->sequence, "restarted",
                     "a new log begins here: the one before it was found damaged at the start of "
                     "tacitd, or has another key");
    if (before > verify->sequence)
        audit_verify_say(verify, verify->sequence + 1, "missing",
                         "records %" PRIu64 " to %" PRIu64
                         " of the log before this one are missing at its end",
                         verify->sequence + 1, before);
    verify->sequence = 0;
    verify->lost_lines = 0;
    verify->oldest = 0;
    verify->has_log = false;
    verify->signed_sequence = 0;
}

static void check_form(struct audit_verify *verify, const struct audit_record *record)
{
    bool is_first = is_kind(record, AUDIT_KIND_LOG) || is_kind(record, AUDIT_KIND_FILE);

    if (is_first)
        on_first(verify, record);
    if (is_first != (verify->line == 1))
        audit_verify_say(verify, record->sequence, "moved",
                         is_first ? "the first record of a file stands inside of one"
                                  : "this is not the first record of a file: what was before it "
                                    "is missing");
    if (is_kind(record, AUDIT_KIND_LOG) != (record->sequence == 1))
        audit_verify_say(verify, record->sequence, "replaced",
                         "a log begins with record 1, and this is record %" PRIu64,
                         record->sequence);
}

/* ---- what is known of some records from elsewhere ---- */

static void check_checkpoint(struct audit_verify *verify, const struct audit_record *record)
{
    struct audit_statement statement = { .sequence = record->sequence - 1 };

    if (!verify->has_log)
        return;
    memcpy(statement.log, verify->log, sizeof(statement.log));
    memcpy(statement.hash, record->prev, sizeof(statement.hash));
    memcpy(statement.time, record->time.data, AUDIT_STAMP_LEN);
    if (audit_hex_get(audit_fields_find(record->fields, "signature"), statement.signature,
                      sizeof(statement.signature))
        && audit_statement_is_signed(&statement, AUDIT_STATES_CHECKPOINT, verify->port)) {
        verify->signed_sequence = record->sequence;
        return;
    }
    audit_verify_say(verify, record->sequence, "unsigned",
                     "the signature of checkpoint %" PRIu64 " does not fit: one of the records "
                     "behind %" PRIu64 " was made by another hand",
                     record->sequence, verify->signed_sequence);
}

/* Whether `hash` is that of the record; when it is not, that is said. */
static bool is_that(struct audit_verify *verify, const struct audit_record *record,
                    const uint8_t *hash, const char *who)
{
    if (memcmp(record->hash, hash, AUDIT_HASH_BYTES) != 0)
        audit_verify_say(verify, record->sequence, "replaced",
                         "record %" PRIu64 " is not the one that %s", record->sequence, who);
    return true;
}

static void check_statements(struct audit_verify *verify, const struct audit_record *record)
{
    const struct audit_statement *head = verify->head;
    const struct audit_noted *noted = verify->noted;

    if (head != NULL && verify->has_log && head->sequence == record->sequence
        && memcmp(head->log, verify->log, sizeof(head->log)) == 0)
        verify->has_head = is_that(verify, record, head->hash, "the head names");
    if (noted != NULL && noted->sequence == record->sequence)
        verify->has_noted = is_that(verify, record, noted->hash, "was noted elsewhere");
}

void audit_verify_record(struct audit_verify *verify, const struct audit_record *record)
{
    if (is_kind(record, AUDIT_KIND_LOG) && verify->line == 1 && verify->sequence > 0)
        on_new_log(verify, record);
    if (!take_place(verify, record))
        return;
    move_to(verify, record);
    check_form(verify, record);
    if (is_kind(record, AUDIT_KIND_CHECKPOINT))
        check_checkpoint(verify, record);
    check_statements(verify, record);
}
