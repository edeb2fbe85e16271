/* SPDX-License-Identifier: Apache-2.0 */
/* What one side writes the other reads, and nothing that is shorter, longer or otherwise. */
#include "steward/request.h"

#include "pki/scratch.h"
#include "steward/greeting.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t by[STEWARD_BY_BYTES] = { 1, 2, 3 };

/* In a block of exactly that size, so that a sanitizer sees who reads further. */
static uint8_t *exactly(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

static void headers(void **state)
{
    static const struct {
        uint8_t bytes[STEWARD_HEADER_BYTES];
        enum steward_direction direction;
        int status;
    } rows[] = {
        { { STEWARD_OPEN, 0, 0, 0, 0 }, STEWARD_REQUEST, 0 },
        { { STEWARD_OPEN, 0, 0, 0, 1 }, STEWARD_REQUEST, -EBADMSG },
        { { STEWARD_OPEN, 0, 0, 0, 1 }, STEWARD_ANSWER, 0 },
        { { STEWARD_GREETING, 0, 0, 0, 0 }, STEWARD_REQUEST, -EBADMSG },
        { { STEWARD_GREETING, 0, 0, 0, 9 }, STEWARD_ANSWER, 0 },
        { { STEWARD_KIND_COUNT, 0, 0, 0, 0 }, STEWARD_ANSWER, -EBADMSG },
        { { STEWARD_ISSUE, 0, 2, 0, 0 }, STEWARD_REQUEST, 0 },
        { { STEWARD_ISSUE, 0, 2, 0, 1 }, STEWARD_REQUEST, -EBADMSG },
        { { STEWARD_LIST, 4, 0, 0, 0 }, STEWARD_REQUEST, 0 },
        { { STEWARD_LIST, 4, 0, 0, 1 }, STEWARD_REQUEST, -EBADMSG },
        { { STEWARD_READ, 0, 0, 16, 1 }, STEWARD_REQUEST, -EBADMSG },
    };
    struct steward_header header;

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        assert_int_equal(steward_header_decode(rows[i].bytes, rows[i].direction, &header),
                         rows[i].status);
}

static void certificates(void **state)
{
    struct key *key;
    struct csr *csr;
    struct steward_message message;
    struct steward_issue read;
    const struct identity_extension extension = { .role = "sensor", .site = "hall" };
    struct ca_identity_request request = { .kind = IDENTITY_SERVICE, .name = "lamp", .days = 7 };

    (void)state;
    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(csr_new(key, "lamp", &csr, NULL), 0);
    request.csr = csr;
    request.extension = &extension;
    assert_int_equal(steward_issue_encode(by, &request, &message), 0);
    assert_int_equal(steward_issue_decode(steward_message_body(&message), &read), 0);
    assert_memory_equal(read.by, by, sizeof(by));
    assert_string_equal(read.name, "lamp");
    assert_int_equal(read.kind, IDENTITY_SERVICE);
    assert_int_equal(read.days, 7);
    assert_true(read.has_extension);
    assert_string_equal(read.extension.site, "hall");
    /* A request that is cut short is still some bytes, and no request. */
    for (size_t len = 0; len < message.len; len++) {
        uint8_t *cut = exactly(message.body, len);
        struct csr *other;
        if (steward_issue_decode((struct mqtt_span){ cut, len }, &read) == 0)
            assert_int_equal(csr_parse_again(read.csr, &other, NULL), -EBADMSG);
        free(cut);
    }
    message.body[STEWARD_BY_BYTES] = IDENTITY_KIND_COUNT;
    assert_int_equal(steward_issue_decode(steward_message_body(&message), &read), -EBADMSG);
    steward_message_fini(&message);
    csr_free(csr);
    key_free(key);
}

static void lists(void **state)
{
    struct crl_entries entries = { .number = 77 };
    struct crl_entries read;
    struct crl_entry entry = { "0a0b", REGISTRY_REASON_SUPERSEDED, 1000, -5 };
    struct steward_message message;
    uint8_t read_by[STEWARD_BY_BYTES];

    (void)state;
    assert_int_equal(crl_entries_add(&entries, &entry), 0);
    entry.serial[0] = '7';
    assert_int_equal(crl_entries_add(&entries, &entry), 0);
    assert_int_equal(steward_list_encode(by, &entries, &message), 0);
    assert_int_equal(steward_list_decode(steward_message_body(&message), read_by, &read), 0);
    assert_int_equal(read.count, 2);
    assert_int_equal(read.number, 77);
    assert_string_equal(read.all[1].serial, "7a0b");
    assert_int_equal(read.all[0].not_after_s, -5);
    crl_entries_fini(&read);
    for (size_t len = 0; len < message.len; len++) {
        uint8_t *cut = exactly(message.body, len);
        assert_int_equal(steward_list_decode((struct mqtt_span){ cut, len }, read_by, &read),
                         -EBADMSG);
        free(cut);
    }
    message.body[message.len - 17] = 2; /* no reason of RFC 5280 that there may be */
    assert_int_equal(steward_list_decode(steward_message_body(&message), read_by, &read), -EBADMSG);
    steward_message_fini(&message);
    crl_entries_fini(&entries);
}

static void answers(void **state)
{
    struct steward_answer answer = { .status = -ENOKEY, .fault = { "no key" } };
    struct steward_answer read;
    struct steward_message message;

    (void)state;
    assert_int_equal(steward_answer_encode(&answer, STEWARD_OPEN, &message), 0);
    assert_int_equal(steward_answer_decode(steward_message_body(&message), &read), 0);
    assert_int_equal(read.status, -ENOKEY);
    assert_string_equal(read.fault.text, "no key");
    for (size_t len = 0; len < message.len; len++)
        assert_int_equal(steward_answer_decode((struct mqtt_span){ message.body, len }, &read),
                         -EBADMSG);
    message.body[0] = 0xff;
    assert_int_equal(steward_answer_decode(steward_message_body(&message), &read), -EBADMSG);
    steward_message_fini(&message);
    answer = (struct steward_answer){ .result = span_of("good") };
    assert_int_equal(steward_answer_encode(&answer, STEWARD_OPEN, &message), 0);
    assert_int_equal(steward_answer_decode(steward_message_body(&message), &read), 0);
    assert_true(span_equal(read.result, span_of("good")));
    message.body[1] = 1; /* a failure has no result */
    assert_int_equal(steward_answer_decode(steward_message_body(&message), &read), -EBADMSG);
    steward_message_fini(&message);
}

static void greetings(void **state)
{
    const struct steward_greeting greeting = {
        .made = { .ca = true, .ca_not_after_s = 99, .trust_domain = "here.tacit" },
        .has_state = true,
        .silent = { "its key is elsewhere" },
        .is_confined = true,
        .confined = "confined: wholly",
    };
    struct steward_greeting read;
    struct der der;

    (void)state;
    assert_int_equal(steward_greeting_encode(&greeting, &der), 0);
    assert_int_equal(steward_greeting_decode(der_span(&der), &read), 0);
    assert_true(read.made.ca && read.has_state && read.is_confined && !read.signs);
    assert_string_equal(read.made.trust_domain, "here.tacit");
    assert_string_equal(read.silent.text, "its key is elsewhere");
    for (size_t len = 0; len < der.len; len++)
        assert_int_equal(steward_greeting_decode((struct mqtt_span){ der.bytes, len }, &read),
                         -EBADMSG);
    der.bytes[0] = 2; /* neither yes nor no */
    assert_int_equal(steward_greeting_decode(der_span(&der), &read), -EBADMSG);
    der_fini(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers), cmocka_unit_test(certificates), cmocka_unit_test(lists),
        cmocka_unit_test(answers), cmocka_unit_test(greetings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
