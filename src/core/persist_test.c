/* SPDX-License-Identifier: Apache-2.0 */
/* Records of version 0.1 are taken whole or not at all. What a real tacitd of then left behind is in
 * tests/upgrade. */
#include "core/persist.h"

#include "core/delivery.h"
#include "core/persist_format.h"
#include "core/record.h"
#include "core/world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put_message(struct record *r, const char *topic)
{
    record_put_u8(r, MQTT_QOS_1);
    record_put_u8(r, 0);
    record_put_u64(r, WHEEL_NEVER);
    record_put_span(r, span_of(topic));
    record_put_span(r, (struct mqtt_span){ 0 });
    record_put_span(r, span_of("payload"));
}

/* A session with everything that one can have. */
static void put_session(struct record *r)
{
    record_put_u8(r, PERSIST_SESSION);
    record_put_u8(r, PERSIST_VERSION);
    record_put_span(r, span_of("reader"));
    for (unsigned i = 0; i < 3; i++)
        record_put_span(r, (struct mqtt_span){ 0 }); /* device, tenant, site */
    record_put_span(r, span_of("all"));
    record_put_u8(r, 0);
    record_put_u32(r, 1000);
    record_put_u64(r, 1000000);
    record_put_u16(r, 7);
    record_put_u32(r, 1); /* received */
    record_put_u16(r, 500);
    record_put_u32(r, 1); /* subscriptions */
    record_put_span(r, span_of("t"));
    record_put_u8(r, MQTT_QOS_1);
    record_put_u32(r, 0);
    record_put_u8(r, 1); /* will */
    record_put_u64(r, 60000);
    record_put_u8(r, 0);
    record_put_u32(r, 0);
    put_message(r, "will");
    record_put_u32(r, 1); /* deliveries */
    record_put_u8(r, DELIVERY_AWAITS_PUBACK);
    record_put_u8(r, PERSIST_SENT);
    record_put_u8(r, MQTT_QOS_1);
    record_put_u16(r, 7);
    record_put_u32(r, 0);
    record_put_u8(r, 1);
    put_message(r, "t");
}

static void put_retained(struct record *r)
{
    record_put_u8(r, PERSIST_RETAINED);
    record_put_u8(r, PERSIST_VERSION);
    put_message(r, "kept");
}

static struct mqtt_span written(const struct record *r)
{
    return (struct mqtt_span){ r->bytes, r->len };
}

static void whole_records_are_taken(void **state)
{
    struct world world;
    struct record session = { 0 };
    struct record retained = { 0 };
    struct mqtt_publish publish;

    (void)state;
    put_session(&session);
    put_retained(&retained);
    world_init(&world, 1, NULL);
    assert_int_equal(persist_record_home(world.brokers[0], written(&session)), 0);
    assert_int_equal(persist_record_home(world.brokers[0], written(&retained)), -1);
    assert_int_equal(broker_load(world.brokers[0], written(&session), 0, world.now_ms), 0);
    assert_int_equal(shared_load(world.shared, written(&retained), 0, world.now_ms), 0);
    assert_int_equal(broker_load(world.brokers[0], written(&session), 0, world.now_ms), -EINVAL);
    struct world_peer *reader = world_open(&world, MQTT_VERSION_5);
    assert_true(world_connect(
        reader, &(struct world_connect){ .client_id = "reader", .resume = true }, NULL));
    assert_true(world_take_publish(reader, &publish));
    assert_true(publish.duplicate);
    assert_int_equal(publish.packet_id, 7);
    world_fini(&world);
    record_fini(&session);
    record_fini(&retained);
}

static void refuses_every_truncation(const struct mqtt_span record)
{
    struct world world;

    world_init(&world, 1, NULL);
    for (size_t len = 0; len < record.len; len++) {
        uint8_t *exact = malloc(len > 0 ? len : 1);
        assert_non_null(exact);
        memcpy(exact, record.data, len);
        const struct mqtt_span cut = { exact, len };
        assert_int_not_equal(broker_load(world.brokers[0], cut, 0, world.now_ms), 0);
        assert_int_not_equal(shared_load(world.shared, cut, 0, world.now_ms), 0);
        free(exact);
    }
    assert_int_equal(broker_statistics(world.brokers[0])->sessions, 0);
    world_fini(&world);
}

static void truncated_records_leave_nothing_behind(void **state)
{
    struct record record = { 0 };

    (void)state;
    put_session(&record);
    refuses_every_truncation(written(&record));
    record_reset(&record);
    put_retained(&record);
    refuses_every_truncation(written(&record));
    record_fini(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_records_are_taken),
        cmocka_unit_test(truncated_records_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
