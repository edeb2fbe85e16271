/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/forward_wire.h"

#include "audit/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HASH "0000000000000000000000000000000000000000000000000000000000000000"
#define RECORD(fields)                                                             \
    "{\"seq\":7,\"time\":\"2027-01-31T12:00:00.000Z\",\"kind\":\"refused\"" fields \
    ",\"prev\":\"" HASH "\",\"hash\":\"" HASH "\"}"
#define USUAL "PRIORITY=5\nSYSLOG_FACILITY=10\nSYSLOG_IDENTIFIER=tacitd\nTACIT_AUDIT=1\n"
#define OWN                                         \
    "TACIT_AUDIT_SEQ=7\nTACIT_AUDIT_KIND=refused\n" \
    "TACIT_AUDIT_TIME=2027-01-31T12:00:00.000Z\n"

struct expectation {
    const char *line;
    const char *behind; /* what follows MESSAGE and its line */
    size_t len;         /* of it */
};

#define EXPECT(line, behind)             \
    {                                    \
        line, behind, sizeof(behind) - 1 \
    }

static void a_record_has_its_fields_for_the_journal(void **state)
{
    static const struct expectation rows[] = {
        EXPECT(RECORD(""), USUAL OWN),
        EXPECT(RECORD(",\"device\":\"lamp\",\"key_level\":\"tpm\""),
               USUAL OWN "TACIT_DEVICE=lamp\nTACIT_KEY_LEVEL=tpm\n"),
        /* Escapes are what they stand for, and an equals sign is nothing special. */
        EXPECT(RECORD(",\"why\":\"a=\\u0022b\\u0022\\u0000\""), USUAL OWN "TACIT_WHY=a=\"b\"\0\n"),
        /* More lines than one: with its length, so that nobody can put in fields of their own. */
        EXPECT(RECORD(",\"topic\":\"a\\u000aTACIT_AUDIT_SEQ=9\""),
               USUAL OWN "TACIT_TOPIC\n\x13\0\0\0\0\0\0\0"
                         "a\nTACIT_AUDIT_SEQ=9\n"),
        /* A name that the journal would refuse is left out there. */
        EXPECT(RECORD(",\"a123456789012345678901234567890123456789012345678901234567890\":\"x\""),
               USUAL OWN),
        /* What is no record is no more than a message. */
        EXPECT("{}", USUAL),
    };
    uint8_t out[FORWARD_DATAGRAM_BYTES];

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        char start[AUDIT_LINE_BYTES + 16];
        size_t len = forward_wire_journal(span_of(rows[i].line), out);
        int start_len = snprintf(start, sizeof(start), "MESSAGE=%s\n", rows[i].line);
        assert_int_equal(len, (size_t)start_len + rows[i].len);
        assert_memory_equal(out, start, (size_t)start_len);
        assert_memory_equal(out + start_len, rows[i].behind, rows[i].len);
    }
}

/* As many fields as there is room for, and the longest ones. */
static void the_biggest_record_fits(void **state)
{
    static const struct audit_fields none = { 0 };
    struct audit_fields fields[2] = { none, none };
    char line[AUDIT_FIELDS_BYTES + sizeof(RECORD(""))];
    char value[AUDIT_VALUE_BYTES];
    uint8_t out[FORWARD_DATAGRAM_BYTES];

    (void)state;
    for (unsigned i = 0; !fields[0].is_cut; i++)
        audit_fields_add_text(&fields[0], "a", "v");
    memset(value, '\n', sizeof(value));
    for (unsigned i = 0; !fields[1].is_cut; i++)
        audit_fields_add(&fields[1], "a", (struct mqtt_span){ (const uint8_t *)value, 50 });
    for (unsigned i = 0; i < MQTT_ARRAY_LEN(fields); i++) {
        struct mqtt_span text = audit_fields_end(&fields[i]);
        struct audit_record record;
        (void)snprintf(line, sizeof(line), RECORD("%.*s"), (int)text.len, (const char *)text.data);
        assert_null(audit_record_parse(span_of(line), &record));
        assert_in_range(forward_wire_journal(span_of(line), out), AUDIT_FIELDS_BYTES,
                        FORWARD_DATAGRAM_BYTES);
    }
}

static void a_line_of_syslog_has_its_priority(void **state)
{
    static const char wanted[] = "<85>tacitd[42]: {\"seq\":1}";
    uint8_t out[FORWARD_DATAGRAM_BYTES];

    (void)state;
    assert_int_equal(forward_wire_syslog(span_of("{\"seq\":1}"), 42, out), sizeof(wanted) - 1);
    assert_memory_equal(out, wanted, sizeof(wanted) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_has_its_fields_for_the_journal),
        cmocka_unit_test(the_biggest_record_fits),
        cmocka_unit_test(a_line_of_syslog_has_its_priority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
