/* SPDX-License-Identifier: Apache-2.0 */
/* Renewals of keys by either end, and how long a key is used (RFC 8446, sections 4.6.3, 5.1, 5.5). */
#include "tls/record.h"

#include "base/testing.h"
#include "tls/record_stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- the client renews ---- */

static void a_renewal_that_asks_is_answered_at_once(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    for (unsigned i = 0; i < 5; i++) {
        stage_say_renewal(stage, true);
        stage_say_data(stage, "new key");
        assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
        stage_assert_heard(stage, "new key");
        stage_assert_sent_renewal(stage, false);
        assert_int_equal(stage->output.len, 0);
        assert_int_equal(stage_answer(stage, "ours too"), 0);
        stage_assert_sent_data(stage, "ours too");
    }
    stage_free(stage);
}

static void a_renewal_that_asks_for_nothing_gets_nothing(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    stage_say_renewal(stage, false);
    stage_say_data(stage, "new key");
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    stage_assert_heard(stage, "new key");
    assert_int_equal(stage->output.len, 0);
    assert_int_equal(stage_answer(stage, "old key"), 0);
    stage_assert_sent_data(stage, "old key");
    stage_free(stage);
}

static void many_requests_in_one_input_get_one_answer(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < TLS_RENEWALS_MAX; i++)
            stage_say_renewal(stage, true);
        assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
        stage_assert_sent_renewal(stage, false);
        assert_int_equal(stage->output.len, 0);
    }
    stage_free(stage);
}

static void too_many_in_one_input_are_refused(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    for (unsigned i = 0; i <= TLS_RENEWALS_MAX; i++) {
        stage_say_renewal(stage, i % 2 == 0);
        stage_say_data(stage, ".");
    }
    stage_assert_refused(stage, TLS_FAULT_RENEWALS);
    stage_free(stage);
}

/* The old key is gone: what comes under it is as good as forged. */
static void the_old_key_counts_no_more(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    const struct tls_record_direction before = stage->out;
    stage_say_renewal(stage, false);
    stage->out = before;
    stage->out.ticket = 0;
    stage->out.sequence = 1;
    stage_say_data(stage, "old key");
    stage_assert_refused(stage, TLS_FAULT_FORGED);
    stage_free(stage);
}

/* ---- in pieces ---- */

static void a_renewal_may_come_in_pieces(void **state)
{
    (void)state;
    static const uint8_t message[] = { 24, 0, 0, 1, 1 };
    /* Bit i: there is a cut behind byte i. */
    for (unsigned cuts = 0; cuts < 16; cuts++) {
        struct stage *stage = stage_new();
        size_t begin = 0;
        for (size_t i = 0; i < sizeof(message); i++) {
            if (i + 1 < sizeof(message) && (cuts & 1u << i) == 0)
                continue;
            stage_say(stage, TLS_KIND_HANDSHAKE, message + begin, i + 1 - begin, i);
            begin = i + 1;
        }
        stage_renew_out(stage);
        stage_say_data(stage, "new key");
        assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
        stage_assert_heard(stage, "new key");
        stage_assert_sent_renewal(stage, false);
        stage_free(stage);
    }
}

/* Section 5.1: nothing may come between the pieces. */
static void nothing_may_come_between_the_pieces(void **state)
{
    (void)state;
    static const struct {
        unsigned kind;
        const char *content;
        size_t len;
    } rows[] = {
        { TLS_KIND_DATA, "x", 1 },
        { TLS_KIND_DATA, "", 0 },
        { TLS_KIND_ALERT, "\1\0", 2 },
        { TLS_KIND_ALERT, "\1\x5a", 2 },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        for (size_t len = 1; len < 5; len++) {
            struct stage *stage = stage_new();
            stage_say(stage, TLS_KIND_HANDSHAKE, "\x18\0\0\1", len, 0);
            assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
            stage_say(stage, rows[i].kind, rows[i].content, rows[i].len, 0);
            stage_assert_refused(stage, TLS_FAULT_MIXED);
            assert_int_equal(stage->heard.len, 0);
            stage_free(stage);
        }
    }
}

static void the_last_piece_ends_its_record(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    stage_say(stage, TLS_KIND_HANDSHAKE, "\x18\0\0", 3, 0);
    stage_say(stage, TLS_KIND_HANDSHAKE, "\1\0\x18", 3, 0);
    stage_assert_refused(stage, TLS_FAULT_BOUNDARY);
    stage_free(stage);
}

/* ---- ours is renewed ---- */

static void an_answer_without_room_goes_before_the_next_record(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    size_t room = stage->output.room;
    stage->output.room = TLS_RECORD_ANSWER_BYTES - 1;
    stage_say_renewal(stage, true);
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    assert_int_equal(stage->output.len, 0);
    stage->output.room = room;
    assert_int_equal(stage_answer(stage, "late"), 0);
    stage_assert_sent_renewal(stage, false);
    stage_assert_sent_data(stage, "late");
    assert_int_equal(stage_answer(stage, "once"), 0);
    stage_assert_sent_data(stage, "once");
    stage_free(stage);
}

static void our_key_is_renewed_in_time(void **state)
{
    (void)state;
    struct stage *stage = stage_new_at(0, TLS_KEY_RENEW_RECORDS - 1);
    assert_int_equal(stage_answer(stage, "the last"), 0);
    stage_assert_sent_data(stage, "the last");
    assert_int_equal(stage_answer(stage, "renewed"), 0);
    stage_assert_sent_renewal(stage, false);
    stage_assert_sent_data(stage, "renewed");
    assert_int_equal(stage->output.len, 0);
    assert_int_equal(stage->records.write.sequence, 1);
    stage_free(stage);
}

static void ours_renews_and_asks_when_told(void **state)
{
    (void)state;
    struct stage *stage = stage_new();
    tls_records_renew(&stage->records);
    assert_int_equal(stage_answer(stage, "asked"), 0);
    stage_assert_sent_renewal(stage, true);
    stage_assert_sent_data(stage, "asked");
    /* The client asks at the same time; then it answers. */
    stage_say_renewal(stage, true);
    stage_say_renewal(stage, false);
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    stage_assert_sent_renewal(stage, false);
    stage_say_data(stage, "fine");
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    stage_assert_heard(stage, "fine");
    assert_int_equal(stage->output.len, 0);
    stage_free(stage);
}

/* ---- the client's is used too often ---- */

static void the_client_is_asked_in_time_and_once(void **state)
{
    (void)state;
    struct stage *stage = stage_new_at(TLS_KEY_RENEW_RECORDS - 2, 0);
    stage_say_data(stage, "not yet");
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    assert_int_equal(stage->output.len, 0);
    stage_say_data(stage, "now");
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    stage_assert_sent_renewal(stage, true);
    for (unsigned i = 0; i < 10; i++)
        stage_say_data(stage, "on its way");
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    assert_int_equal(stage->output.len, 0);
    assert_int_equal(stage_answer(stage, "renewed"), 0);
    stage_assert_sent_data(stage, "renewed");
    /* Also not when ours is renewed meanwhile for its own sake. */
    stage->records.write.sequence = TLS_KEY_RENEW_RECORDS;
    stage->in.sequence = TLS_KEY_RENEW_RECORDS;
    assert_int_equal(stage_answer(stage, "renewed"), 0);
    stage_assert_sent_renewal(stage, false);
    stage_assert_sent_data(stage, "renewed");
    stage_say_data(stage, "still on its way");
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    assert_int_equal(stage->output.len, 0);
    stage_say_renewal(stage, false);
    stage_say_data(stage, "done");
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    assert_int_equal(stage->output.len, 0);
    assert_int_equal(stage->records.read.sequence, 1);
    /* With the next key it is asked again. */
    stage->records.read.sequence = TLS_KEY_RENEW_RECORDS;
    stage->out.sequence = TLS_KEY_RENEW_RECORDS;
    stage_say_data(stage, "again");
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    stage_assert_sent_renewal(stage, true);
    stage_free(stage);
}

static void a_client_that_does_not_renew_is_refused(void **state)
{
    (void)state;
    struct stage *stage = stage_new_at(TLS_KEY_MOST_RECORDS - 1, 0);
    stage_say_data(stage, "the last");
    assert_int_equal(stage_hear(stage), TLS_WANTS_INPUT);
    stage_assert_heard(stage, "the last");
    stage_assert_sent_renewal(stage, true);
    /* Whatever it is: it is not even looked at. */
    stage->out.sequence = 0;
    stage_say_data(stage, "one more");
    stage_assert_refused(stage, TLS_FAULT_WORN);
    stage_free(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_renewal_that_asks_is_answered_at_once),
        cmocka_unit_test(a_renewal_that_asks_for_nothing_gets_nothing),
        cmocka_unit_test(many_requests_in_one_input_get_one_answer),
        cmocka_unit_test(too_many_in_one_input_are_refused),
        cmocka_unit_test(the_old_key_counts_no_more),
        cmocka_unit_test(a_renewal_may_come_in_pieces),
        cmocka_unit_test(nothing_may_come_between_the_pieces),
        cmocka_unit_test(the_last_piece_ends_its_record),
        cmocka_unit_test(an_answer_without_room_goes_before_the_next_record),
        cmocka_unit_test(our_key_is_renewed_in_time),
        cmocka_unit_test(ours_renews_and_asks_when_told),
        cmocka_unit_test(the_client_is_asked_in_time_and_once),
        cmocka_unit_test(a_client_that_does_not_renew_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
