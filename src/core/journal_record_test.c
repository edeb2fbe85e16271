/* SPDX-License-Identifier: Apache-2.0 */
/* Things in the store: what was written is read again, and what makes no sense is not. */
#include "core/journal_record.h"

#include "base/testing.h"
#include "core/delivery.h"
#include "core/record.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t extreme_times[] = { INT64_MIN, -1, 0, 1, INT64_MAX - 1, INT64_MAX };

static void assert_span(struct mqtt_span is, struct mqtt_span was)
{
    assert_int_equal(is.len, was.len);
    if (was.len > 0)
        assert_memory_equal(is.data, was.data, was.len);
}

/* ---- every kind behind one face ---- */

union thing {
    struct journal_meta meta;
    struct journal_session session;
    struct journal_subscription subscription;
    struct journal_message message;
    struct journal_will will;
    struct journal_delivery delivery;
    struct journal_parcel parcel;
    struct journal_retained retained;
};

static int read_meta(struct mqtt_span bytes, union thing *out)
{
    return journal_meta_read(bytes, &out->meta);
}

static int read_session(struct mqtt_span bytes, union thing *out)
{
    return journal_session_read(bytes, &out->session);
}

static int read_subscription(struct mqtt_span bytes, union thing *out)
{
    return journal_subscription_read(bytes, &out->subscription);
}

static int read_message(struct mqtt_span bytes, union thing *out)
{
    return journal_message_read(bytes, &out->message);
}

static int read_will(struct mqtt_span bytes, union thing *out)
{
    return journal_will_read(bytes, &out->will);
}

static int read_delivery(struct mqtt_span bytes, union thing *out)
{
    return journal_delivery_read(bytes, &out->delivery);
}

static int read_parcel(struct mqtt_span bytes, union thing *out)
{
    return journal_parcel_read(bytes, &out->parcel);
}

static int read_retained(struct mqtt_span bytes, union thing *out)
{
    return journal_retained_read(bytes, &out->retained);
}

static int (*const readers[])(struct mqtt_span, union thing *) = {
    read_meta, read_session,  read_subscription, read_message,
    read_will, read_delivery, read_parcel,       read_retained,
};

static unsigned newest_of(size_t kind)
{
    return readers[kind] == read_retained ? JOURNAL_RETAINED_VERSION : JOURNAL_RECORD_VERSION;
}

/* ---- samples ---- */

static struct journal_session a_session(void)
{
    return (struct journal_session){
        .client_id = span_of("lamp-1"),
        .device = span_of("lamp"),
        .tenant = span_of("acme"),
        .site = span_of("north"),
        .role = span_of("device"),
        .is_proved = true,
        .is_relaxed = true,
        .expiry_s = 3600,
        .expires_ms = 1700000000000,
    };
}

static struct journal_subscription a_subscription(void)
{
    return (struct journal_subscription){
        .session = 65,
        .filter = span_of("a/+/#"),
        .qos = 2,
        .no_local = true,
        .retain_as_published = true,
        .retain_handling = 2,
        .identifier = 77,
    };
}

static struct journal_message a_message(void)
{
    return (struct journal_message){
        .qos = 1,
        .retain = true,
        .expires_ms = 1700000000000,
        .topic = span_of("a/b"),
        .forward = span_of("\x03\0\x01x"),
        .payload = span_of("hello"),
    };
}

static struct journal_will a_will(void)
{
    return (struct journal_will){
        .message = a_message(),
        .due_ms = 1700000000000,
        .delay_s = 30,
        .has_expiry = true,
        .expiry_s = 60,
    };
}

static const uint32_t two_identifiers[] = { 1, 268435455 };

static struct journal_delivery a_delivery(void)
{
    return (struct journal_delivery){
        .session = 65,
        .state = DELIVERY_AWAITS_PUBACK,
        .qos = 1,
        .retain = true,
        .is_shared = true,
        .packet_id = 9,
        .identifiers = { (const uint8_t *)two_identifiers, sizeof(two_identifiers) },
    };
}

static struct journal_parcel a_parcel(void)
{
    return (struct journal_parcel){
        .shard = 1,
        .shard_count = 3,
        .hops = 2,
        .qos = 2,
        .retain = true,
        .group = { (const uint8_t *)"team\0a/+", 8 },
    };
}

static struct journal_retained a_retained(void)
{
    return (struct journal_retained){
        .message = a_message(),
        .owner = { (const uint8_t *)"\x01lamp\0acme\0", 12 },
        .role = span_of("device"),
    };
}

static void write_sample(struct record *record, size_t kind)
{
    const struct journal_meta meta = { { 1, UINT64_MAX } };
    const struct journal_session session = a_session();
    const struct journal_subscription subscription = a_subscription();
    const struct journal_message message = a_message();
    const struct journal_will will = a_will();
    const struct journal_delivery delivery = a_delivery();
    const struct journal_parcel parcel = a_parcel();
    const struct journal_retained retained = a_retained();

    record_reset(record);
    switch (kind) {
    case 0:
        journal_meta_write(record, &meta);
        break;
    case 1:
        journal_session_write(record, &session);
        break;
    case 2:
        journal_subscription_write(record, &subscription);
        break;
    case 3:
        journal_message_write(record, &message);
        break;
    case 4:
        journal_will_write(record, &will);
        break;
    case 5:
        journal_delivery_write(record, &delivery);
        break;
    case 6:
        journal_parcel_write(record, &parcel);
        break;
    default:
        journal_retained_write(record, &retained);
    }
    assert_false(record->failed);
}

/* A copy in a block of exactly its size. */
static struct mqtt_span exactly(const struct record *record, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, record->bytes, len);
    return (struct mqtt_span){ copy, len };
}

static struct mqtt_span all_of(const struct record *record)
{
    return (struct mqtt_span){ record->bytes, record->len };
}

/* ---- round trips ---- */

static void meta_comes_back(void **state)
{
    static const struct journal_meta cases[] = { { { 0, 0 } }, { { 1, UINT64_MAX } } };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct record record = { 0 };
        struct journal_meta out;

        journal_meta_write(&record, &cases[i]);
        assert_int_equal(journal_meta_read(all_of(&record), &out), 0);
        assert_true(out.hash_key.low == cases[i].hash_key.low);
        assert_true(out.hash_key.high == cases[i].hash_key.high);
        record_fini(&record);
    }
}

static void assert_session_comes_back(const struct journal_session *session)
{
    struct record record = { 0 };
    struct journal_session out;

    journal_session_write(&record, session);
    assert_int_equal(journal_session_read(all_of(&record), &out), 0);
    assert_span(out.client_id, session->client_id);
    assert_span(out.device, session->device);
    assert_span(out.tenant, session->tenant);
    assert_span(out.site, session->site);
    assert_span(out.role, session->role);
    assert_int_equal(out.is_proved, session->is_proved);
    assert_int_equal(out.is_relaxed, session->is_relaxed);
    assert_int_equal(out.expiry_s, session->expiry_s);
    assert_true(out.expires_ms == session->expires_ms);
    record_fini(&record);
}

static void a_session_comes_back(void **state)
{
    static const uint32_t expiries[] = { 0, 1, UINT32_MAX };
    static uint8_t longest[UINT16_MAX];

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(extreme_times); i++) {
        for (size_t k = 0; k < MQTT_ARRAY_LEN(expiries); k++) {
            struct journal_session session = a_session();

            session.expires_ms = extreme_times[i];
            session.expiry_s = expiries[k];
            session.is_proved = i % 2 == 0;
            session.is_relaxed = k % 2 == 0;
            assert_session_comes_back(&session);
        }
    }
    memset(longest, 'x', sizeof(longest));
    struct journal_session nobody = { .client_id = { longest, sizeof(longest) } };
    assert_session_comes_back(&nobody);
}

static void a_subscription_comes_back(void **state)
{
    static const char *const filters[] = { "#", "a", "$share/g/a/+", "/", "+/+" };

    (void)state;
    for (unsigned bits = 0; bits < 64; bits++) {
        const struct journal_subscription s = {
            .session = bits % 2 == 0 ? UINT64_MAX : 0,
            .filter = span_of(filters[bits % MQTT_ARRAY_LEN(filters)]),
            .qos = (uint8_t)((bits & 3) % 3),
            .no_local = (bits & 4) != 0,
            .retain_as_published = (bits & 8) != 0,
            .retain_handling = (uint8_t)((bits >> 4) % 3),
            .identifier = bits % 3 == 0 ? 268435455 : bits % 3 - 1,
        };
        struct record record = { 0 };
        struct journal_subscription out;

        journal_subscription_write(&record, &s);
        assert_int_equal(journal_subscription_read(all_of(&record), &out), 0);
        assert_true(out.session == s.session);
        assert_span(out.filter, s.filter);
        assert_int_equal(out.qos, s.qos);
        assert_int_equal(out.no_local, s.no_local);
        assert_int_equal(out.retain_as_published, s.retain_as_published);
        assert_int_equal(out.retain_handling, s.retain_handling);
        assert_int_equal(out.identifier, s.identifier);
        record_fini(&record);
    }
}

static void assert_message(const struct journal_message *is, const struct journal_message *was)
{
    assert_int_equal(is->qos, was->qos);
    assert_int_equal(is->retain, was->retain);
    assert_true(is->expires_ms == was->expires_ms);
    assert_span(is->topic, was->topic);
    assert_span(is->forward, was->forward);
    assert_span(is->payload, was->payload);
}

static void a_message_comes_back(void **state)
{
    static uint8_t much[100000];

    (void)state;
    memset(much, 't', sizeof(much));
    for (size_t i = 0; i < MQTT_ARRAY_LEN(extreme_times); i++) {
        struct journal_message message = a_message();
        struct journal_message out;
        struct record record = { 0 };

        message.expires_ms = extreme_times[i];
        message.qos = (uint8_t)(i % 3);
        message.retain = i % 2 == 0;
        if (i % 2 == 0)
            message.topic = (struct mqtt_span){ much, UINT16_MAX };
        message.forward.len = i % 2 == 0 ? 0 : message.forward.len;
        message.payload = (struct mqtt_span){ much, i % 3 == 0 ? 0 : sizeof(much) };
        journal_message_write(&record, &message);
        assert_int_equal(journal_message_read(all_of(&record), &out), 0);
        assert_message(&out, &message);
        record_fini(&record);
    }
}

static void a_retained_message_comes_back(void **state)
{
    struct journal_retained retained = a_retained();
    struct journal_retained out;
    struct record record = { 0 };

    (void)state;
    journal_retained_write(&record, &retained);
    assert_int_equal(record.bytes[0], JOURNAL_RETAINED_VERSION);
    assert_int_equal(journal_retained_read(all_of(&record), &out), 0);
    assert_message(&out.message, &retained.message);
    assert_true(span_equal(out.owner, retained.owner) && span_equal(out.role, retained.role));
    /* One of nobody is as it was in version 1, which is read as one of nobody. */
    record_reset(&record);
    retained.owner.len = retained.role.len = 0;
    journal_retained_write(&record, &retained);
    assert_int_equal(record.bytes[0], JOURNAL_RECORD_VERSION);
    assert_int_equal(journal_message_read(all_of(&record), &out.message), 0);
    assert_int_equal(journal_retained_read(all_of(&record), &out), 0);
    assert_message(&out.message, &retained.message);
    assert_int_equal(out.owner.len + out.role.len, 0);
    record_fini(&record);
}

static void a_will_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(extreme_times); i++) {
        struct journal_will will = a_will();
        struct journal_will out;
        struct record record = { 0 };

        will.due_ms = extreme_times[i];
        will.has_expiry = i % 2 == 0;
        will.delay_s = i % 2 == 0 ? UINT32_MAX : 0;
        will.expiry_s = i % 2 == 0 ? 0 : UINT32_MAX;
        journal_will_write(&record, &will);
        assert_int_equal(journal_will_read(all_of(&record), &out), 0);
        assert_message(&out.message, &will.message);
        assert_true(out.due_ms == will.due_ms);
        assert_int_equal(out.has_expiry, will.has_expiry);
        assert_int_equal(out.delay_s, will.delay_s);
        assert_int_equal(out.expiry_s, will.expiry_s);
        record_fini(&record);
    }
}

static void a_delivery_comes_back(void **state)
{
    static const struct {
        uint8_t state;
        uint8_t qos;
        uint16_t packet_id;
    } cases[] = {
        { DELIVERY_QUEUED, 0, 0 },           { DELIVERY_QUEUED, 2, 0 },
        { DELIVERY_AWAITS_PUBACK, 1, 1 },    { DELIVERY_AWAITS_PUBREC, 2, UINT16_MAX },
        { DELIVERY_AWAITS_PUBCOMP, 2, 256 },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct journal_delivery delivery = a_delivery();
        struct journal_delivery out;
        struct record record = { 0 };

        delivery.session = i % 2 == 0 ? UINT64_MAX : 0;
        delivery.state = cases[i].state;
        delivery.qos = cases[i].qos;
        delivery.packet_id = cases[i].packet_id;
        delivery.retain = i % 2 == 0;
        delivery.is_shared = i % 2 != 0;
        delivery.identifiers.len = i % 3 * sizeof(uint32_t);
        journal_delivery_write(&record, &delivery);
        assert_int_equal(journal_delivery_read(all_of(&record), &out), 0);
        assert_true(out.session == delivery.session);
        assert_int_equal(out.state, delivery.state);
        assert_int_equal(out.qos, delivery.qos);
        assert_int_equal(out.packet_id, delivery.packet_id);
        assert_int_equal(out.retain, delivery.retain);
        assert_int_equal(out.is_shared, delivery.is_shared);
        assert_int_equal(out.identifier_count, i % 3);
        assert_span(out.identifiers, delivery.identifiers);
        record_fini(&record);
    }
}

static void a_parcel_comes_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct journal_parcel parcel = a_parcel();
        struct journal_parcel out;
        struct record record = { 0 };

        parcel.shard_count = i % 2 == 0 ? UINT32_MAX : 1;
        parcel.shard = parcel.shard_count - 1;
        parcel.hops = i % 2 == 0 ? UINT8_MAX : 0;
        parcel.qos = (uint8_t)(i % 3);
        parcel.retain = i % 2 == 0;
        parcel.group.len = i % 2 == 0 ? 0 : parcel.group.len;
        journal_parcel_write(&record, &parcel);
        assert_int_equal(journal_parcel_read(all_of(&record), &out), 0);
        assert_int_equal(out.shard, parcel.shard);
        assert_int_equal(out.shard_count, parcel.shard_count);
        assert_int_equal(out.hops, parcel.hops);
        assert_int_equal(out.qos, parcel.qos);
        assert_int_equal(out.retain, parcel.retain);
        assert_span(out.group, parcel.group);
        record_fini(&record);
    }
}

/* ---- what is not there, and what is too new ---- */

static void every_truncation_is_refused(void **state)
{
    struct record record = { 0 };
    union thing out;

    (void)state;
    for (size_t kind = 0; kind < MQTT_ARRAY_LEN(readers); kind++) {
        write_sample(&record, kind);
        for (size_t len = 0; len < record.len; len++) {
            struct mqtt_span cut = exactly(&record, len);

            assert_int_equal(readers[kind](cut, &out), -EBADMSG);
            test_span_free(cut);
        }
        assert_int_equal(readers[kind](all_of(&record), &out), 0);
        record_put_u8(&record, 0); /* one byte too many */
        assert_int_equal(readers[kind](all_of(&record), &out), -EBADMSG);
    }
    record_fini(&record);
}

static void a_newer_version_is_told_from_nonsense(void **state)
{
    struct record record = { 0 };
    union thing out;

    (void)state;
    for (size_t kind = 0; kind < MQTT_ARRAY_LEN(readers); kind++) {
        write_sample(&record, kind);
        record.bytes[0] = 0;
        assert_int_equal(readers[kind](all_of(&record), &out), -EBADMSG);
        for (unsigned version = newest_of(kind) + 1; version < 256; version++) {
            record.bytes[0] = (uint8_t)version;
            /* Its layout is not known: neither its length nor what is in it is looked at. */
            for (size_t len = 1; len <= record.len; len++) {
                struct mqtt_span cut = exactly(&record, len);

                assert_int_equal(readers[kind](cut, &out), -EPROTO);
                test_span_free(cut);
            }
        }
    }
    record_fini(&record);
}

/* ---- what makes no sense ---- */

static int read_back_session(const struct journal_session *session)
{
    struct record record = { 0 };
    struct journal_session out;

    journal_session_write(&record, session);
    int error = journal_session_read(all_of(&record), &out);
    record_fini(&record);
    return error;
}

static void senseless_sessions_are_refused(void **state)
{
    static uint8_t longest[UINT16_MAX + 1];
    struct journal_session session = a_session();

    (void)state;
    session.client_id.len = 0;
    assert_int_equal(read_back_session(&session), -EBADMSG);
    session.client_id = (struct mqtt_span){ longest, sizeof(longest) };
    assert_int_equal(read_back_session(&session), -EBADMSG);
    session.client_id.len--;
    assert_int_equal(read_back_session(&session), 0);
}

static int read_back_subscription(const struct journal_subscription *subscription)
{
    struct record record = { 0 };
    struct journal_subscription out;

    journal_subscription_write(&record, subscription);
    int error = journal_subscription_read(all_of(&record), &out);
    record_fini(&record);
    return error;
}

static void senseless_subscriptions_are_refused(void **state)
{
    static const char *const filters[] = { "",          "a/#/b",     "a+",        "$share/g",
                                           "$share//a", "$share/g/", "$share/+/a" };
    static uint8_t longest[UINT16_MAX + 1];
    struct journal_subscription s = a_subscription();

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(filters); i++) {
        s.filter = span_of(filters[i]);
        assert_int_equal(read_back_subscription(&s), -EBADMSG);
    }
    memset(longest, 'x', sizeof(longest));
    s.filter = (struct mqtt_span){ longest, sizeof(longest) };
    assert_int_equal(read_back_subscription(&s), -EBADMSG);
    s = a_subscription();
    s.qos = 3;
    assert_int_equal(read_back_subscription(&s), -EBADMSG);
    s = a_subscription();
    s.retain_handling = 3;
    assert_int_equal(read_back_subscription(&s), -EBADMSG);
    s = a_subscription();
    s.identifier = 268435456;
    assert_int_equal(read_back_subscription(&s), -EBADMSG);
}

/* As a message, and as that of a will. */
static int read_back_message(const struct journal_message *message)
{
    struct record record = { 0 };
    struct journal_will will = a_will();
    struct journal_message out;
    struct journal_will out_will;

    journal_message_write(&record, message);
    int error = journal_message_read(all_of(&record), &out);
    record_reset(&record);
    will.message = *message;
    journal_will_write(&record, &will);
    assert_int_equal(journal_will_read(all_of(&record), &out_will), error);
    record_fini(&record);
    return error;
}

static void senseless_messages_are_refused(void **state)
{
    static const char *const topics[] = { "", "a/#", "+", "\xff", "a/\xed\xa0\x80" };
    static uint8_t longest[UINT16_MAX + 1];
    struct journal_message message = a_message();

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(topics); i++) {
        message.topic = span_of(topics[i]);
        assert_int_equal(read_back_message(&message), -EBADMSG);
    }
    message.topic = (struct mqtt_span){ (const uint8_t *)"a\0b", 3 };
    assert_int_equal(read_back_message(&message), -EBADMSG);
    memset(longest, 'x', sizeof(longest));
    message.topic = (struct mqtt_span){ longest, sizeof(longest) };
    assert_int_equal(read_back_message(&message), -EBADMSG);
    message = a_message();
    message.qos = 3;
    assert_int_equal(read_back_message(&message), -EBADMSG);
}

static int read_back_delivery(const struct journal_delivery *delivery)
{
    struct record record = { 0 };
    struct journal_delivery out;

    journal_delivery_write(&record, delivery);
    int error = journal_delivery_read(all_of(&record), &out);
    record_fini(&record);
    return error;
}

static void senseless_deliveries_are_refused(void **state)
{
    static const struct {
        uint8_t state;
        uint8_t qos;
        uint16_t packet_id;
        size_t identifiers_len;
    } cases[] = {
        { DELIVERY_AWAITS_PUBCOMP + 1, 2, 9, 8 },
        { UINT8_MAX, 2, 9, 8 },
        { DELIVERY_QUEUED, 1, 9, 8 }, /* what waits in the queue has no packet identifier */
        { DELIVERY_AWAITS_PUBACK, 1, 0, 8 },
        { DELIVERY_AWAITS_PUBREC, 2, 0, 8 },
        { DELIVERY_AWAITS_PUBCOMP, 2, 0, 8 },
        { DELIVERY_AWAITS_PUBACK, 0, 9, 8 },
        { DELIVERY_AWAITS_PUBACK, 3, 9, 8 },
        { DELIVERY_AWAITS_PUBACK, 2, 9, 8 }, /* PUBACK is for QoS 1 and for nothing else */
        { DELIVERY_AWAITS_PUBREC, 1, 9, 8 },
        { DELIVERY_AWAITS_PUBCOMP, 1, 9, 8 },
        { DELIVERY_QUEUED, UINT8_MAX, 0, 8 },
        { DELIVERY_AWAITS_PUBACK, 1, 9, 7 },
        { DELIVERY_AWAITS_PUBACK, 1, 9, 1 },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct journal_delivery delivery = a_delivery();

        delivery.state = cases[i].state;
        delivery.qos = cases[i].qos;
        delivery.packet_id = cases[i].packet_id;
        delivery.identifiers.len = cases[i].identifiers_len;
        assert_int_equal(read_back_delivery(&delivery), -EBADMSG);
    }
}

static int read_back_parcel(const struct journal_parcel *parcel)
{
    struct record record = { 0 };
    struct journal_parcel out;

    journal_parcel_write(&record, parcel);
    int error = journal_parcel_read(all_of(&record), &out);
    record_fini(&record);
    return error;
}

static void senseless_parcels_are_refused(void **state)
{
    struct journal_parcel parcel = a_parcel();

    (void)state;
    parcel.shard = parcel.shard_count;
    assert_int_equal(read_back_parcel(&parcel), -EBADMSG);
    parcel = a_parcel();
    parcel.shard = 0;
    parcel.shard_count = 0; /* would be divided by */
    assert_int_equal(read_back_parcel(&parcel), -EBADMSG);
    parcel = a_parcel();
    parcel.qos = 3;
    assert_int_equal(read_back_parcel(&parcel), -EBADMSG);
}

/* ---- anything ---- */

static void assert_verdict(int error)
{
    assert_true(error == 0 || error == -EBADMSG || error == -EPROTO);
}

static void random_bytes_are_harmless(void **state)
{
    struct test_random random = { .state = 3 };
    uint8_t bytes[120];
    union thing out;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct record record = { .bytes = bytes, .len = test_random_below(&random, sizeof(bytes)) };

        for (size_t i = 0; i < record.len; i++)
            bytes[i] = (uint8_t)test_random_below(&random, round % 2 == 0 ? 3 : 256);
        bytes[0] = (uint8_t)(JOURNAL_RECORD_VERSION + round / 2 % 2);
        struct mqtt_span span = exactly(&record, record.len);
        for (size_t kind = 0; kind < MQTT_ARRAY_LEN(readers); kind++)
            assert_verdict(readers[kind](span, &out));
        test_span_free(span);
    }
}

static void changed_bytes_are_harmless(void **state)
{
    struct test_random random = { .state = 4 };
    struct record record = { 0 };
    union thing out;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t kind = round % MQTT_ARRAY_LEN(readers);

        write_sample(&record, kind);
        for (size_t changes = 1 + test_random_below(&random, 3); changes > 0; changes--)
            record.bytes[1 + test_random_below(&random, record.len - 1)] =
                (uint8_t)test_random_next(&random);
        struct mqtt_span span = exactly(&record, record.len);
        assert_verdict(readers[kind](span, &out));
        test_span_free(span);
    }
    record_fini(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meta_comes_back),
        cmocka_unit_test(a_session_comes_back),
        cmocka_unit_test(a_subscription_comes_back),
        cmocka_unit_test(a_message_comes_back),
        cmocka_unit_test(a_retained_message_comes_back),
        cmocka_unit_test(a_will_comes_back),
        cmocka_unit_test(a_delivery_comes_back),
        cmocka_unit_test(a_parcel_comes_back),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_newer_version_is_told_from_nonsense),
        cmocka_unit_test(senseless_sessions_are_refused),
        cmocka_unit_test(senseless_subscriptions_are_refused),
        cmocka_unit_test(senseless_messages_are_refused),
        cmocka_unit_test(senseless_deliveries_are_refused),
        cmocka_unit_test(senseless_parcels_are_refused),
        cmocka_unit_test(random_bytes_are_harmless),
        cmocka_unit_test(changed_bytes_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
