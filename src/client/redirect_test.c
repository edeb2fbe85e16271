/* SPDX-License-Identifier: Apache-2.0 */
/* A server that says which other one to use. */
#include "client/stand.h"

static int setup(void **state)
{
    struct stand *stand = malloc(sizeof(*stand));
    stand_init(stand);
    stand->config.port = 8883;
    stand->config.redirects = 2;
    stand->random = UINT32_MAX;
    *state = stand;
    return 0;
}

static int teardown(void **state)
{
    stand_fini(*state);
    free(*state);
    return 0;
}

/* CONNACK or DISCONNECT with that reason and reference. */
static void refer(struct stand *stand, uint8_t type, uint8_t reason, const char *reference)
{
    uint8_t packet[128];
    size_t len = strlen(reference);
    size_t at = 0;
    bool is_connack = type == 0x20;
    assert_true(len < 100);
    packet[at++] = type;
    packet[at++] = (uint8_t)(len + 5 + is_connack);
    if (is_connack)
        packet[at++] = 0;
    packet[at++] = reason;
    packet[at++] = (uint8_t)(len + 3);
    packet[at++] = 0x1c;
    packet[at++] = 0;
    packet[at++] = (uint8_t)len;
    memcpy(packet + at, reference, len);
    assert_true(tacit_memory_feed(&stand->wire, packet, at + len));
}

/* Connects, as far as CONNECT, to that server. */
static void expect_connect_to(struct stand *stand, const char *host, uint16_t port)
{
    assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
    stand_assert_bytes(stand->wire.host, host);
    assert_int_equal(stand->wire.port, port);
    tacit_memory_drop(&stand->wire, stand->wire.to_server.len);
}

static void expect_down(struct stand *stand, uint8_t reason, uint32_t retry_in_ms)
{
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_REFUSED);
    assert_int_equal(stand->event.reason, reason);
    assert_int_equal(stand->event.retry_in_ms, retry_in_ms);
}

static void goes_where_it_is_sent(void **state)
{
    struct stand *stand = *state;
    stand_start(stand);
    expect_connect_to(stand, "broker", 8883);
    refer(stand, 0x20, 0x9c, "other.example");
    expect_down(stand, 0x9c, 0);
    stand_assert_bytes(stand->event.server_reference, "other.example");
    expect_connect_to(stand, "other.example", 8883);
    stand_feed(stand, CONNACK_5);
    assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
    refer(stand, 0xe0, 0x9d, "third:1234 fourth");
    expect_down(stand, 0x9d, 0);
    expect_connect_to(stand, "third", 1234);
    /* Two hops are allowed, so this is a final no. */
    refer(stand, 0x20, 0x9c, "fifth");
    expect_down(stand, 0x9c, UINT32_MAX);
    tacit_start(stand->client);
    expect_connect_to(stand, "broker", 8883);
}

static void an_accident_leads_back(void **state)
{
    struct stand *stand = *state;
    stand_start(stand);
    expect_connect_to(stand, "broker", 8883);
    refer(stand, 0x20, 0x9d, "other");
    expect_down(stand, 0x9d, 0);
    stand->wire.open_result = TACIT_KEY; /* its certificate is for somebody else */
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_KEY);
    stand_assert_bytes(stand->wire.host, "other");
    stand->now_ms += stand->event.retry_in_ms;
    stand->wire.open_result = TACIT_OK;
    expect_connect_to(stand, "broker", 8883);
}

static void waits_while_the_other_one_is_slow(void **state)
{
    struct stand *stand = *state;
    stand_start(stand);
    expect_connect_to(stand, "broker", 8883);
    refer(stand, 0x20, 0x9c, "other");
    expect_down(stand, 0x9c, 0);
    stand->wire.open_result = TACIT_AGAIN;
    expect_connect_to(stand, "other", 8883);
    stand->now_ms += 5000;
    expect_connect_to(stand, "other", 8883);
    stand->now_ms += 5000;
    assert_int_equal(stand_poll(stand), TACIT_EVENT_DOWN);
    assert_int_equal(stand->event.status, TACIT_TIMEOUT);
}

static void only_a_connection_that_lasted_starts_the_count_anew(void **state)
{
    struct stand *stand = *state;
    stand_start(stand);
    for (unsigned i = 0; i < 5; i++) {
        expect_connect_to(stand, i % 2 == 0 ? "broker" : "other", 8883);
        stand_feed(stand, CONNACK_5);
        assert_int_equal(stand_poll(stand), TACIT_EVENT_UP);
        stand->now_ms += 30000; /* keep-alive stays quiet */
        assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
        if (i < 3)
            for (unsigned more = 0; more < 4; more++) {
                stand->now_ms += 30000;
                stand_feed(stand, "30 04 0001 61 00");
                stand_publish(stand, "a", "", 0);
                assert_int_equal(stand_poll(stand), TACIT_EVENT_MESSAGE);
                assert_int_equal(stand_poll(stand), TACIT_EVENT_NONE);
            }
        refer(stand, 0xe0, 0x9c, i % 2 == 0 ? "other" : "broker");
        expect_down(stand, 0x9c, i < 4 ? 0 : UINT32_MAX);
    }
}

static void is_told_only_unless_it_may_follow(void **state)
{
    struct stand *stand = *state;
    stand->config.redirects = 0;
    stand_start(stand);
    expect_connect_to(stand, "broker", 8883);
    refer(stand, 0x20, 0x9c, "other");
    expect_down(stand, 0x9c, UINT32_MAX);
    stand_assert_bytes(stand->event.server_reference, "other");
}

static void other_refusals_lead_nowhere(void **state)
{
    struct stand *stand = *state;
    stand->config.retry.refused_ms = 7;
    stand_start(stand);
    expect_connect_to(stand, "broker", 8883);
    refer(stand, 0x20, 0x87, "other");
    expect_down(stand, 0x87, 120007);
    stand->now_ms += 120007;
    expect_connect_to(stand, "broker", 8883);
    stand_feed(stand, "20 03 00 9c 00");
    expect_down(stand, 0x9c, 120007);
}

static void references_in_all_forms(void **state)
{
    (void)state;
    static const struct {
        const char *reference;
        const char *host; /* NULL: not followed */
        uint16_t port;
    } rows[] = {
        { "a", "a", 8883 },
        { "a-1.b.example:1", "a-1.b.example", 1 },
        { "10.10.151.22:8884 [fe80::1]:1883", "10.10.151.22", 8884 },
        { "[fe80::9610:3eff:fe1c]:1883", "fe80::9610:3eff:fe1c", 1883 },
        { "[::1]", "::1", 8883 },
        { "a:65535", "a", 65535 },
        { "a:65536", NULL, 0 },
        { "a:99999999999999999999", NULL, 0 },
        { "a:0", NULL, 0 },
        { "a:", NULL, 0 },
        { "a:x", NULL, 0 },
        { "a: 1", NULL, 0 },
        { "a/b", NULL, 0 },
        { "mqtt://a", NULL, 0 },
        { "user@a", NULL, 0 },
        { "fe80::1", NULL, 0 },
        { "[fe80::1", NULL, 0 },
        { "[fe80::1]x", NULL, 0 },
        { "[a-b]", NULL, 0 },
        { "[]", NULL, 0 },
        { "[", NULL, 0 },
        { " a", NULL, 0 },
        { "\xc3\xa4", NULL, 0 },
        { "a\xc3\xa4", NULL, 0 },
        { "AZaz09", "AZaz09", 8883 },
        { "a{", NULL, 0 },
        { "a^", NULL, 0 },
        { "", NULL, 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        stand_init(&stand);
        stand.config.port = 8883;
        stand.config.redirects = 1;
        stand_start(&stand);
        expect_connect_to(&stand, "broker", 8883);
        refer(&stand, 0x20, 0x9c, rows[i].reference);
        expect_down(&stand, 0x9c, rows[i].host != NULL ? 0 : UINT32_MAX);
        if (rows[i].host != NULL)
            expect_connect_to(&stand, rows[i].host, rows[i].port);
        stand_fini(&stand);
    }
}

static void put_u16(uint8_t *out, size_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

/* In three bytes, so of 16,384 at least. */
static size_t put_varint(uint8_t *out, size_t value)
{
    assert_in_range(value, 16384, 2097151);
    out[0] = (uint8_t)(value | 0x80);
    out[1] = (uint8_t)(value >> 7 | 0x80);
    out[2] = (uint8_t)(value >> 14);
    return 3;
}

/* CONNACK with a reason string before the reference. */
static size_t write_connack(uint8_t *out, size_t text_len, size_t host_len)
{
    size_t block = 3 + text_len + 3 + host_len;
    size_t at = 0;
    out[at++] = 0x20;
    at += put_varint(out + at, 2 + 3 + block);
    out[at++] = 0;
    out[at++] = 0x9c;
    at += put_varint(out + at, block);
    out[at++] = 0x1f;
    put_u16(out + at, text_len);
    memset(out + at + 2, 'x', text_len);
    at += 2 + text_len;
    out[at++] = 0x1c;
    put_u16(out + at, host_len);
    memset(out + at + 2, 'h', host_len);
    return at + 2 + host_len;
}

/* Longer than a name can be, and further back in the buffer than is remembered. */
static void what_cannot_be_kept_is_not_followed(void **state)
{
    static const struct {
        size_t text_len;
        size_t host_len;
        bool is_followed;
    } rows[] = {
        { 17000, 253, true }, { 17000, 254, false }, { 65000, 10, true }, { 65535, 10, false }
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stand stand;
        uint8_t *packet = malloc(80000);
        size_t len = write_connack(packet, rows[i].text_len, rows[i].host_len);
        stand_init(&stand);
        free(stand.wire.to_client.bytes);
        stand.wire.to_client = (struct tacit_memory_buffer){ malloc(80000), 80000, 0 };
        stand.config.redirects = 1;
        stand.config.limits.receive_bytes = 80000;
        stand_start(&stand);
        assert_int_equal(stand_poll(&stand), TACIT_EVENT_NONE);
        assert_true(tacit_memory_feed(&stand.wire, packet, len));
        expect_down(&stand, 0x9c, rows[i].is_followed ? 0 : UINT32_MAX);
        free(packet);
        stand_fini(&stand);
    }
}

#define WITH_STAND(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_STAND(goes_where_it_is_sent),
        WITH_STAND(an_accident_leads_back),
        WITH_STAND(waits_while_the_other_one_is_slow),
        WITH_STAND(only_a_connection_that_lasted_starts_the_count_anew),
        WITH_STAND(is_told_only_unless_it_may_follow),
        WITH_STAND(other_refusals_lead_nowhere),
        cmocka_unit_test(references_in_all_forms),
        cmocka_unit_test(what_cannot_be_kept_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
