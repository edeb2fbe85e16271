/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/record_form.h"

#define LEGACY_VERSION 0x0303u
#define KEY_UPDATE     24u
#define REQUEST_BYTES  1u /* of a KeyUpdate's body */

static const struct {
    enum tls_alert alert;
    const char *text;
} faults[TLS_FAULT_COUNT] = {
    [TLS_FAULT_NONE] = { TLS_ALERT_INTERNAL_ERROR, "" },
#define FAULT(name, alert, text) [TLS_FAULT_##name] = { TLS_ALERT_##alert, text },
#include "tls/record_fault.def"
#undef FAULT
};

enum tls_alert tls_fault_alert(enum tls_fault fault)
{
    return faults[fault].alert;
}

const char *tls_fault_text(enum tls_fault fault)
{
    return faults[fault].text;
}

/* ---- the one reader of what a peer has written ---- */

/* A first number that is not there sticks: it and all behind it are zero. */
struct reader {
    struct mqtt_span rest;
    bool is_short;
};

static unsigned read_number(struct reader *reader, size_t width)
{
    unsigned number = 0;

    if (reader->is_short || reader->rest.len < width) {
        reader->is_short = true;
        return 0;
    }
    struct mqtt_span bytes = span_take(&reader->rest, width);
    for (size_t i = 0; i < bytes.len; i++)
        number = number << 8 | bytes.data[i];
    return number;
}

static bool is_whole(const struct reader *reader)
{
    return !reader->is_short && reader->rest.len == 0;
}

/* ---- decoding ---- */

enum tls_fault tls_record_head_decode(struct mqtt_span head, size_t *out_bytes)
{
    struct reader reader = { .rest = { head.data, TLS_HEAD_BYTES } };
    unsigned kind = read_number(&reader, 1);
    unsigned version = read_number(&reader, 2);
    size_t body_bytes = read_number(&reader, 2);

    /* RFC 8446, section 5: no record is without protection any more, a change of cipher spec least. */
    if (kind != TLS_KIND_DATA)
        return TLS_FAULT_TYPE;
    if (version != LEGACY_VERSION)
        return TLS_FAULT_VERSION;
    if (body_bytes > TLS_BODY_MOST_BYTES)
        return TLS_FAULT_TOO_LONG;
    *out_bytes = TLS_HEAD_BYTES + body_bytes;
    return TLS_FAULT_NONE;
}

enum tls_fault tls_record_inner_decode(struct mqtt_span inner, enum tls_kind *out_kind,
                                       struct mqtt_span *out_content)
{
    size_t len = inner.len;

    if (len > TLS_INNER_MOST_BYTES)
        return TLS_FAULT_TOO_LONG;
    /* Section 5.4: the kind is the last byte that is not zero. */
    while (len > 0 && inner.data[len - 1] == 0)
        len--;
    if (len == 0)
        return TLS_FAULT_NO_CONTENT;
    len--;
    switch (inner.data[len]) {
    case TLS_KIND_DATA:
        *out_kind = TLS_KIND_DATA;
        break;
    case TLS_KIND_HANDSHAKE:
        *out_kind = TLS_KIND_HANDSHAKE;
        break;
    case TLS_KIND_ALERT:
        *out_kind = TLS_KIND_ALERT;
        break;
    default:
        return TLS_FAULT_TYPE;
    }
    /* Section 5.1: only data may be nothing. */
    if (len == 0 && *out_kind != TLS_KIND_DATA)
        return TLS_FAULT_NO_CONTENT;
    *out_content = (struct mqtt_span){ inner.data, len };
    return TLS_FAULT_NONE;
}

enum tls_fault tls_record_alert_decode(struct mqtt_span content, uint8_t *out_alert)
{
    struct reader reader = { .rest = content };
    (void)read_number(&reader, 1);
    uint8_t alert = (uint8_t)read_number(&reader, 1);

    if (!is_whole(&reader))
        return TLS_FAULT_ALERT;
    *out_alert = alert;
    return TLS_FAULT_NONE;
}

enum tls_fault tls_record_message_decode(struct mqtt_span head)
{
    struct reader reader = { .rest = head };
    unsigned kind = read_number(&reader, 1);
    unsigned len = read_number(&reader, 3);

    if (kind != KEY_UPDATE)
        return TLS_FAULT_MESSAGE;
    return len == REQUEST_BYTES && !reader.is_short ? TLS_FAULT_NONE : TLS_FAULT_LENGTH;
}

enum tls_fault tls_record_renewal_decode(struct mqtt_span message, bool *out_asks)
{
    enum tls_fault fault = tls_record_message_decode(message);
    struct reader reader = { .rest = message };
    (void)read_number(&reader, TLS_RENEWAL_BYTES - REQUEST_BYTES);
    unsigned request = read_number(&reader, REQUEST_BYTES);

    if (fault != TLS_FAULT_NONE)
        return fault;
    if (!is_whole(&reader))
        return TLS_FAULT_LENGTH;
    if (request > 1)
        return TLS_FAULT_REQUEST;
    *out_asks = request == 1;
    return TLS_FAULT_NONE;
}

/* ---- encoding ---- */

void tls_record_head_encode(size_t body_bytes, uint8_t out[TLS_HEAD_BYTES])
{
    out[0] = TLS_KIND_DATA;
    out[1] = LEGACY_VERSION >> 8;
    out[2] = LEGACY_VERSION & 0xffu;
    out[3] = (uint8_t)(body_bytes >> 8);
    out[4] = (uint8_t)body_bytes;
}

void tls_record_renewal_encode(bool asks, uint8_t out[TLS_RENEWAL_BYTES])
{
    out[0] = KEY_UPDATE;
    out[1] = 0;
    out[2] = 0;
    out[3] = REQUEST_BYTES;
    out[4] = asks ? 1 : 0;
}
