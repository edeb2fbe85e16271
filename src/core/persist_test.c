/* SPDX-License-Identifier: Apache-2.0 */
/* Records of version 0.1 are taken whole or not at all. What a real tacitd of then left behind is in
 * tests/upgrade. */
#include "core/persist.h"

#include "core/delivery.h"
#include "core/persist_format.h"
#include "core/record.h"
#include "core/session.h"
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

/* What tests say of the session. */
struct told {
    uint64_t left_ms;
    uint8_t state, qos; /* of its delivery */
};

/* A session with everything that one can have. */
static void put_session_with(struct record *r, const struct told *told)
{
    record_put_u8(r, PERSIST_SESSION);
    record_put_u8(r, PERSIST_VERSION);
    record_put_span(r, span_of("reader"));
    for (unsigned i = 0; i < 3; i++)
        record_put_span(r, (struct mqtt_span){ 0 }); /* device, tenant, site */
    record_put_span(r, span_of("all"));
    record_put_u8(r, 0);
    record_put_u32(r, 1000);
    record_put_u64(r, told->left_ms);
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
    record_put_u8(r, told->state);
    record_put_u8(r, PERSIST_SENT);
    record_put_u8(r, told->qos);
    record_put_u16(r, 7);
    record_put_u32(r, 0);
    record_put_u8(r, 1);
    put_message(r, "t");
}

static void put_session(struct record *r)
{
    put_session_with(r, &(struct told){ 1000000, DELIVERY_AWAITS_PUBACK, MQTT_QOS_1 });
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

/* With its identifier 7 and its message it awaits PUBACK or PUBREC. */
static void a_delivery_agrees_with_its_qos(void **state)
{
    (void)state;
    for (uint8_t awaits = DELIVERY_QUEUED; awaits <= DELIVERY_AWAITS_PUBCOMP + 1; awaits++) {
        for (uint8_t qos = MQTT_QOS_0; qos <= MQTT_QOS_2 + 1; qos++) {
            bool agrees = (awaits == DELIVERY_AWAITS_PUBACK && qos == MQTT_QOS_1)
                          || (awaits == DELIVERY_AWAITS_PUBREC && qos == MQTT_QOS_2);
            struct world world;
            struct record session = { 0 };

            put_session_with(&session, &(struct told){ 1000000, awaits, qos });
            world_init(&world, 1, NULL);
            assert_int_equal(broker_load(world.brokers[0], written(&session), 0, world.now_ms),
                             agrees ? 0 : -EINVAL);
            world_fini(&world);
            record_fini(&session);
        }
    }
}

/* It says 1,000 s in its CONNECT and for ever in what is left. */
static void nobody_lives_longer_than_it_asked_for(void **state)
{
    struct world world;
    struct record session = { 0 };

    (void)state;
    put_session_with(&session, &(struct told){ WHEEL_NEVER, DELIVERY_AWAITS_PUBACK, MQTT_QOS_1 });
    world_init(&world, 1, NULL);
    assert_int_equal(broker_load(world.brokers[0], written(&session), 0, world.now_ms), 0);
    world_sleep(&world, 999000);
    assert_non_null(session_find(world.brokers[0], span_of("reader")));
    world_sleep(&world, 2000);
    assert_null(session_find(world.brokers[0], span_of("reader")));
    world_fini(&world);
    record_fini(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_records_are_taken),
        cmocka_unit_test(truncated_records_leave_nothing_behind),
        cmocka_unit_test(a_delivery_agrees_with_its_qos),
        cmocka_unit_test(nobody_lives_longer_than_it_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
