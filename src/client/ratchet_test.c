/* SPDX-License-Identifier: Apache-2.0 */
/* The device's side: what goes out, what is kept, and in which order. */
#include <tacit/ratchet.h>

#include "base/siphash.h"
#include "client/stand.h"
#include "ratchet/record.h"

#define EIGHTY     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEAD_BYTES 9 /* of a state: version and counter */

/* What is asked of the port. */
enum part {
    NOTHING = 0,
    LOAD,
    BINDING,
    RANDOM,
    PROOF,
    NEXT,
    STORE,
};

struct device {
    struct stand stand;
    struct tacit_ratchet ratchet;
    struct tacit_ratchet_port port;
    uint8_t state[TACIT_RATCHET_STATE_BYTES];
    unsigned stores;
    enum part fails;
    bool is_unknown; /* the broker keeps no ratchets, as TLS says */
};

static int compute(void *context, const uint8_t key[RATCHET_KEY_BYTES], struct mqtt_span data,
                   uint8_t out[RATCHET_KEY_BYTES])
{
    struct siphash_key mixed = { 0 };

    (void)context;
    mixed.low = siphash(&mixed, (struct mqtt_span){ key, RATCHET_KEY_BYTES });
    memset(out, 0, RATCHET_KEY_BYTES);
    uint64_t word = siphash(&mixed, data);
    memcpy(out, &word, sizeof(word));
    return 0;
}

static int hmac(void *context, const uint8_t key[TACIT_RATCHET_KEY_BYTES], struct tacit_bytes data,
                uint8_t out[TACIT_RATCHET_KEY_BYTES])
{
    const struct device *device = context;
    const struct mqtt_span bytes = { data.data, data.len };
    enum part part = span_starts_with(bytes, span_of("tacit ratchet 1 next")) ? NEXT : PROOF;

    return device->fails == part ? -1 : compute(NULL, key, bytes, out);
}

static int binding(void *context, uint8_t out[TACIT_RATCHET_KEY_BYTES])
{
    const struct device *device = context;

    memset(out, (int)device->stand.wire.opens, TACIT_RATCHET_KEY_BYTES);
    return device->fails == BINDING ? -1 : device->is_unknown ? 1 : 0;
}

static int fill(void *context, void *out, size_t len)
{
    const struct device *device = context;

    memset(out, 7, len);
    return device != NULL && device->fails == RANDOM ? -1 : 0;
}

static int load(void *context, uint8_t out[TACIT_RATCHET_STATE_BYTES])
{
    const struct device *device = context;

    memcpy(out, device->state, TACIT_RATCHET_STATE_BYTES);
    return device->fails == LOAD ? -1 : 0;
}

static int store(void *context, const uint8_t state[TACIT_RATCHET_STATE_BYTES])
{
    struct device *device = context;

    assert_int_equal(device->stand.wire.to_server.len, 0); /* nothing has gone out before */
    if (device->fails == STORE)
        return -1;
    memcpy(device->state, state, TACIT_RATCHET_STATE_BYTES);
    device->stores++;
    return 0;
}

static void begin(struct device *device, uint8_t version)
{
    *device = (struct device){ .fails = NOTHING };
    stand_init(&device->stand);
    device->port = (struct tacit_ratchet_port){ device, hmac, binding, fill, load, store };
    tacit_ratchet_init(&device->ratchet, &device->port);
    assert_int_equal(tacit_ratchet_first(fill, NULL, device->state), 0);
    device->stand.config.version = version;
    device->stand.config.limits.send_bytes = 256;
    device->stand.config.greeting = &device->ratchet.greeting;
    stand_start(&device->stand);
}

/* Where a message of ours is announced; their length: nowhere. */
static size_t find_name(const struct tacit_memory_buffer *sent)
{
    size_t len = sizeof(RATCHET_NAME) - 1;

    for (size_t at = 0; at + len <= sent->len; at++) {
        if (memcmp(sent->bytes + at, RATCHET_NAME, len) == 0)
            return at;
    }
    return sent->len;
}

/* What the broker makes of the message in the CONNECT that has gone out. */
static enum ratchet_verdict judge(struct device *device, struct ratchet_record *record)
{
    const struct ratchet_hmac plain = { .compute = compute };
    const struct tacit_memory_buffer *sent = &device->stand.wire.to_server;
    const struct ratchet_arrival arrival = { 1, device->stand.wire.opens };
    struct ratchet_message message;
    uint8_t bound[RATCHET_KEY_BYTES];
    size_t at = find_name(sent);

    /* A property has its identifier in between, a password follows at once. */
    at += sizeof(RATCHET_NAME) - 1 + (device->stand.config.version == 5 ? 3 : 2);
    assert_true(at + RATCHET_MESSAGE_BYTES <= sent->len);
    const struct mqtt_span bytes = { sent->bytes + at, RATCHET_MESSAGE_BYTES };
    assert_int_equal(ratchet_message_decode(bytes, &message), 0);
    (void)binding(device, bound);
    tacit_memory_drop(&device->stand.wire, sent->len);
    return ratchet_record_judge(record, &plain, &message, bound, &arrival, false);
}

static void end(struct device *device)
{
    stand_fini(&device->stand);
}

static const char *accepting(uint8_t version)
{
    return version == 5 ? "20 19 00 00 16 15 000f 74616369742d726174636865742d31 16 0001 01"
                        : "20 02 00 00";
}

static void connect_once(struct device *device, struct ratchet_record *record)
{
    uint8_t version = device->stand.config.version;

    assert_int_equal(stand_poll(&device->stand), TACIT_EVENT_NONE);
    assert_int_equal(judge(device, record), RATCHET_TAKEN);
    stand_feed(&device->stand, accepting(version));
    assert_int_equal(stand_poll(&device->stand), TACIT_EVENT_UP);
}

/* The connection breaks, and the next one is open. */
static void come_again(struct device *device)
{
    struct stand *stand = &device->stand;

    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
    stand->wire.hung_up = true;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    stand->wire.hung_up = false;
    for (unsigned i = 0; stand->wire.to_server.len == 0; i++) {
        assert_true(i < 100);
        stand->now_ms += 10000;
        assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    }
}

/* And whatever has gone out is forgotten. */
static bool says_where_it_stands(struct device *device)
{
    struct tacit_memory *wire = &device->stand.wire;
    bool says = find_name(&wire->to_server) < wire->to_server.len;

    tacit_memory_drop(wire, wire->to_server.len);
    return says;
}

static void it_goes_on_with_the_broker(void **state)
{
    static const uint8_t versions[] = { 5, 4, 3 };

    (void)state;
    assert_string_equal(TACIT_RATCHET_PROTOCOL, RATCHET_NAME); /* what TLS is asked for */
    for (size_t i = 0; i < sizeof(versions); i++) {
        struct ratchet_record record = { .has_base = false };
        struct device device;

        begin(&device, versions[i]);
        connect_once(&device, &record);
        assert_int_equal(device.stores, 1);
        assert_int_equal(tacit_ratchet_counter(device.state), 1);
        assert_memory_equal(device.state + HEAD_BYTES, record.next.secret, RATCHET_KEY_BYTES);
        assert_int_equal(stand_poll(&device.stand), TACIT_EVENT_NONE);
        assert_memory_equal(device.stand.wire.to_server.bytes, "\xc0\0", 2); /* PINGREQ */
        end(&device);
    }
}

/* It says nothing of it, or something else than that it has gone on. */
static void what_the_broker_has_not_taken_is_not_kept(void **state)
{
    static const char *const connacks[] = {
        "20 03 00 00 00",
        "20 18 00 00 15 15 000f 74616369742d726174636865742d31 16 0000",
        "20 19 00 00 16 15 000f 74616369742d726174636865742d31 16 0001 02",
        "20 1a 00 00 17 15 000f 74616369742d726174636865742d31 16 0002 0101",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(connacks) / sizeof(connacks[0]); i++) {
        struct device device;

        begin(&device, 5);
        assert_int_equal(stand_poll(&device.stand), TACIT_EVENT_NONE);
        stand_feed(&device.stand, connacks[i]);
        assert_int_equal(stand_poll(&device.stand), TACIT_EVENT_UP);
        assert_int_equal(device.stores, 0);
        end(&device);
    }
}

/* Whatever such a broker says, the device stays where the one that keeps ratchets has it. */
static void a_broker_that_keeps_no_ratchets_moves_nothing(void **state)
{
    static const struct {
        uint8_t version;
        const char *connack;
    } rows[] = { { 5, "20 03 00 00 00" }, { 4, "20 02 00 00" }, { 3, "20 02 00 00" } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ratchet_record record = { .has_base = false };
        struct device device;
        uint8_t before[TACIT_RATCHET_STATE_BYTES];

        begin(&device, rows[i].version);
        connect_once(&device, &record);
        memcpy(before, device.state, sizeof(before));
        for (unsigned visits = 0; visits < 3; visits++) {
            device.is_unknown = true;
            come_again(&device);
            assert_false(says_where_it_stands(&device));
            stand_feed(&device.stand, rows[i].connack);
            assert_int_equal(stand_poll(&device.stand), TACIT_EVENT_UP);
            assert_int_equal(device.stores, 1);
            assert_memory_equal(device.state, before, sizeof(before));
        }
        device.is_unknown = false;
        come_again(&device);
        assert_int_equal(judge(&device, &record), RATCHET_TAKEN);
        end(&device);
    }
}

static void without_a_place_to_store_it_does_not_go_on(void **state)
{
    struct ratchet_record record = { .has_base = false };
    struct device device;

    (void)state;
    begin(&device, 4);
    assert_int_equal(stand_poll(&device.stand), TACIT_EVENT_NONE);
    assert_int_equal(judge(&device, &record), RATCHET_TAKEN);
    stand_feed(&device.stand, accepting(4));
    device.fails = STORE;
    assert_int_equal(stand_poll(&device.stand), TACIT_EVENT_DOWN);
    assert_int_equal(device.stand.event.status, TACIT_KEY);
    assert_int_equal(device.stand.wire.to_server.len, 0);
    assert_int_equal(tacit_ratchet_counter(device.state), 0);
    end(&device);
}

static void it_does_not_connect(struct device *device, enum tacit_status status)
{
    assert_int_equal(stand_poll(&device->stand), TACIT_EVENT_DOWN);
    assert_int_equal(device->stand.event.status, status);
    assert_int_equal(device->stand.wire.to_server.len, 0);
    end(device);
}

static void without_what_it_needs_it_does_not_connect(void **state)
{
    struct device device;

    (void)state;
    for (unsigned part = LOAD; part < STORE; part++) {
        begin(&device, 5);
        device.fails = (enum part)part;
        it_does_not_connect(&device, TACIT_KEY);
    }
    begin(&device, 5);
    device.state[0] = 9; /* of a version that nobody knows */
    it_does_not_connect(&device, TACIT_KEY);
    begin(&device, 4);
    device.stand.config.client_id = TEXT(EIGHTY EIGHTY EIGHTY);
    it_does_not_connect(&device, TACIT_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on_with_the_broker),
        cmocka_unit_test(what_the_broker_has_not_taken_is_not_kept),
        cmocka_unit_test(a_broker_that_keeps_no_ratchets_moves_nothing),
        cmocka_unit_test(without_a_place_to_store_it_does_not_go_on),
        cmocka_unit_test(without_what_it_needs_it_does_not_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
