/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void audit_verify_say(struct audit_verify *verify, uint64_t sequence, const char *what,
                      const char *format, ...)
{
    char text[AUDIT_TROUBLE_BYTES];
    const struct audit_trouble trouble = {
        .file = verify->file,
        .line = verify->line,
        .sequence = sequence,
        .what = what,
        .text = text,
    };
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    verify->troubles++;
    if (verify->hooks.trouble != NULL)
        verify->hooks.trouble(verify->hooks.context, &trouble);
}

void audit_verify_file(struct audit_verify *verify, uint64_t number)
{
    verify->file = number;
    verify->line = 0;
}

/* The number of a line that is no record. */
static uint64_t presumed(const struct audit_verify *verify)
{
    return verify->sequence + verify->lost_lines + 1;
}

/* The number of a record whose own cannot be trusted; where nothing is before it, its kind helps. */
static uint64_t sequence_of(const struct audit_verify *verify, const struct audit_record *record)
{
    bool is_begun = verify->sequence > 0 || span_equal(record->kind, span_of(AUDIT_KIND_LOG));

    return is_begun ? presumed(verify) : record->sequence;
}

static void on_changed(struct audit_verify *verify, const struct audit_record *record)
{
    uint64_t sequence = sequence_of(verify, record);

    audit_verify_say(verify, sequence, "changed",
                     "record %" PRIu64 " was changed: it has not the hash that it says", sequence);
    if (verify->sequence == 0)
        verify->first = sequence;
    verify->sequence = sequence;
    verify->lost_lines = 0;
    verify->is_doubtful = true;
    memcpy(verify->hash, record->hash, sizeof(verify->hash));
}

void audit_verify_line(struct audit_verify *verify, struct mqtt_span line)
{
    struct audit_record record;
    const char *wrong = audit_record_parse(line, &record);

    verify->line++;
    verify->records++;
    if (wrong != NULL) {
        uint64_t sequence = presumed(verify);
        audit_verify_say(verify, sequence, "changed",
                         "what should be record %" PRIu64 " is no record: %s", sequence, wrong);
        verify->lost_lines++;
        verify->is_doubtful = true;
        return;
    }
    if (audit_record_is_whole(&record, verify->port))
        audit_verify_record(verify, &record);
    else
        on_changed(verify, &record);
}

void audit_verify_rest(struct audit_verify *verify, size_t len, bool is_last_file)
{
    if (len == 0 || is_last_file)
        return;
    verify->line++;
    audit_verify_say(verify, presumed(verify), "cut",
                     "the file ends inside of a record, of which %zu bytes are there", len);
}

/* ---- the end ---- */

static void check_front(struct audit_verify *verify)
{
    uint64_t allowed = verify->oldest > 0 ? verify->oldest : 1;

    if (verify->first > allowed)
        audit_verify_say(verify, allowed, "missing",
                         "records %" PRIu64 " to %" PRIu64
                         " are missing at the front, and no record says that they were removed "
                         "to make room",
                         allowed, verify->first - 1);
}

static void check_head(struct audit_verify *verify)
{
    const struct audit_statement *head = verify->head;

    if (head == NULL)
        audit_verify_say(verify, 0, "head",
                         "there is no head that this key has signed, so nobody knows whether "
                         "records are missing at the end");
    else if (verify->has_log && memcmp(head->log, verify->log, sizeof(head->log)) != 0)
        audit_verify_say(verify, head->sequence, "head", "the head is that of another log");
    else if (head->sequence > verify->sequence)
        audit_verify_say(verify, verify->sequence + 1, "missing",
                         "records %" PRIu64 " to %" PRIu64
                         " are missing at the end: they were there at %s",
                         verify->sequence + 1, head->sequence, head->time);
    else if (!verify->has_head && verify->troubles == 0)
        audit_verify_say(verify, head->sequence, "missing",
                         "record %" PRIu64 ", which the head names, is not there", head->sequence);
}

static void check_noted(struct audit_verify *verify)
{
    const struct audit_noted *noted = verify->noted;

    if (noted == NULL || verify->has_noted)
        return;
    if (noted->sequence > verify->sequence)
        audit_verify_say(verify, verify->sequence + 1, "missing",
                         "records %" PRIu64 " to %" PRIu64
                         " are missing at the end: the last of them was noted elsewhere",
                         verify->sequence + 1, noted->sequence);
    else
        audit_verify_say(verify, noted->sequence, "missing",
                         "record %" PRIu64 ", which was noted elsewhere, is not there",
                         noted->sequence);
}

void audit_verify_finish(struct audit_verify *verify)
{
    audit_verify_file(verify, 0);
    if (verify->records == 0)
        audit_verify_say(verify, 0, "missing", "there is no record at all");
    check_front(verify);
    check_head(verify);
    check_noted(verify);
}
