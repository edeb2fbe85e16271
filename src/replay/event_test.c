/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/event.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COLUMNS                                                                               \
    "t_epoch,client_ip,tcp_stream,dir,mqtt_type,client_id,topic,remaining_len,qos,keepalive," \
    "connack_rc,payload_hex,label"

static struct replay_header header_of(const char *text)
{
    struct replay_header header = { .count = 0 };
    struct mqtt_span line = test_span_new(text);

    assert_null(replay_header_parse((uint8_t *)(uintptr_t)line.data, line.len, &header));
    free((void *)(uintptr_t)line.data);
    return header;
}

static const char *parse(const struct replay_header *header, char *text, struct replay_event *event)
{
    return replay_event_parse(header, (uint8_t *)text, strlen(text), event);
}

static void assert_span(struct mqtt_span span, const char *text)
{
    assert_true(span_equal(span, span_of(text)));
}

static void a_row_is_read(void **state)
{
    (void)state;
    struct replay_header header = header_of(COLUMNS);
    struct replay_event event;
    char connect[] = "10.25,192.0.2.1,4,up,1,pump,,35,,60,,,";
    char publish[] = "11.5,192.0.2.1,4,up,3,pump,\"a,\"\"b\"\"\",12,1,,,32372e35,0";
    char refused[] = "12,192.0.2.1,5,down,2,,,2,,,5,,";

    assert_null(parse(&header, connect, &event));
    assert_int_equal(event.type, 1);
    assert_int_equal(event.keepalive_s, 60);
    assert_int_equal(event.time_ms, 10250);
    assert_true(event.is_up);
    assert_null(parse(&header, publish, &event));
    assert_span(event.topic, "a,\"b\"");
    assert_span(event.client, "pump");
    assert_int_equal(event.length, 12);
    assert_int_equal(event.qos, 1);
    assert_true(event.has_value && event.value > 27.4f && event.value < 27.6f);
    assert_null(parse(&header, refused, &event));
    assert_int_equal(event.answer, 5);
    assert_false(event.is_up);
}

/* Of a SUBACK to a client the codes from 0x80 on count, in any case of the digits. */
static void refused_filters_are_counted(void **state)
{
    (void)state;
    struct replay_header header = header_of(COLUMNS);
    char rows[][64] = {
        "1,192.0.2.1,4,down,9,pump,,3,,,,80,", "1,192.0.2.1,4,down,9,pump,,3,,,,0187fFA28,",
        "1,192.0.2.1,4,down,9,pump,,3,,,,02,", "1,192.0.2.1,4,down,9,pump,,3,,,,,",
        "1,192.0.2.1,4,up,9,pump,,3,,,,80,",   "1,192.0.2.1,4,down,3,pump,,3,,,,80,"
    };
    const unsigned refused[] = { 1, 3, 0, 0, 0, 0 };

    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct replay_event event;
        assert_null(parse(&header, rows[i], &event));
        assert_int_equal(event.refused, refused[i]);
    }
}

static void columns_may_be_others(void **state)
{
    (void)state;
    struct replay_header header =
        header_of("run,attack,target,timestamp,device,application,ip,topic,qos,retained,value");
    struct replay_event event;
    char row[] = "r1,syn,gas,2025-01-20T17:45:46.943Z,ard-1,Gas,192.0.2.1,iiot/gas,0,1,132.0";

    assert_null(parse(&header, row, &event));
    assert_int_equal(event.type, 3);
    assert_true(event.is_up && event.is_retained && event.has_value);
    assert_span(event.run, "r1");
    assert_span(event.client, "ard-1");
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    const char *const rows[] = {
        "",
        "1,2",
        "x,192.0.2.1,4,up,1,pump,,35,,60,,,",
        "1,192.0.2.1,4,sideways,1,pump,,35,,60,,,",
        "1,192.0.2.1,4,up,16,pump,,35,,60,,,",
        "1,192.0.2.1,4,up,0,pump,,35,,60,,,",
        "1,192.0.2.1,4,up,1,pump,,-35,,60,,,",
        "1,192.0.2.1,4,up,1,pump,,35,9,60,,,",
        "1,192.0.2.1,4,up,1,pump,,35,,70000,,,",
        "1,192.0.2.1,4,up,1,pump,,35,,60,999,,",
        "1,192.0.2.1,4,up,1,\"pump,,35,,60,,,",
        "1,192.0.2.1,4,up,1,\"pump\"x,,35,,60,,,",
        "1,192.0.2.1,4,up,1,pump,,35,,60,,,,",
    };
    struct replay_header header = header_of(COLUMNS);

    for (unsigned i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct replay_event event = { .time_ms = 42 };
        struct mqtt_span line = test_span_new(rows[i]);
        uint8_t *bytes = (uint8_t *)(uintptr_t)line.data;
        assert_non_null(replay_event_parse(&header, bytes, line.len, &event));
        assert_int_equal(event.time_ms, 42);
        free(bytes);
    }
}

static void a_header_names_time_and_who(void **state)
{
    (void)state;
    struct replay_header header;
    char nothing[] = "a,b,c";
    char nobody[] = "t_epoch,topic";

    assert_non_null(replay_header_parse((uint8_t *)nothing, strlen(nothing), &header));
    assert_non_null(replay_header_parse((uint8_t *)nobody, strlen(nobody), &header));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_read),
        cmocka_unit_test(refused_filters_are_counted),
        cmocka_unit_test(columns_may_be_others),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_header_names_time_and_who),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
