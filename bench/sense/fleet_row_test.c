/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define AT_US INT64_C(1767571200000001)

/* What a connection says, in the order of time. */
struct talk {
    char *text;
    size_t len;
    FILE *out;
    uint32_t sequence;
    struct fleet_sink sink;
    struct fleet_speaker speaker;
};

static void talk_open(struct talk *talk)
{
    *talk = (struct talk){ .sequence = 0 };
    talk->out = open_memstream(&talk->text, &talk->len);
    fleet_sink_init(&talk->sink, talk->out);
    talk->speaker = (struct fleet_speaker){ .sink = &talk->sink,
                                            .address = "10.1.0.1",
                                            .client_id = "meter-0001",
                                            .stream = 65536,
                                            .sequence = &talk->sequence };
}

static void talk_close(struct talk *talk)
{
    fleet_sink_flush(&talk->sink, INT64_MAX);
    fleet_sink_fini(&talk->sink);
    assert_int_equal(fclose(talk->out), 0);
}

static void test_a_connection(void **state)
{
    struct talk talk;

    (void)state;
    talk_open(&talk);
    fleet_wire_connect(&talk.speaker, AT_US, 60, 5);
    talk_close(&talk);
    assert_string_equal(talk.text,
                        "1767571200.000001000,10.1.0.1,65536,up,1,meter-0001,,22,,60,,,0\n"
                        "1767571200.001801000,10.1.0.1,65536,down,2,meter-0001,,2,,,5,,0\n");
    free(talk.text);
}

static void test_a_message(void **state)
{
    struct fleet_message message = { .qos = 1 };
    struct talk talk;

    (void)state;
    talk_open(&talk);
    talk.speaker.attack = true;
    fleet_message_topic(&message, "a/b");
    fleet_message_fill(&message, PERSONA_NUMBER, 5, 21.5, 0);
    fleet_wire_publish(&talk.speaker, AT_US, &message);
    talk_close(&talk);
    assert_string_equal(
        talk.text, "1767571200.000001000,10.1.0.1,65536,up,3,meter-0001,a/b,12,1,,,32312e3530,1\n"
                   "1767571200.001801000,10.1.0.1,65536,down,4,meter-0001,,2,,,,,1\n");
    free(talk.text);
}

static void test_a_subscription_that_is_refused(void **state)
{
    struct talk talk;

    (void)state;
    talk_open(&talk);
    fleet_wire_subscribe(&talk.speaker, AT_US, "#", false);
    talk_close(&talk);
    assert_string_equal(talk.text,
                        "1767571200.000001000,10.1.0.1,65536,up,8,meter-0001,#,6,,,,,0\n"
                        "1767571200.001801000,10.1.0.1,65536,down,9,meter-0001,,3,,,,80,0\n");
    free(talk.text);
}

/* The payload is of the size that was asked for, and a trace keeps 32 bytes of it. */
static void test_payloads(void **state)
{
    static const uint32_t sizes[] = { 0, 1, 11, 31, 32, 33, 100000 };
    static const enum persona_form forms[] = { PERSONA_JSON, PERSONA_BINARY, PERSONA_IMAGE };

    (void)state;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (unsigned k = 0; k < sizeof forms / sizeof forms[0]; k++) {
            struct fleet_message message;

            fleet_message_fill(&message, forms[k], sizes[i], 20, 12345);
            assert_int_equal(message.bytes, sizes[i]);
            assert_int_equal(message.sample_len,
                             sizes[i] < FLEET_SAMPLE_MAX ? sizes[i] : FLEET_SAMPLE_MAX);
        }
}

/* What is written out of order comes out in order, however much of it there is. */
static void test_many_rows(void **state)
{
    struct test_random random = fleet_random_seeded(1, 1);
    double before = 0;
    unsigned lines = 0;
    struct talk talk;

    (void)state;
    talk_open(&talk);
    for (unsigned i = 0; i < 5000; i++)
        fleet_wire_disconnect(&talk.speaker, AT_US + (int64_t)test_random_below(&random, 1000000));
    talk_close(&talk);
    for (const char *at = talk.text; *at != '\0'; at = strchr(at, '\n') + 1, lines++) {
        assert_true(strtod(at, NULL) >= before);
        before = strtod(at, NULL);
    }
    assert_int_equal(lines, 5000);
    free(talk.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection),
        cmocka_unit_test(test_a_message),
        cmocka_unit_test(test_a_subscription_that_is_refused),
        cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_many_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
