/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/record.h"

#include "base/invariant.h"
#include "base/wipe.h"
#include "tls/record_engine.h"
#include "tls/record_kept.h"

#include <errno.h>
#include <openssl/ssl.h>

/* Bits of tls_records.state; none is closed. */
enum {
    STATE_READS = 1,
    STATE_WRITES = 2,
    STATE_CLOSED = 4, /* the peer has said close_notify */
    STATE_BROKEN = 8,
};

/* Bits of tls_records.due. */
enum {
    DUE_RENEWAL = 1,
    DUE_REQUEST = 2, /* and it asks the peer for one */
    REQUESTED = 4,   /* that was done, and the peer has not renewed its key since */
};

static enum tls_suite suite_of(const struct tls_records *records)
{
    return (enum tls_suite)records->suite;
}

/* ---- life ---- */

int tls_records_open(struct tls_records *records, struct tls_record_engine *engine,
                     const struct tls_record_secrets *secrets)
{
    size_t bytes = tls_suite_secret_bytes(secrets->suite);
    if (bytes == 0)
        return -EINVAL;
    if (secrets->read_sequence >= TLS_KEY_MOST_RECORDS
        || secrets->write_sequence >= TLS_KEY_MOST_RECORDS)
        return -ERANGE;
    struct tls_records made = {
        .suite = (uint8_t)secrets->suite,
        .state = STATE_READS | STATE_WRITES,
        .read.sequence = (uint32_t)secrets->read_sequence,
        .write.sequence = (uint32_t)secrets->write_sequence,
    };
    memcpy(made.read.secret, secrets->read_secret, bytes);
    memcpy(made.write.secret, secrets->write_secret, bytes);
    int error = tls_direction_derive(&made.read, engine, secrets->suite);
    if (error == 0)
        error = tls_direction_derive(&made.write, engine, secrets->suite);
    if (error == 0)
        *records = made;
    wipe_bytes(&made, sizeof(made));
    return error;
}

void tls_records_leave(struct tls_records *records, struct tls_record_engine *engine)
{
    tls_direction_forget(&records->read, engine);
    tls_direction_forget(&records->write, engine);
}

void tls_records_close(struct tls_records *records, struct tls_record_engine *engine)
{
    tls_records_leave(records, engine);
    tls_kept_free(records->kept);
    wipe_bytes(records, sizeof(*records));
}

size_t tls_records_held_bytes(const struct tls_records *records)
{
    return tls_kept_bytes(records->kept);
}

/* ---- the end ---- */

static void break_off(struct tls_records *records, struct tls_record_engine *engine)
{
    tls_records_close(records, engine);
    records->state = STATE_BROKEN;
}

/* ---- writing ---- */

/* The output has room. */
static enum tls_fault put_record(struct tls_records *records, struct tls_record_engine *engine,
                                 enum tls_kind kind, struct mqtt_span content,
                                 struct tls_sink *output)
{
    uint8_t *record = output->bytes + output->len;
    size_t inner_bytes = content.len + 1;

    tls_record_head_encode(inner_bytes + TLS_TAG_BYTES, record);
    memcpy(record + TLS_HEAD_BYTES, content.data, content.len);
    record[TLS_HEAD_BYTES + content.len] = (uint8_t)kind;
    enum tls_fault fault =
        tls_direction_seal(&records->write, engine, suite_of(records), record, inner_bytes);
    if (MQTT_LIKELY(fault == TLS_FAULT_NONE))
        output->len += TLS_HEAD_BYTES + inner_bytes + TLS_TAG_BYTES;
    else
        wipe_bytes(record, TLS_HEAD_BYTES + inner_bytes); /* it was not sealed */
    return fault;
}

static bool has_room(const struct tls_sink *output, size_t bytes)
{
    return output->room - output->len >= bytes;
}

/* RFC 8446, section 4.6.3: the old key protects it, all that comes behind it has the new one. */
static enum tls_fault put_renewal(struct tls_records *records, struct tls_record_engine *engine,
                                  struct tls_sink *output)
{
    bool asks = (records->due & DUE_REQUEST) != 0;
    uint8_t message[TLS_RENEWAL_BYTES];

    tls_record_renewal_encode(asks, message);
    enum tls_fault fault = put_record(records, engine, TLS_KIND_HANDSHAKE,
                                      (struct mqtt_span){ message, sizeof(message) }, output);
    if (fault == TLS_FAULT_NONE
        && tls_direction_renew(&records->write, engine, suite_of(records)) < 0)
        fault = TLS_FAULT_MEMORY;
    records->due = asks ? REQUESTED : records->due & REQUESTED;
    return fault;
}

static void put_alert(struct tls_records *records, struct tls_record_engine *engine,
                      enum tls_alert alert, struct tls_sink *output)
{
    /* Section 6: close_notify is a warning, all others that are sent here are fatal. */
    const uint8_t content[] = { alert == TLS_ALERT_CLOSE_NOTIFY ? 1 : 2, (uint8_t)alert };

    if ((records->state & STATE_WRITES) != 0 && has_room(output, TLS_RECORD_ANSWER_BYTES))
        (void)put_record(records, engine, TLS_KIND_ALERT,
                         (struct mqtt_span){ content, sizeof(content) }, output);
}

static bool is_renewal_due(const struct tls_records *records)
{
    return (records->due & (DUE_RENEWAL | DUE_REQUEST)) != 0
           || records->write.sequence >= TLS_KEY_RENEW_RECORDS;
}

int tls_records_write(struct tls_records *records, struct tls_record_engine *engine,
                      struct mqtt_span plaintext, struct tls_sink *output)
{
    enum tls_fault fault = TLS_FAULT_NONE;
    MQTT_INVARIANT(plaintext.len > 0 && plaintext.len <= TLS_RECORD_BYTES);
    if ((records->state & STATE_WRITES) == 0) {
        tls_record_engine_fail(engine, "the connection is closed for writing", "");
        return -EPROTO;
    }
    if (!has_room(output, plaintext.len + TLS_RECORD_MOST_ADDED_BYTES))
        return -ENOSPC;
    if (MQTT_UNLIKELY(is_renewal_due(records)))
        fault = put_renewal(records, engine, output);
    if (MQTT_LIKELY(fault == TLS_FAULT_NONE))
        fault = put_record(records, engine, TLS_KIND_DATA, plaintext, output);
    if (MQTT_LIKELY(fault == TLS_FAULT_NONE))
        return 0;
    tls_record_engine_fail(engine, tls_fault_text(fault), "");
    break_off(records, engine);
    return -EPROTO;
}

void tls_records_renew(struct tls_records *records)
{
    records->due |= DUE_RENEWAL | DUE_REQUEST;
}

void tls_records_shutdown(struct tls_records *records, struct tls_record_engine *engine,
                          struct tls_sink *output)
{
    put_alert(records, engine, TLS_ALERT_CLOSE_NOTIFY, output);
    records->state &= (uint8_t)~STATE_WRITES;
}

/* ---- what the peer says ---- */

static enum tls_fault on_renewal(struct tls_records *records, struct tls_record_engine *engine,
                                 bool asks)
{
    if (records->renewals == TLS_RENEWALS_MAX)
        return TLS_FAULT_RENEWALS;
    records->renewals++;
    if (tls_direction_renew(&records->read, engine, suite_of(records)) < 0)
        return TLS_FAULT_MEMORY;
    records->due &= (uint8_t)~REQUESTED;
    if (asks)
        records->due |= DUE_RENEWAL;
    return TLS_FAULT_NONE;
}

/* A renewal may come in pieces, and be followed in its record by nothing (section 5.1). */
static enum tls_fault on_message(struct tls_records *records, struct tls_record_engine *engine,
                                 struct mqtt_span content)
{
    uint8_t message[TLS_RENEWAL_BYTES];
    size_t len = records->message_len;
    bool asks = false;

    memcpy(message, records->message, len);
    struct mqtt_span piece = span_take(&content, sizeof(message) - len);
    memcpy(message + len, piece.data, piece.len);
    len += piece.len;
    if (len < sizeof(records->message)) {
        memcpy(records->message, message, len);
        records->message_len = (uint8_t)len;
        return TLS_FAULT_NONE;
    }
    enum tls_fault fault =
        tls_record_message_decode((struct mqtt_span){ message, sizeof(records->message) });
    if (fault != TLS_FAULT_NONE)
        return fault;
    if (len < sizeof(message)) {
        memcpy(records->message, message, len);
        records->message_len = (uint8_t)len;
        return TLS_FAULT_NONE;
    }
    records->message_len = 0;
    if (content.len > 0)
        return TLS_FAULT_BOUNDARY;
    fault = tls_record_renewal_decode((struct mqtt_span){ message, sizeof(message) }, &asks);
    return fault != TLS_FAULT_NONE ? fault : on_renewal(records, engine, asks);
}

/* Whatever is not known here ends the connection, as section 6.2 wants it. */
static enum tls_fault on_alert(struct tls_records *records, struct tls_record_engine *engine,
                               struct mqtt_span content)
{
    uint8_t alert = 0;
    enum tls_fault fault = tls_record_alert_decode(content, &alert);

    if (fault != TLS_FAULT_NONE)
        return fault;
    if (alert == TLS_ALERT_CLOSE_NOTIFY) {
        records->state |= STATE_CLOSED;
        return TLS_FAULT_NONE;
    }
    if (alert == TLS_ALERT_USER_CANCELED)
        return ++records->canceled > TLS_CANCELED_MAX ? TLS_FAULT_CANCELED : TLS_FAULT_NONE;
    tls_record_engine_fail(engine, "the client gave up: ", SSL_alert_desc_string_long(alert));
    break_off(records, engine);
    return TLS_FAULT_NONE;
}

static enum tls_fault on_content(struct tls_records *records, struct tls_record_engine *engine,
                                 enum tls_kind kind, struct mqtt_span content)
{
    if (content.len > 0)
        records->empty = 0;
    if (kind == TLS_KIND_HANDSHAKE) {
        records->canceled = 0;
        return on_message(records, engine, content);
    }
    if (records->message_len > 0)
        return TLS_FAULT_MIXED;
    if (kind == TLS_KIND_ALERT)
        return on_alert(records, engine, content);
    if (MQTT_LIKELY(content.len > 0)) {
        records->canceled = 0;
        return TLS_FAULT_NONE;
    }
    return ++records->empty > TLS_EMPTY_MAX ? TLS_FAULT_EMPTY : TLS_FAULT_NONE;
}

/* ---- reading ---- */

/* Plaintext lies in the scratch: as much as there is room for goes out, the rest is kept. */
static enum tls_fault hand_out(struct tls_records *records, struct mqtt_span content,
                               struct tls_sink *plaintext)
{
    struct mqtt_span first = span_take(&content, plaintext->room - plaintext->len);

    if (content.len > 0 && tls_kept_put_rest(&records->kept, content) < 0)
        return TLS_FAULT_MEMORY;
    memcpy(plaintext->bytes + plaintext->len, first.data, first.len);
    plaintext->len += first.len;
    return TLS_FAULT_NONE;
}

/* A whole record. Straight to where its plaintext is wanted, if there is room for it with its kind and
 * padding. */
static enum tls_fault take_record(struct tls_records *records, struct tls_record_engine *engine,
                                  struct mqtt_span record, struct tls_sink *plaintext)
{
    /* Not longer than what protects it: nobody with the key has made it. */
    if (record.len <= TLS_HEAD_BYTES + TLS_TAG_BYTES)
        return TLS_FAULT_FORGED;
    size_t inner_bytes = record.len - TLS_HEAD_BYTES - TLS_TAG_BYTES;
    bool is_straight = has_room(plaintext, inner_bytes);
    uint8_t *into =
        is_straight ? plaintext->bytes + plaintext->len : tls_record_engine_scratch(engine);
    enum tls_kind kind = TLS_KIND_NONE;
    struct mqtt_span content = { 0 };

    enum tls_fault fault =
        tls_direction_open(&records->read, engine, suite_of(records), record, into);
    tls_kept_drop_record(&records->kept);
    if (MQTT_UNLIKELY(fault != TLS_FAULT_NONE))
        return fault;
    if (MQTT_UNLIKELY(records->read.sequence >= TLS_KEY_RENEW_RECORDS)
        && (records->due & REQUESTED) == 0)
        tls_records_renew(records);
    fault = tls_record_inner_decode((struct mqtt_span){ into, inner_bytes }, &kind, &content);
    if (fault == TLS_FAULT_NONE)
        fault = on_content(records, engine, kind, content);
    bool is_data = fault == TLS_FAULT_NONE && kind == TLS_KIND_DATA;
    if (is_data && is_straight)
        plaintext->len += content.len;
    else if (is_data)
        fault = hand_out(records, content, plaintext);
    if (!is_straight)
        wipe_bytes(into, inner_bytes);
    return fault;
}

static enum tls_result refuse(struct tls_records *records, struct tls_record_engine *engine,
                              enum tls_fault fault, struct tls_sink *output)
{
    tls_record_engine_fail(engine, tls_fault_text(fault), "");
    put_alert(records, engine, tls_fault_alert(fault), output);
    break_off(records, engine);
    return TLS_FAILED;
}

/* No more input for now: what was asked for is answered. */
static enum tls_result settle(struct tls_records *records, struct tls_record_engine *engine,
                              struct tls_sink *output)
{
    records->renewals = 0;
    if (MQTT_LIKELY((records->due & (DUE_RENEWAL | DUE_REQUEST)) == 0)
        || (records->state & STATE_WRITES) == 0 || !has_room(output, TLS_RECORD_ANSWER_BYTES))
        return TLS_WANTS_INPUT;
    enum tls_fault fault = put_renewal(records, engine, output);
    return fault == TLS_FAULT_NONE ? TLS_WANTS_INPUT : refuse(records, engine, fault, output);
}

static enum tls_result ended(const struct tls_records *records, struct mqtt_span *input)
{
    if ((records->state & STATE_CLOSED) == 0)
        return TLS_FAILED;
    *input = (struct mqtt_span){ 0 };
    return TLS_CLOSED;
}

enum tls_result tls_records_read(struct tls_records *records, struct tls_record_engine *engine,
                                 struct mqtt_span *input, struct tls_sink *plaintext,
                                 struct tls_sink *output)
{
    size_t before = plaintext->len;
    MQTT_INVARIANT(before < plaintext->room);
    if (records->state == 0 || records->state == STATE_BROKEN)
        tls_record_engine_fail(engine, "the connection is closed", "");
    else if (tls_kept_take_rest(&records->kept, plaintext))
        return TLS_DONE;
    while ((records->state & (STATE_READS | STATE_CLOSED)) == STATE_READS) {
        struct mqtt_span record = { 0 };
        enum tls_fault fault = tls_kept_gather(&records->kept, input, &record);
        if (fault == TLS_FAULT_NONE && record.len == 0)
            return settle(records, engine, output);
        if (MQTT_LIKELY(fault == TLS_FAULT_NONE))
            fault = take_record(records, engine, record, plaintext);
        if (MQTT_UNLIKELY(fault != TLS_FAULT_NONE))
            return refuse(records, engine, fault, output);
        if (plaintext->len > before)
            return TLS_DONE;
    }
    return ended(records, input);
}
