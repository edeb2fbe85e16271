/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/event_sense.h"

#include "net/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What the audit log would have of it. */
struct seen {
    unsigned lines;
    enum log_kind kind;
    char text[LOG_LINE_BYTES];
    char fields[LOG_LINE_BYTES]; /* "key=value" and a line end, of each */
};

static void saw(void *context, const struct log_line *line)
{
    struct seen *seen = context;
    size_t used = 0;

    seen->lines++;
    seen->kind = line->kind;
    snprintf(seen->text, sizeof(seen->text), "%s", line->text);
    for (size_t i = 0; i < line->field_count; i++)
        used += (size_t)snprintf(seen->fields + used, sizeof(seen->fields) - used, "%s=%.*s\n",
                                 line->fields[i].key, (int)line->fields[i].value.len,
                                 (const char *)line->fields[i].value.data);
}

/* NULL: only the notice. */
static struct seen report_both(const struct sensing_notice *notice,
                               const struct sensing_response *response, int64_t until_s)
{
    struct seen seen = { .lines = 0 };
    struct log *log = log_new(CONFIG_LOG_TEXT, CONFIG_LOG_ERROR);
    const struct log_witness witness = { &seen, saw };

    assert_non_null(log);
    log_set_witness(log, &witness);
    if (response != NULL)
        event_sense_responded(log, response, until_s);
    else
        event_sense_report(log, notice);
    log_free(log);
    assert_int_equal(seen.lines, 1);
    return seen;
}

static struct seen report(const struct sensing_notice *notice)
{
    return report_both(notice, NULL, 0);
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in: %s", part, text);
}

static const struct sense_reason reasons[] = {
    { SENSE_PUBLISHES, SENSE_OF_ROLE, 35.5f, 300, 0, 7, 40 },
    { SENSE_NEW_FILTERS, SENSE_OF_OWN, 12, 3, 0, 0, 5 },
};

static struct sensing_notice of_device(void)
{
    return (struct sensing_notice){
        .kind = SENSING_OF_DEVICE,
        .verdict = SENSE_ATTACKING,
        .identity = { .device = "pump-17", .site = "north", .role = "pump", .proved = true },
        .reasons = reasons,
        .reason_count = 2,
        .evidence = 31.25f,
        .surprised = 1,
        .here = 12,
    };
}

static void a_device_is_told_with_its_reasons(void **state)
{
    (void)state;
    struct sensing_notice notice = of_device();
    struct seen seen = report(&notice);

    assert_int_equal(seen.kind, LOG_SENSE);
    has(seen.text, "device pump-17, role pump: attacking for 40 s: ");
    has(seen.text, "300 messages");
    has(seen.fields, "of=device\nverdict=attacking\nevidence_bits=31.25\n");
    has(seen.fields, "device=pump-17\nsite=north\nrole=pump\n");
    has(seen.fields, "reason_1=publishes: 300 messages, usual 0 to 7, 35.5 bits, model role, "
                     "for 40 s\n");
    has(seen.fields, "reason_2=new_filters: 3 filters");
    has(seen.fields, "surprised=1\nhere=12\n");
    assert_null(strstr(seen.fields, "tenant="));
}

static void a_group_names_its_members(void **state)
{
    (void)state;
    struct sensing_notice notice = of_device();

    notice.kind = SENSING_OF_GROUP;
    notice.verdict = SENSE_ATTACKED;
    notice.surprised = 9;
    notice.members[0] = "pump-17";
    notice.members[1] = "pump-3";
    notice.member_count = 2;
    struct seen seen = report(&notice);
    has(seen.text, "9 of 12 devices of role pump at once, a common cause; most of all pump-17: ");
    has(seen.fields, "devices=pump-17 pump-3\n");
    has(seen.fields, "verdict=attacked\n");
}

/* As long as names may be: cut, never written beyond. */
static void long_names_are_cut(void **state)
{
    (void)state;
    static char name[IDENTITY_NAME_BYTES + 1];
    struct sensing_notice notice = of_device();

    memset(name, 'x', sizeof(name) - 1);
    notice.kind = SENSING_OF_GROUP;
    notice.identity.device = notice.identity.role = name;
    for (unsigned i = 0; i < SENSING_NAMED; i++)
        notice.members[notice.member_count++] = name;
    (void)report(&notice);
}

static void a_source_is_told_by_its_address(void **state)
{
    (void)state;
    const struct connection_facts facts = { .listener = "mqtts", .address = "192.0.2.1:40000" };
    const struct sense_source_standing standing = {
        .evidence = 40,
        .feature = SENSE_FAILURES,
        .bits = 38,
        .expected = 1,
        .observed = 12,
        .since_s = 5,
    };
    struct sensing_notice notice = {
        .kind = SENSING_OF_SOURCE,
        .verdict = SENSE_ATTACKING,
        .evidence = 40,
        .facts = &facts,
        .source = &standing,
    };
    struct seen seen = report(&notice);

    assert_int_equal(seen.kind, LOG_SENSE_SOURCE);
    has(seen.text, "address 192.0.2.1 attacking for 5 s: ");
    has(seen.fields, "address=192.0.2.1:40000\nlistener=mqtts\nfeature=");
    has(seen.fields, "observed=12\nexpected_high=1\nsince_s=5\n");
    notice.facts = NULL;
    seen = report(&notice);
    has(seen.text, "many addresses together attacking for 5 s: ");
    assert_null(strstr(seen.fields, "address="));
}

static void what_is_done_is_told_with_its_undo(void **state)
{
    (void)state;
    struct sensing_notice notice = of_device();
    struct sensing_response response = { .why = &notice, .messages = { 14, 5 } };
    struct seen seen = report_both(&notice, &response, 0);

    assert_int_equal(seen.kind, LOG_SENSE_RESPONSE);
    has(seen.text, "device pump-17, role pump, is read no faster than 14 messages in 5 s until it "
                   "is calm: attacking for 40 s: ");
    has(seen.text, "; undo: tacit sense undo pump-17");
    has(seen.fields, "action=throttle\ndone=yes\nverdict=attacking\n");
    has(seen.fields, "undo=tacit sense undo pump-17\nreason_1=publishes: ");
    response.action = SENSING_QUARANTINE;
    seen = report_both(&notice, &response, 1798761600);
    has(seen.text, "is in quarantine until 2027-01-01T00:00:00Z: attacking");
    has(seen.fields, "action=quarantine\ndone=yes\n");
    has(seen.fields, "until=2027-01-01T00:00:00Z\n");
    response.not_done = "there are enough";
    seen = report_both(&notice, &response, 0);
    has(seen.text, "stays out of quarantine, as there are enough: ");
    has(seen.fields, "done=no\n");
    has(seen.fields, "why_not=there are enough\n");
}

static void what_would_be_done_is_of_another_kind(void **state)
{
    (void)state;
    struct sensing_notice notice = of_device();
    struct sensing_response response = { .why = &notice, .is_dry = true };
    struct seen seen;

    response.action = SENSING_QUARANTINE;
    seen = report_both(&notice, &response, 0);
    assert_int_equal(seen.kind, LOG_SENSE_DRY_RUN);
    has(seen.text, "would be in quarantine until it is released");
    has(seen.fields, "done=no\n");
    assert_null(strstr(seen.fields, "undo="));
}

static const struct sense_source_standing guessing = {
    .evidence = 40, .feature = SENSE_FAILURES, .bits = 39, .expected = 1, .observed = 12
};

static struct seen report_block(const struct event_sense_block *block)
{
    struct seen seen = { .lines = 0 };
    struct log *log = log_new(CONFIG_LOG_TEXT, CONFIG_LOG_ERROR);
    const struct log_witness witness = { &seen, saw };

    assert_non_null(log);
    log_set_witness(log, &witness);
    if (block->why != NULL)
        event_sense_blocked(log, block);
    else
        event_sense_unblocked(log, block->place, true, block->until_s);
    log_free(log);
    assert_int_equal(seen.lines, 1);
    return seen;
}

static void a_block_is_told_with_its_undo(void **state)
{
    const struct sensing_notice notice = {
        .kind = SENSING_OF_SOURCE, .verdict = SENSE_ATTACKING, .evidence = 40, .source = &guessing
    };
    struct barred_place place;
    struct event_sense_block block = { .why = &notice, .place = &place, .until_s = 1801396800 };

    (void)state;
    assert_true(barred_place_of("192.0.2.9", &place));
    struct seen seen = report_block(&block);
    assert_int_equal(seen.kind, LOG_SENSE_RESPONSE);
    assert_string_equal(seen.text,
                        "address 192.0.2.9 is blocked until 2027-01-31T12:00:00Z: failed "
                        "to log in (12 in a window); undo: tacit sense undo 192.0.2.9");
    has(seen.fields, "of=source\n");
    has(seen.fields, "action=block\ndone=yes\n");
    has(seen.fields, "place=192.0.2.9\nuntil=2027-01-31T12:00:00Z\n");
    block.is_dry = true;
    seen = report_block(&block);
    assert_int_equal(seen.kind, LOG_SENSE_DRY_RUN);
    has(seen.text, "would be blocked until");
    has(seen.fields, "done=no\n");
    assert_null(strstr(seen.fields, "undo=tacit"));
    block = (struct event_sense_block){ .why = &notice, .place = &place, .not_done = "of this" };
    seen = report_block(&block);
    has(seen.text, "is not blocked, as of this: failed to log in");
    has(seen.fields, "done=no\n");
    has(seen.fields, "why_not=of this\n");
    seen = report_block(&(struct event_sense_block){ .place = &place, .until_s = 1801396800 });
    assert_string_equal(seen.text, "address 192.0.2.9 is freed by an operator, and is not blocked "
                                   "until 2027-01-31T12:00:00Z");
    has(seen.fields, "action=unblock\n");
}

static void what_ends_needs_no_reason(void **state)
{
    (void)state;
    struct sensing_notice notice = of_device();
    struct sensing_response response = { .action = SENSING_LIFT, .why = &notice };

    notice.reason_count = 0;
    struct seen seen = report_both(&notice, &response, 0);
    assert_string_equal(seen.text, "device pump-17, role pump, is read as before");
    response.action = SENSING_PROTECT;
    seen = report_both(&notice, &response, 0);
    has(seen.text, "is protected: nothing is done against it");
    has(seen.fields, "action=protect\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_told_with_its_reasons),
        cmocka_unit_test(what_is_done_is_told_with_its_undo),
        cmocka_unit_test(what_would_be_done_is_of_another_kind),
        cmocka_unit_test(a_block_is_told_with_its_undo),
        cmocka_unit_test(what_ends_needs_no_reason),
        cmocka_unit_test(a_group_names_its_members),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(a_source_is_told_by_its_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
