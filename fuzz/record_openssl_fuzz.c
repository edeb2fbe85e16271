/* SPDX-License-Identifier: Apache-2.0 */
/* The same bytes of a client to the record layer and to an OpenSSL server that has the same secrets.
 * Promises asserted: the same plaintext comes out, both go on or both end, for the same reason; OpenSSL's
 * client understands what the record layer sends: answers to renewals, data, alerts, close_notify.
 *
 * Where the two may differ stands in may_differ().
 *
 * The input: the suite, how it is cut, then records. */
#include "record_script.h"

#include "base/invariant.h"
#include "tls/record_form.h"
#include "tls/record_pair.h"

#define OUTPUT_BYTES 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct court {
    struct tls_pair pairs[TLS_SUITE_COUNT];
    struct tls_record_engine *engine;
    struct tls_records records;
    struct record_script said;
    uint8_t ours[RECORD_SCRIPT_BYTES];
    uint8_t theirs[RECORD_SCRIPT_BYTES];
    uint8_t output[OUTPUT_BYTES];
};

/* Whether that alert is for a message, and not for the record that it is in. */
static bool is_of_message(int alert)
{
    return alert == SSL_AD_UNEXPECTED_MESSAGE || alert == SSL_AD_DECODE_ERROR
           || alert == SSL_AD_ILLEGAL_PARAMETER;
}

/* What OpenSSL says, and what the record layer says of the same. */
static bool may_differ(const struct record_script *said, int theirs, int ours)
{
    static const struct {
        int theirs;
        int ours;
    } known[] = {
        /* The version of a record: OpenSSL looks at its first byte before the kind, and has a name for
         * it of its own. */
        { SSL_AD_PROTOCOL_VERSION, SSL_AD_DECODE_ERROR },
        { SSL_AD_PROTOCOL_VERSION, SSL_AD_UNEXPECTED_MESSAGE },
        /* A renewal with a body that is too long; section 6.2 says decode_error. */
        { SSL_AD_ILLEGAL_PARAMETER, SSL_AD_DECODE_ERROR },
    };

    /* An answer to a renewal is sent before the message behind it is looked at, and the next record is read
     * before that: what is wrong with it comes first, whatever that is. */
    if (said->requests > 0 && is_of_message(ours))
        return true;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(known); i++) {
        if (known[i].theirs == theirs && known[i].ours == ours)
            return true;
    }
    return theirs == ours;
}

static enum tls_result read_theirs(struct tls_pair *pair, struct tls_sink *heard)
{
    enum tls_result result = TLS_DONE;

    while (result == TLS_DONE)
        result = tls_pair_read(&pair->server, heard);
    return result;
}

static enum tls_result read_ours(struct court *court, struct mqtt_span input,
                                 struct tls_sink *heard, struct tls_sink *output)
{
    enum tls_result result = TLS_DONE;

    while (result == TLS_DONE)
        result = tls_records_read(&court->records, court->engine, &input, heard, output);
    return result;
}

/* OpenSSL's client reads what was sent to it. */
static enum tls_result tell_client(struct tls_pair *pair, struct tls_sink *output,
                                   struct tls_sink *heard)
{
    enum tls_result result = TLS_DONE;

    tls_pair_give(&pair->client, (struct mqtt_span){ output->bytes, output->len });
    output->len = 0;
    while (result == TLS_DONE)
        result = tls_pair_read(&pair->client, heard);
    return result;
}

/* With the same keys and counters the same is sent, to the byte. A request that another renewal follows in
 * one input OpenSSL answers there and then, and not at the end; then its keys may be others. */
static void check_same(const struct court *court, struct tls_pair *pair,
                       const struct tls_sink *output)
{
    uint8_t theirs[OUTPUT_BYTES];
    size_t len = tls_pair_take(&pair->server, theirs, sizeof(theirs));

    MQTT_INVARIANT((court->said.requests > 0 && court->said.renewals > 1)
                   || span_equal((struct mqtt_span){ output->bytes, output->len },
                                 (struct mqtt_span){ theirs, len }));
}

/* OpenSSL answers to renewals when it writes, so both do. With the head of a message and not all of its
 * body it writes nothing at all; then this is looked at when more has come. */
static void check_going_on(struct court *court, struct tls_pair *pair, struct tls_sink *output)
{
    static const char word[] = "still here";
    uint8_t room[64];
    struct tls_sink heard = { room, sizeof(room), 0 };

    if (SSL_in_init(pair->server.ssl))
        return;
    MQTT_INVARIANT(tls_records_write(&court->records, court->engine, span_of(word), output) == 0);
    tls_pair_write(&pair->server, span_of(word));
    check_same(court, pair, output);
    MQTT_INVARIANT(tell_client(pair, output, &heard) == TLS_WANTS_INPUT);
    MQTT_INVARIANT(span_equal((struct mqtt_span){ room, heard.len }, span_of(word)));
}

static void check_end(struct court *court, struct tls_pair *pair, enum tls_result result,
                      struct tls_sink *output)
{
    uint8_t room[64];
    struct tls_sink heard = { room, sizeof(room), 0 };

    if (result == TLS_CLOSED) {
        tls_records_shutdown(&court->records, court->engine, output);
        (void)SSL_shutdown(pair->server.ssl);
        check_same(court, pair, output);
        MQTT_INVARIANT(tell_client(pair, output, &heard) == TLS_CLOSED);
        return;
    }
    MQTT_INVARIANT((output->len > 0) == (pair->server.sent_alert != TLS_PAIR_NO_ALERT));
    (void)tell_client(pair, output, &heard);
    MQTT_INVARIANT(heard.len == 0);
    MQTT_INVARIANT(may_differ(&court->said, pair->server.sent_alert, pair->client.received_alert));
}

/* More than section 5.4 allows in a record is nothing to OpenSSL; that so many renewals come at once
 * neither. */
static bool is_stricter(const struct court *court)
{
    const char *why = tls_record_engine_failure(court->engine);

    return (court->said.has_long && strcmp(why, tls_fault_text(TLS_FAULT_TOO_LONG)) == 0)
           || (court->said.renewals > TLS_RENEWALS_MAX
               && strcmp(why, tls_fault_text(TLS_FAULT_RENEWALS)) == 0);
}

/* When OpenSSL owes an answer to a renewal, it sends that first and looks at the message that has come
 * when more comes. Then it has to refuse, and nothing may get through before. */
static void check_late(struct tls_pair *pair, struct mqtt_span left, struct tls_sink *heard)
{
    size_t before = heard->len;

    tls_pair_give(&pair->server, left);
    MQTT_INVARIANT(read_theirs(pair, heard) != TLS_CLOSED && heard->len == before);
}

static void listen(struct court *court, struct tls_pair *pair, size_t step)
{
    struct mqtt_span left = { court->said.bytes, court->said.len };
    struct tls_sink ours = { court->ours, sizeof(court->ours), 0 };
    struct tls_sink theirs = { court->theirs, sizeof(court->theirs), 0 };
    struct tls_sink output = { court->output, sizeof(court->output), 0 };
    enum tls_result result = TLS_WANTS_INPUT;

    while (left.len > 0 && result == TLS_WANTS_INPUT) {
        struct mqtt_span piece = span_take(&left, step);
        tls_pair_give(&pair->server, piece);
        enum tls_result expected = read_theirs(pair, &theirs);
        result = read_ours(court, piece, &ours, &output);
        if (result == TLS_FAILED && is_stricter(court))
            return;
        if (result == TLS_FAILED && expected == TLS_WANTS_INPUT && court->said.requests > 0) {
            check_late(pair, left, &theirs);
            return;
        }
        MQTT_INVARIANT(result == expected);
        MQTT_INVARIANT(span_equal((struct mqtt_span){ ours.bytes, ours.len },
                                  (struct mqtt_span){ theirs.bytes, theirs.len }));
        if (result == TLS_WANTS_INPUT && output.len > 0)
            check_going_on(court, pair, &output);
        step = step * 3 / 2 + 1;
    }
    if (result == TLS_WANTS_INPUT)
        check_going_on(court, pair, &output);
    else
        check_end(court, pair, result, &output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct court court;
    struct mqtt_reader script = mqtt_reader_over((struct mqtt_span){ data, len });
    enum tls_suite suite = (enum tls_suite)(1 + script_u8(&script) % (TLS_SUITE_COUNT - 1));
    uint8_t cut = script_u8(&script);
    struct tls_pair *pair = &court.pairs[suite];

    if (court.engine == NULL)
        court.engine = tls_record_engine_new(4);
    if (pair->session == NULL)
        tls_pair_init(pair, suite);
    MQTT_INVARIANT(court.engine != NULL);
    tls_pair_connect(pair);
    const struct tls_record_secrets secrets = tls_pair_server_secrets(pair);
    MQTT_INVARIANT(tls_records_open(&court.records, court.engine, &secrets) == 0);
    record_script_begin(&court.said, suite, secrets.read_secret);
    record_script_run(&court.said, &script);
    listen(&court, pair, cut % 2 == 0 ? RECORD_SCRIPT_BYTES : 1u + cut);
    tls_records_close(&court.records, court.engine);
    return 0;
}
