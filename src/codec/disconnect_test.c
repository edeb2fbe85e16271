/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/disconnect.h"

#include "codec/wire_test.h"

#define CLIENT(version) ((version) << 1)
#define SERVER(version) ((version) << 1 | 1)

/* Variant: version, and in the lowest bit whether a server sent it. */
static enum mqtt_status decode(unsigned variant, struct mqtt_span body)
{
    struct mqtt_disconnect d = { .session_expiry_s = 777 };
    enum mqtt_status status =
        mqtt_disconnect_decode((enum mqtt_version)(variant >> 1), (variant & 1) != 0, body, &d);

    if (status != MQTT_OK)
        assert_int_equal(d.session_expiry_s, 777);
    return status;
}

static enum mqtt_status decode_auth(unsigned variant, struct mqtt_span body)
{
    struct mqtt_auth a = { .reason = 77 };
    enum mqtt_status status = mqtt_auth_decode(body, &a);

    (void)variant;
    if (status != MQTT_OK)
        assert_int_equal(a.reason, 77);
    return status;
}

static void judges_disconnects(void **state)
{
    static const struct wire_case cases[] = {
        { "plain", CLIENT(3), WIRE(""), MQTT_OK },
        { "plain", CLIENT(4), WIRE(""), MQTT_OK },
        { "reason left out", CLIENT(5), WIRE(""), MQTT_OK },
        { "with will", CLIENT(5), WIRE("\4"), MQTT_OK },
        { "properties", CLIENT(5), WIRE("\0\5\x11\0\0\0\1"), MQTT_OK },
        { "server moved", SERVER(5), WIRE("\x9d\4\x1c\0\1r"), MQTT_OK },
        { "bytes before MQTT 5", CLIENT(4), WIRE("\0"), MQTT_ERR_TRAILING },
        { "[MQTT-3.14.2-1]", CLIENT(5), WIRE("\1"), MQTT_ERR_REASON },
        { "[MQTT-3.14.2-1] a server's", CLIENT(5), WIRE("\x8e"), MQTT_ERR_REASON },
        { "[MQTT-3.14.2-1] a client's", SERVER(5), WIRE("\4"), MQTT_ERR_REASON },
        { "[MQTT-3.14.2-2]", SERVER(5), WIRE("\0\5\x11\0\0\0\1"), MQTT_ERR_SERVER_SESSION_EXPIRY },
        { "reference from a client", CLIENT(5), WIRE("\0\4\x1c\0\1r"),
          MQTT_ERR_PROPERTY_NOT_ALLOWED },
        { "bytes behind", CLIENT(5), WIRE("\0\0x"), MQTT_ERR_TRAILING },
        { "block past the end", CLIENT(5), WIRE("\0\1"), MQTT_ERR_TRUNCATED },
    };
    (void)state;
    expect_cases(decode, cases, MQTT_ARRAY_LEN(cases));
}

static void judges_auths(void **state)
{
    static const struct wire_case cases[] = {
        { "left out", 0, WIRE(""), MQTT_OK },
        { "continue", 0, WIRE("\x18\4\x15\0\1m"), MQTT_OK },
        { "again, with data", 0, WIRE("\x19\x08\x15\0\1m\x16\0\1d"), MQTT_OK },
        { "no property length", 0, WIRE("\0"), MQTT_ERR_TRUNCATED },
        { "no method", 0, WIRE("\x18\0"), MQTT_ERR_AUTHENTICATION_METHOD },
        { "two methods", 0, WIRE("\x18\x08\x15\0\1m\x15\0\1m"), MQTT_ERR_PROPERTY_DUPLICATE },
        { "[MQTT-3.15.2-1]", 0, WIRE("\x87\4\x15\0\1m"), MQTT_ERR_REASON },
        { "session expiry", 0, WIRE("\x18\5\x11\0\0\0\1"), MQTT_ERR_PROPERTY_NOT_ALLOWED },
    };
    (void)state;
    expect_cases(decode_auth, cases, MQTT_ARRAY_LEN(cases));
}

static void every_truncation(void **state)
{
    struct mqtt_span body = wire_copy("\0\x09\x11\0\0\0\1\x1f\0\1w", 11);
    struct mqtt_span auth = wire_copy("\x18\x08\x15\0\1m\x16\0\1d", 10);

    (void)state;
    /* Nothing, and the reason alone, are whole packets. */
    expect_truncations(decode, CLIENT(5), body, 1u << 0 | 1u << 1);
    expect_truncations(decode_auth, 0, auth, 1u << 0);
    wire_free(body);
    wire_free(auth);
}

#define BLOCK                                    \
    {                                            \
        (const uint8_t *)"\x1f\0\1w\x1c\0\1r", 8 \
    }

struct sent {
    enum mqtt_version version;
    struct mqtt_disconnect disconnect;
};

static void encode(struct mqtt_writer *w, const void *what)
{
    const struct sent *sent = what;
    mqtt_disconnect_encode(w, sent->version, &sent->disconnect);
}

static void disconnect_comes_back(void **state)
{
    static const struct {
        struct sent sent;
        size_t len;
    } cases[] = {
        { { MQTT_VERSION_3_1, { .reason = 0x8e } }, 2 },
        { { MQTT_VERSION_3_1_1, { .reason = 0x8e } }, 2 },
        { { MQTT_VERSION_5, { .reason = 0 } }, 2 },
        { { MQTT_VERSION_5, { .reason = 0x8e } }, 3 },
        { { MQTT_VERSION_5, { .reason = 0x9c, .properties = BLOCK } }, 12 },
        { { MQTT_VERSION_5, { .reason = 0, .properties = BLOCK } }, 12 },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        const struct sent *sent = &cases[i].sent;
        struct mqtt_span packet = wire_encode(encode, sent);
        struct mqtt_frame frame = wire_frame(packet, MQTT_DISCONNECT);
        bool full = sent->version == MQTT_VERSION_5;
        struct mqtt_disconnect in;

        assert_int_equal(packet.len, cases[i].len);
        expect_status("back", mqtt_disconnect_decode(sent->version, true, frame.body, &in),
                      MQTT_OK);
        assert_int_equal(in.reason, full ? sent->disconnect.reason : 0);
        assert_true(span_equal(in.properties, sent->disconnect.properties));
        expect_text(in.reason_string, in.properties.len > 0 ? "w" : "");
        expect_text(in.server_reference, in.properties.len > 0 ? "r" : "");
        wire_free(packet);
    }
}

static void encode_auth(struct mqtt_writer *w, const void *what)
{
    mqtt_auth_encode(w, what);
}

static void auth_comes_back(void **state)
{
    static const struct mqtt_auth cases[] = {
        { .reason = 0 },
        { .reason = MQTT_REAUTHENTICATE,
          .properties = { (const uint8_t *)"\x15\0\1m\x16\0\1d\x1f\0\1w", 12 } },
        { .reason = 0, .properties = { (const uint8_t *)"\x15\0\1m", 4 } },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct mqtt_span packet = wire_encode(encode_auth, &cases[i]);
        struct mqtt_auth in;

        expect_status("back", mqtt_auth_decode(wire_frame(packet, MQTT_AUTH).body, &in), MQTT_OK);
        assert_int_equal(in.reason, cases[i].reason);
        assert_true(span_equal(in.properties, cases[i].properties));
        expect_text(in.method, in.properties.len > 0 ? "m" : "");
        expect_text(in.data, in.properties.len > 4 ? "d" : "");
        expect_text(in.reason_string, in.properties.len > 4 ? "w" : "");
        wire_free(packet);
    }
}

static void encode_ping(struct mqtt_writer *w, const void *what)
{
    mqtt_ping_encode(w, *(const enum mqtt_packet_type *)what);
}

static void pings_have_no_body(void **state)
{
    static const enum mqtt_packet_type types[] = { MQTT_PINGREQ, MQTT_PINGRESP };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(types); i++) {
        struct mqtt_span packet = wire_encode(encode_ping, &types[i]);
        assert_int_equal(packet.len, 2);
        expect_status("ping", mqtt_ping_decode(wire_frame(packet, types[i]).body), MQTT_OK);
        wire_free(packet);
    }
    struct mqtt_span body = wire_copy("x", 1);
    expect_status("a body", mqtt_ping_decode(body), MQTT_ERR_TRAILING);
    wire_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_disconnects), cmocka_unit_test(judges_auths),
        cmocka_unit_test(every_truncation),   cmocka_unit_test(disconnect_comes_back),
        cmocka_unit_test(auth_comes_back),    cmocka_unit_test(pings_have_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
