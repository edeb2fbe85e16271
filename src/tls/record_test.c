/* SPDX-License-Identifier: Apache-2.0 */
/* What the record layer does with what a client with the right keys says; record_openssl_test.c has a
 * client of OpenSSL's, record_renewal_test.c what is said of keys. */
#include "tls/record.h"

#include "base/testing.h"
#include "tls/record_stage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t some_secret[TLS_SECRET_MOST_BYTES] = { 7 };

/* ---- life ---- */

static void a_connection_at_rest_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct tls_records) <= 240);
    struct stage *stage = stage_new();
    stage_say_data(stage, "x");
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    assert_int_equal(tls_records_held_bytes(&stage->records), 0);
    stage_free(stage);
}

static void what_cannot_be_taken_over_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum tls_suite suite;
        uint64_t read_sequence;
        uint64_t write_sequence;
        int error;
    } rows[] = {
        { TLS_SUITE_NONE, 0, 0, -EINVAL },
        { TLS_SUITE_COUNT, 0, 0, -EINVAL },
        { SUITE, TLS_KEY_MOST_RECORDS, 0, -ERANGE },
        { SUITE, 0, TLS_KEY_MOST_RECORDS, -ERANGE },
        { SUITE, UINT64_MAX, 0, -ERANGE },
        { SUITE, 1ull << 32, 0, -ERANGE },
        { SUITE, TLS_KEY_MOST_RECORDS - 1, TLS_KEY_MOST_RECORDS - 1, 0 },
    };
    struct tls_record_engine *engine = tls_record_engine_new(2);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        static const struct tls_records nothing;
        struct tls_records records = { 0 };
        const struct tls_record_secrets secrets = { rows[i].suite, some_secret, some_secret,
                                                    rows[i].read_sequence, rows[i].write_sequence };
        assert_int_equal(tls_records_open(&records, engine, &secrets), rows[i].error);
        assert_int_equal(memcmp(&records, &nothing, sizeof(records)) == 0, rows[i].error != 0);
        tls_records_close(&records, engine);
        assert_memory_equal(&records, &nothing, sizeof(records));
    }
    tls_record_engine_free(engine);
}

static void one_that_is_closed_does_nothing(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    tls_records_close(&stage->records, stage->engine);
    tls_records_close(&stage->records, stage->engine);
    assert_int_equal(stage_answer(stage, "x"), -EPROTO);
    assert_int_equal(stage_hear(stage), TLS_FAILED);
    assert_string_equal(tls_record_engine_failure(stage->engine), "the connection is closed");
    tls_records_shutdown(&stage->records, stage->engine, &stage->output);
    assert_int_equal(stage->output.len, 0);
    stage_free(stage);
}

/* RFC 8448, section 3: what both ends say after the handshake, each a record with data and its
 * close_notify. The server has sent a ticket before. */
static void records_are_those_of_rfc_8448(void **state)
{
    (void)state;
    static const uint8_t client[] = {
        0x9e, 0x40, 0x64, 0x6c, 0xe7, 0x9a, 0x7f, 0x9d, 0xc0, 0x5a, 0xf8,
        0x88, 0x9b, 0xce, 0x65, 0x52, 0x87, 0x5a, 0xfa, 0x0b, 0x06, 0xdf,
        0x00, 0x87, 0xf7, 0x92, 0xeb, 0xb7, 0xc1, 0x75, 0x04, 0xa5,
    };
    static const uint8_t server[] = {
        0xa1, 0x1a, 0xf9, 0xf0, 0x55, 0x31, 0xf8, 0x56, 0xad, 0x47, 0x11,
        0x6b, 0x45, 0xa9, 0x50, 0x32, 0x82, 0x04, 0xb4, 0xf4, 0x4b, 0xfb,
        0x6b, 0x3a, 0x4b, 0x4f, 0x1f, 0x3f, 0xcb, 0x63, 0x16, 0x43,
    };
    static const uint8_t from_client[] = {
        0x17, 0x03, 0x03, 0x00, 0x43, 0xa2, 0x3f, 0x70, 0x54, 0xb6, 0x2c, 0x94, 0xd0, 0xaf,
        0xfa, 0xfe, 0x82, 0x28, 0xba, 0x55, 0xcb, 0xef, 0xac, 0xea, 0x42, 0xf9, 0x14, 0xaa,
        0x66, 0xbc, 0xab, 0x3f, 0x2b, 0x98, 0x19, 0xa8, 0xa5, 0xb4, 0x6b, 0x39, 0x5b, 0xd5,
        0x4a, 0x9a, 0x20, 0x44, 0x1e, 0x2b, 0x62, 0x97, 0x4e, 0x1f, 0x5a, 0x62, 0x92, 0xa2,
        0x97, 0x70, 0x14, 0xbd, 0x1e, 0x3d, 0xea, 0xe6, 0x3a, 0xee, 0xbb, 0x21, 0x69, 0x49,
        0x15, 0xe4, 0x17, 0x03, 0x03, 0x00, 0x13, 0xc9, 0x87, 0x27, 0x60, 0x65, 0x56, 0x66,
        0xb7, 0x4d, 0x7f, 0xf1, 0x15, 0x3e, 0xfd, 0x6d, 0xb6, 0xd0, 0xb0, 0xe3,
    };
    static const uint8_t from_server[] = {
        0x17, 0x03, 0x03, 0x00, 0x43, 0x2e, 0x93, 0x7e, 0x11, 0xef, 0x4a, 0xc7, 0x40, 0xe5,
        0x38, 0xad, 0x36, 0x00, 0x5f, 0xc4, 0xa4, 0x69, 0x32, 0xfc, 0x32, 0x25, 0xd0, 0x5f,
        0x82, 0xaa, 0x1b, 0x36, 0xe3, 0x0e, 0xfa, 0xf9, 0x7d, 0x90, 0xe6, 0xdf, 0xfc, 0x60,
        0x2d, 0xcb, 0x50, 0x1a, 0x59, 0xa8, 0xfc, 0xc4, 0x9c, 0x4b, 0xf2, 0xe5, 0xf0, 0xa2,
        0x1c, 0x00, 0x47, 0xc2, 0xab, 0xf3, 0x32, 0x54, 0x0d, 0xd0, 0x32, 0xe1, 0x67, 0xc2,
        0x95, 0x5d, 0x17, 0x03, 0x03, 0x00, 0x13, 0xb5, 0x8f, 0xd6, 0x71, 0x66, 0xeb, 0xf5,
        0x99, 0xd2, 0x47, 0x20, 0xcf, 0xbe, 0x7e, 0xfa, 0x7a, 0x88, 0x64, 0xa9,
    };
    struct stage *stage = stage_new();
    tls_records_close(&stage->records, stage->engine);
    const struct tls_record_secrets secrets = { TLS_SUITE_AES_128_GCM_SHA256, client, server, 0,
                                                1 };
    assert_int_equal(tls_records_open(&stage->records, stage->engine, &secrets), 0);
    memcpy(stage->wire, from_client, sizeof(from_client));
    stage->wire_len = sizeof(from_client);
    assert_int_equal(stage_hear(stage), TLS_CLOSED);
    assert_int_equal(stage->heard.len, 50);
    for (uint8_t i = 0; i < 50; i++)
        assert_int_equal(stage->heard_bytes[i], i);
    assert_int_equal(tls_records_write(&stage->records, stage->engine,
                                       (struct mqtt_span){ stage->heard_bytes, 50 },
                                       &stage->output),
                     0);
    tls_records_shutdown(&stage->records, stage->engine, &stage->output);
    assert_int_equal(stage->output.len, sizeof(from_server));
    assert_memory_equal(stage->sent, from_server, sizeof(from_server));
    stage_free(stage);
}

/* ---- pieces ---- */

static void input_may_come_in_any_pieces(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    for (size_t first = 0; first <= 80; first++) {
        stage_say_data(stage, "one");
        stage_say_data(stage, "two, longer");
        stage_say_renewal(stage, false);
        stage_say_data(stage, "three");
        size_t all = stage->wire_len;
        assert_true(all > 80);
        assert_int_equal(stage_hear_some(stage, first), TLS_WANTS_INPUT);
        assert_int_equal(stage_hear_some(stage, (all - first) / 2), TLS_WANTS_INPUT);
        assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
        stage_assert_heard(stage, "onetwo, longerthree");
        assert_int_equal(tls_records_held_bytes(&stage->records), 0);
    }
    stage_free(stage);
}

/* What a peer announces costs it as much as us. */
static void a_piece_takes_no_more_than_twice_what_came(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    static const uint8_t zeros[TLS_RECORD_BYTES];
    stage_say(stage, TLS_KIND_DATA, zeros, sizeof(zeros), 0);
    size_t all = stage->wire_len;
    for (size_t came = 1; came < all; came++) {
        assert_int_equal(stage_hear_some(stage, 1), TLS_WANTS_INPUT);
        size_t held = tls_records_held_bytes(&stage->records);
        assert_true(held >= came && held <= 2 * came + 128 && held <= all + 32);
    }
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    assert_int_equal(stage->heard.len, sizeof(zeros));
    stage_free(stage);
}

static void plaintext_may_go_in_any_pieces(void **state)
{
    (void)state;
    static const char text[] = "more than there is room for";
    for (size_t room = 1; room <= sizeof(text) + 20; room++) {
        struct stage *stage = stage_new();
        stage_say_data(stage, text);
        stage_say_data(stage, "!");
        struct mqtt_span input = { stage->wire, stage->wire_len };
        enum tls_result result = TLS_DONE;
        while (result == TLS_DONE) {
            struct tls_sink some = { stage->heard_bytes, stage->heard.len + room,
                                     stage->heard.len };
            result =
                tls_records_read(&stage->records, stage->engine, &input, &some, &stage->output);
            assert_true(some.len <= some.room);
            stage->heard.len = some.len;
        }
        assert_int_equal(result, TLS_WANTS_INPUT);
        stage_assert_heard(stage, "more than there is room for!");
        assert_int_equal(tls_records_held_bytes(&stage->records), 0);
        stage_free(stage);
    }
}

/* ---- what is refused ---- */

static void heads_that_may_not_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        enum tls_fault fault;
    } rows[] = {
        { "\x14\3\3\0\1\1", 6, TLS_FAULT_TYPE }, /* section 5: a change of cipher spec */
        { "\x15\3\3\0\2\1\0", 7, TLS_FAULT_TYPE },
        { "\x16\3\3\0\4\1\0\0\0", 9, TLS_FAULT_TYPE },
        { "\x18\3\3\0\x20", 5, TLS_FAULT_TYPE },
        { "\x17\3\1\0\x20", 5, TLS_FAULT_VERSION },
        { "\x17\3\4\0\x20", 5, TLS_FAULT_VERSION },
        { "\x17\2\3\0\x20", 5, TLS_FAULT_VERSION },
        { "\x17\3\3\x41\1", 5, TLS_FAULT_TOO_LONG }, /* section 5.2: 2^14 + 256 + 1 */
        { "\x17\3\3\xff\xff", 5, TLS_FAULT_TOO_LONG },
        { "\x17\3\3\0\0", 5, TLS_FAULT_FORGED },
        { "\x17\3\3\0\x10 0123456789abcdef", 21, TLS_FAULT_FORGED },
        { "\x17\3\3\0\x11 0123456789abcdef", 22, TLS_FAULT_FORGED },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct stage *stage = stage_new();
        memcpy(stage->wire, rows[i].bytes, rows[i].len);
        stage->wire_len = rows[i].len;
        stage_assert_refused(stage, rows[i].fault);
        stage_free(stage);
    }
}

static void content_that_may_not_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned kind;
        const char *content;
        size_t len;
        enum tls_fault fault;
    } rows[] = {
        { 0, "", 0, TLS_FAULT_NO_CONTENT }, /* section 5.4 */
        { 0, "\0\0\0", 3, TLS_FAULT_NO_CONTENT },
        { 20, "\1", 1, TLS_FAULT_TYPE },
        { 24, "\1\0\0", 3, TLS_FAULT_TYPE },
        { 255, "x", 1, TLS_FAULT_TYPE },
        { TLS_KIND_HANDSHAKE, "", 0, TLS_FAULT_NO_CONTENT }, /* section 5.1 */
        { TLS_KIND_ALERT, "", 0, TLS_FAULT_NO_CONTENT },
        { TLS_KIND_ALERT, "\2", 1, TLS_FAULT_ALERT },
        { TLS_KIND_ALERT, "\1\0\0", 3, TLS_FAULT_ALERT },
        { TLS_KIND_ALERT, "\1\0\1\0", 4, TLS_FAULT_ALERT },
        { TLS_KIND_HANDSHAKE, "\1\0\0\0", 4, TLS_FAULT_MESSAGE },     /* ClientHello */
        { TLS_KIND_HANDSHAKE, "\4\0\0\1x", 5, TLS_FAULT_MESSAGE },    /* NewSessionTicket */
        { TLS_KIND_HANDSHAKE, "\x0b\0\0\0", 4, TLS_FAULT_MESSAGE },   /* Certificate */
        { TLS_KIND_HANDSHAKE, "\x14\0\0\x20", 4, TLS_FAULT_MESSAGE }, /* Finished */
        { TLS_KIND_HANDSHAKE, "\x18\0\0\0", 4, TLS_FAULT_LENGTH },
        { TLS_KIND_HANDSHAKE, "\x18\0\0\2\0\0", 6, TLS_FAULT_LENGTH },
        { TLS_KIND_HANDSHAKE, "\x18\xff\xff\xff", 4, TLS_FAULT_LENGTH },
        { TLS_KIND_HANDSHAKE, "\x18\0\0\1\2", 5, TLS_FAULT_REQUEST }, /* section 4.6.3 */
        { TLS_KIND_HANDSHAKE, "\x18\0\0\1\xff", 5, TLS_FAULT_REQUEST },
        { TLS_KIND_HANDSHAKE, "\x18\0\0\1\0\x18", 6, TLS_FAULT_BOUNDARY },
        { TLS_KIND_HANDSHAKE, "\x18\0\0\1\0\x18\0\0\1\0", 10, TLS_FAULT_BOUNDARY },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct stage *stage = stage_new();
        stage_say_data(stage, "before");
        stage_say(stage, rows[i].kind, rows[i].content, rows[i].len, i % 3);
        stage_say_data(stage, "behind");
        stage_assert_refused(stage, rows[i].fault);
        stage_assert_heard(stage, "before");
        stage_free(stage);
    }
}

/* Sections 5.1, 5.4: 2^14 bytes, one for the kind, and padding within that. */
static void the_longest_record_is_read_and_no_longer_one(void **state)
{
    (void)state;
    static uint8_t data[TLS_RECORD_BYTES + 1];
    static const struct {
        size_t len;
        size_t padding;
        bool is_good;
    } rows[] = {
        { TLS_RECORD_BYTES, 0, true },
        { TLS_RECORD_BYTES - 1, 1, true },
        { 1, TLS_RECORD_BYTES - 1, true },
        { 0, TLS_RECORD_BYTES, true },
        { TLS_RECORD_BYTES, 1, false },
        { TLS_RECORD_BYTES + 1, 0, false },
        { TLS_RECORD_BYTES - 1, 2, false },
        { 0, TLS_RECORD_BYTES + 1, false },
        { 1, 16622, false },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct stage *stage = stage_new();
        stage_say(stage, TLS_KIND_DATA, data, rows[i].len, rows[i].padding);
        if (rows[i].is_good) {
            assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
            assert_int_equal(stage->heard.len, rows[i].len);
        } else {
            stage_assert_refused(stage, TLS_FAULT_TOO_LONG);
        }
        stage_free(stage);
    }
}

static void say_empty(struct stage *stage)
{
    for (unsigned i = 0; i < TLS_EMPTY_MAX; i++)
        stage_say(stage, TLS_KIND_DATA, "", 0, i);
}

/* Whatever has something in it ends the row, as with OpenSSL. */
static void empty_records_are_counted(void **state)
{
    (void)state;
    static const uint8_t canceled[] = { 1, TLS_ALERT_USER_CANCELED };
    struct stage *stage = stage_new();
    say_empty(stage);
    stage_say_data(stage, "x");
    say_empty(stage);
    stage_say_renewal(stage, false);
    say_empty(stage);
    stage_say(stage, TLS_KIND_ALERT, canceled, sizeof(canceled), 0);
    say_empty(stage);
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    stage_assert_heard(stage, "x");
    stage_say(stage, TLS_KIND_DATA, "", 0, 0);
    stage_assert_refused(stage, TLS_FAULT_EMPTY);
    stage_free(stage);
}

/* ---- alerts ---- */

static void close_notify_ends_it_whatever_comes_behind(void **state)
{
    (void)state;
    for (uint8_t level = 0; level < 4; level++) {
        struct stage *stage = stage_new();
        const uint8_t alert[] = { level, TLS_ALERT_CLOSE_NOTIFY };
        stage_say_data(stage, "last");
        stage_say(stage, TLS_KIND_ALERT, alert, sizeof(alert), 0);
        stage_say_data(stage, "ignored");
        assert_int_equal(stage_hear(stage), TLS_CLOSED);
        stage_assert_heard(stage, "last");
        struct mqtt_span more = span_of("\x17 whatever");
        assert_int_equal(
            tls_records_read(&stage->records, stage->engine, &more, &stage->heard, &stage->output),
            TLS_CLOSED);
        assert_int_equal(more.len, 0);
        assert_int_equal(stage->heard.len, 0);
        assert_int_equal(stage_answer(stage, "bye"), 0);
        stage_assert_sent_data(stage, "bye");
        stage_free(stage);
    }
}

static void user_canceled_ends_nothing_by_itself(void **state)
{
    (void)state;
    static const uint8_t canceled[] = { 1, TLS_ALERT_USER_CANCELED };
    static const uint8_t closed[] = { 1, TLS_ALERT_CLOSE_NOTIFY };
    struct stage *stage = stage_new();
    for (unsigned i = 0; i < TLS_CANCELED_MAX; i++)
        stage_say(stage, TLS_KIND_ALERT, canceled, sizeof(canceled), 0);
    stage_say_data(stage, "still");
    for (unsigned i = 0; i < TLS_CANCELED_MAX; i++)
        stage_say(stage, TLS_KIND_ALERT, canceled, sizeof(canceled), 0);
    stage_say(stage, TLS_KIND_ALERT, closed, sizeof(closed), 0);
    assert_int_equal(stage_hear(stage), TLS_CLOSED);
    stage_assert_heard(stage, "still");
    stage_free(stage);

    stage = stage_new();
    for (unsigned i = 0; i <= TLS_CANCELED_MAX; i++)
        stage_say(stage, TLS_KIND_ALERT, canceled, sizeof(canceled), 0);
    stage_assert_refused(stage, TLS_FAULT_CANCELED);
    stage_free(stage);
}

/* Section 6.2: any other one is fatal, at whatever level, and is not answered. */
static void any_other_alert_breaks_it(void **state)
{
    (void)state;
    for (unsigned number = 1; number < 256; number++) {
        if (number == TLS_ALERT_USER_CANCELED)
            continue;
        struct stage *stage = stage_new();
        const uint8_t alert[] = { (uint8_t)(number % 3), (uint8_t)number };
        stage_say(stage, TLS_KIND_ALERT, alert, sizeof(alert), 0);
        assert_int_equal(stage_hear(stage), TLS_FAILED);
        if (number == TLS_ALERT_DECODE_ERROR)
            assert_string_equal(tls_record_engine_failure(stage->engine),
                                "the client gave up: decode error");
        stage_assert_broken(stage);
        stage_free(stage);
    }
}

static void what_is_broken_off_here_is_said_once(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    stage_say_data(stage, "x");
    stage->wire[stage->wire_len - 1] ^= 1;
    stage_assert_refused(stage, TLS_FAULT_FORGED);
    stage_free(stage);
    /* Without room for it, or after a close_notify, not at all. */
    stage = stage_new();
    stage_say_data(stage, "x");
    stage->wire[6] ^= 1;
    stage->output.room = TLS_RECORD_ANSWER_BYTES - 1;
    assert_int_equal(stage_hear(stage), TLS_FAILED);
    stage_assert_broken(stage);
    stage_free(stage);
    stage = stage_new();
    tls_records_shutdown(&stage->records, stage->engine, &stage->output);
    stage_assert_sent_alert(stage, TLS_ALERT_CLOSE_NOTIFY);
    stage_say_data(stage, "x");
    stage->wire[6] ^= 1;
    assert_int_equal(stage_hear(stage), TLS_FAILED);
    stage_assert_broken(stage);
    stage_free(stage);
}

static void after_our_close_notify_only_reading_goes_on(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    tls_records_shutdown(&stage->records, stage->engine, &stage->output);
    tls_records_shutdown(&stage->records, stage->engine, &stage->output);
    stage_assert_sent_alert(stage, TLS_ALERT_CLOSE_NOTIFY);
    assert_int_equal(stage_answer(stage, "x"), -EPROTO);
    assert_string_equal(tls_record_engine_failure(stage->engine),
                        "the connection is closed for writing");
    stage_say_renewal(stage, true);
    stage_say_data(stage, "heard");
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    stage_assert_heard(stage, "heard");
    assert_int_equal(stage->output.len, 0);
    stage_free(stage);
}

/* ---- writing ---- */

static void without_room_nothing_is_written(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    stage->output.room = 5 + TLS_RECORD_MOST_ADDED_BYTES - 1;
    assert_int_equal(stage_answer(stage, "hello"), -ENOSPC);
    assert_int_equal(stage->output.len, 0);
    stage->output.room++;
    tls_records_renew(&stage->records);
    assert_int_equal(stage_answer(stage, "hello"), 0);
    assert_int_equal(stage->output.len, stage->output.room);
    stage_assert_sent_renewal(stage, true);
    assert_int_equal(stage->output.len, 5 + TLS_RECORD_ADDED_BYTES);
    stage_assert_sent_data(stage, "hello");
    stage_free(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_at_rest_is_small),
        cmocka_unit_test(what_cannot_be_taken_over_is_refused),
        cmocka_unit_test(one_that_is_closed_does_nothing),
        cmocka_unit_test(records_are_those_of_rfc_8448),
        cmocka_unit_test(input_may_come_in_any_pieces),
        cmocka_unit_test(a_piece_takes_no_more_than_twice_what_came),
        cmocka_unit_test(plaintext_may_go_in_any_pieces),
        cmocka_unit_test(heads_that_may_not_be_are_refused),
        cmocka_unit_test(content_that_may_not_be_is_refused),
        cmocka_unit_test(the_longest_record_is_read_and_no_longer_one),
        cmocka_unit_test(empty_records_are_counted),
        cmocka_unit_test(close_notify_ends_it_whatever_comes_behind),
        cmocka_unit_test(user_canceled_ends_nothing_by_itself),
        cmocka_unit_test(any_other_alert_breaks_it),
        cmocka_unit_test(what_is_broken_off_here_is_said_once),
        cmocka_unit_test(after_our_close_notify_only_reading_goes_on),
        cmocka_unit_test(without_room_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
