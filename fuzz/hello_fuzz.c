/* SPDX-License-Identifier: Apache-2.0 */
/* A handshake of TLS in which the client's first flight, its ClientHello with all extensions, is
 * not what it was, or in which bytes come that are no handshake at all. Promises asserted: whoever
 * changes a byte behind the record's head never gets a connection; what goes wrong has a reason
 * that ends.
 *
 * The input: how the client is, then changes (where, with what), then, for the other kind, bytes. */
#include "base/invariant.h"
#include "script.h"
#include "tls/fixture.h"
#include "tls/stream.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLIGHT_BYTES 16384u
#define RECORD_HEAD  5u
#define MOST_ROUNDS  8u
#define MOST_CHANGES 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct house {
    struct tls_fixture pki;
    struct tls_context *context;
    struct tls_shard *shard;
    struct tls_agreed agreed; /* in the handshake that is under way */
};

static void build(struct house *house)
{
    static const struct tls_fixture_subject lamp = {
        "lamp", "lamp", "URI:spiffe://test/device/lamp", 7, -60, 360000, NULL, NULL
    };
    struct tls_error why = { "" };

    tls_fixture_init(&house->pki);
    tls_fixture_issue(&house->pki, &lamp);
    const struct tls_options options = { .certificate_path = house->pki.server_path,
                                         .key_path = house->pki.server_key_path,
                                         .client_ca_path = house->pki.ca_path,
                                         .clients = TLS_CLIENTS_OPTIONAL,
                                         .allow_tls_1_2 = true,
                                         .sessions = 10 };
    MQTT_INVARIANT(tls_context_new(&options, &why, &house->context) == 0);
    house->shard = tls_shard_new();
    MQTT_INVARIANT(house->shard != NULL);
}

static enum tls_result feed(struct house *house, struct tls_stream *stream, struct mqtt_span bytes)
{
    tls_shard_feed(house->shard, bytes);
    enum tls_result result = tls_stream_handshake(stream, house->shard, &house->agreed);
    if (result == TLS_FAILED)
        MQTT_INVARIANT(tls_shard_failure(house->shard)[0] != '\0');
    return result;
}

/* True: a byte that counts is another one. */
static bool change(struct mqtt_reader *script, uint8_t *flight, size_t len)
{
    uint8_t before[FLIGHT_BYTES];

    memcpy(before, flight, len);
    for (unsigned i = 0; i < MOST_CHANGES && mqtt_reader_left(script) >= 3; i++) {
        size_t at = mqtt_read_u16(script) % len;
        flight[at] = script_u8(script);
    }
    return len > RECORD_HEAD
           && memcmp(before + RECORD_HEAD, flight + RECORD_HEAD, len - RECORD_HEAD) != 0;
}

static void shake_hands(struct house *house, struct mqtt_reader *script, uint8_t how)
{
    const struct tls_client_options options = {
        .fixture = &house->pki,
        .identity = how / 4 % 2 != 0 ? "lamp" : NULL,
        .alpn = how / 8 % 4 == 1   ? "mqtt"
                : how / 8 % 4 == 2 ? "http/1.1"
                                   : NULL,
        .only_1_2 = how / 64 % 2 != 0,
        .server_name = how / 128 % 2 != 0 ? "localhost" : NULL,
    };
    struct tls_client *client = tls_client_new(&options);
    struct tls_stream stream = { 0 };
    uint8_t flight[FLIGHT_BYTES];
    enum tls_result result = TLS_WANTS_INPUT;

    house->agreed = (struct tls_agreed){ 0 };
    MQTT_INVARIANT(tls_stream_open(&stream, house->context, house->shard) == 0);
    (void)tls_client_handshake(client);
    size_t len = tls_client_take(client, flight, sizeof(flight));
    bool is_changed = change(script, flight, len);
    for (unsigned i = 0; i < MOST_ROUNDS && result == TLS_WANTS_INPUT && len > 0; i++) {
        result = feed(house, &stream, (struct mqtt_span){ flight, len });
        tls_client_give(client, tls_shard_output(house->shard));
        tls_shard_clear(house->shard);
        (void)tls_client_handshake(client);
        len = tls_client_take(client, flight, sizeof(flight));
    }
    MQTT_INVARIANT(!is_changed || result != TLS_DONE);
    tls_stream_close(&stream, house->shard);
    tls_client_free(client);
}

static void send_bytes(struct house *house, struct mqtt_span bytes)
{
    struct tls_stream stream = { 0 };

    house->agreed = (struct tls_agreed){ 0 };
    MQTT_INVARIANT(tls_stream_open(&stream, house->context, house->shard) == 0);
    MQTT_INVARIANT(feed(house, &stream, bytes) != TLS_DONE);
    tls_shard_clear(house->shard);
    tls_stream_close(&stream, house->shard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct house house;
    struct mqtt_reader script = mqtt_reader_over((struct mqtt_span){ data, len });
    uint8_t how = script_u8(&script);

    if (house.context == NULL)
        build(&house);
    if (how % 4 == 0)
        shake_hands(&house, &script, how);
    else
        send_bytes(&house, mqtt_read_rest(&script));
    return 0;
}
