/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a client that has the keys, to the record layer: once as they come, and once in pieces and
 * with little room for the plaintext. Promises asserted: both end the same and give the same plaintext,
 * which is what was said up to the end; a call that says it has plaintext has some; input that is wanted
 * was used up; after a failure there is one alert at most, nothing is left of the secrets, and nothing
 * goes any more.
 *
 * The input: the suite, how it is cut, then records. */
#include "record_script.h"

#include "base/invariant.h"

#include <stdlib.h>

#define SERVER_SECRET 0x5a
#define OUTPUT_BYTES  512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One reader of what is said. */
struct listener {
    struct tls_records opened[TLS_SUITE_COUNT]; /* to begin with; deriving keys takes its time */
    struct tls_record_engine *engine;
    struct tls_records records;
    enum tls_result result;
    struct tls_sink heard;
    struct tls_sink output;
    uint8_t bytes[OUTPUT_BYTES];
};

static void check_end(struct listener *listener)
{
    static const struct tls_records nothing;
    uint8_t room[16];
    struct tls_sink none = { room, sizeof(room), 0 };
    struct mqtt_span input = { room, sizeof(room) };

    if (listener->result == TLS_CLOSED) {
        MQTT_INVARIANT(
            tls_records_read(&listener->records, listener->engine, &input, &none, &listener->output)
            == TLS_CLOSED);
        MQTT_INVARIANT(input.len == 0 && none.len == 0);
    }
    if (listener->result != TLS_FAILED)
        return;
    size_t output_len = listener->output.len;
    MQTT_INVARIANT(output_len <= TLS_RECORD_ANSWER_BYTES);
    MQTT_INVARIANT(tls_record_engine_failure(listener->engine)[0] != '\0');
    struct tls_records left = listener->records;
    left.state = 0;
    MQTT_INVARIANT(memcmp(&left, &nothing, sizeof(left)) == 0);
    MQTT_INVARIANT(
        tls_records_read(&listener->records, listener->engine, &input, &none, &listener->output)
        == TLS_FAILED);
    MQTT_INVARIANT(
        tls_records_write(&listener->records, listener->engine, span_of("x"), &listener->output)
        < 0);
    MQTT_INVARIANT(listener->output.len == output_len && none.len == 0);
}

/* Hears one input to its end; `room` is how much plaintext is taken in a call. */
static void hear(struct listener *listener, struct mqtt_span input, size_t room)
{
    listener->result = TLS_DONE;
    while (listener->result == TLS_DONE) {
        struct tls_sink plaintext = listener->heard;
        if (plaintext.room - plaintext.len > room)
            plaintext.room = plaintext.len + room;
        listener->result = tls_records_read(&listener->records, listener->engine, &input,
                                            &plaintext, &listener->output);
        MQTT_INVARIANT(listener->result != TLS_DONE || plaintext.len > listener->heard.len);
        MQTT_INVARIANT(plaintext.len <= plaintext.room);
        listener->heard.len = plaintext.len;
    }
    MQTT_INVARIANT(listener->result != TLS_WANTS_INPUT || input.len == 0);
}

static void begin(struct listener *listener, const struct tls_record_secrets *secrets)
{
    if (listener->engine == NULL) {
        listener->engine = tls_record_engine_new(4);
        listener->heard.room = RECORD_SCRIPT_BYTES;
        listener->heard.bytes = malloc(RECORD_SCRIPT_BYTES);
    }
    MQTT_INVARIANT(listener->engine != NULL && listener->heard.bytes != NULL);
    struct tls_records *opened = &listener->opened[secrets->suite];
    MQTT_INVARIANT(opened->suite != 0 || tls_records_open(opened, listener->engine, secrets) == 0);
    listener->records = *opened;
    listener->heard.len = 0;
    listener->output = (struct tls_sink){ listener->bytes, sizeof(listener->bytes), 0 };
}

/* In pieces, of which the first has `step` bytes; the output is taken between them. */
static void hear_pieces(struct listener *listener, const struct record_script *said, size_t step,
                        size_t room)
{
    struct mqtt_span left = { said->bytes, said->len };

    listener->result = TLS_WANTS_INPUT;
    while (left.len > 0 && listener->result == TLS_WANTS_INPUT) {
        struct mqtt_span piece = span_take(&left, step);
        uint8_t *copy = malloc(piece.len);
        MQTT_INVARIANT(copy != NULL);
        memcpy(copy, piece.data, piece.len);
        listener->output.len = 0;
        hear(listener, (struct mqtt_span){ copy, piece.len }, room);
        free(copy);
        step = step * 3 / 2 + 1;
    }
}

static void check_heard(const struct listener *listener, const struct record_script *said)
{
    MQTT_INVARIANT(listener->heard.len <= said->content_len);
    MQTT_INVARIANT(memcmp(listener->heard.bytes, said->content, listener->heard.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct record_script said;
    static struct listener whole;
    static struct listener pieces;
    static const uint8_t client_secret[TLS_SECRET_MOST_BYTES] = { 1, 2, 3, 4 };
    static const uint8_t server_secret[TLS_SECRET_MOST_BYTES] = { SERVER_SECRET };
    struct mqtt_reader script = mqtt_reader_over((struct mqtt_span){ data, len });
    const struct tls_record_secrets secrets = {
        .suite = (enum tls_suite)(1 + script_u8(&script) % (TLS_SUITE_COUNT - 1)),
        .read_secret = client_secret,
        .write_secret = server_secret,
    };
    size_t step = 1u + script_u8(&script);
    size_t room = 16u + script_u8(&script);

    record_script_begin(&said, secrets.suite, client_secret);
    record_script_run(&said, &script);
    begin(&whole, &secrets);
    begin(&pieces, &secrets);
    hear(&whole, (struct mqtt_span){ said.bytes, said.len }, RECORD_SCRIPT_BYTES);
    hear_pieces(&pieces, &said, step, room * room);
    check_heard(&whole, &said);
    check_heard(&pieces, &said);
    /* So many renewals are too many in one input, and not in several. */
    if (said.renewals <= TLS_RENEWALS_MAX) {
        MQTT_INVARIANT(whole.result == pieces.result || said.len == 0);
        MQTT_INVARIANT(whole.heard.len == pieces.heard.len);
    }
    check_end(&whole);
    check_end(&pieces);
    tls_records_close(&whole.records, whole.engine);
    tls_records_close(&pieces.records, pieces.engine);
    return 0;
}
