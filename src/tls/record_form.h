/* SPDX-License-Identifier: Apache-2.0 */
/* What records of TLS 1.3 and what is in them look like after a handshake (RFC 8446, sections 4.6.3, 5
 * and 6): bytes to values, and what is wrong with them. Inside tls/ only. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_HEAD_BYTES 5u
#define TLS_TAG_BYTES  16u
/* Of a record behind its head: 2^14 + 256 (5.2). */
#define TLS_BODY_MOST_BYTES 16640u
/* Plaintext with its kind and padding: 2^14 + 1 (5.4). */
#define TLS_INNER_MOST_BYTES 16385u
#define TLS_RENEWAL_BYTES    5u

enum tls_kind {
    TLS_KIND_NONE = 0,
    TLS_KIND_ALERT = 21,
    TLS_KIND_HANDSHAKE = 22,
    TLS_KIND_DATA = 23,
};

enum tls_alert {
    TLS_ALERT_CLOSE_NOTIFY = 0,
    TLS_ALERT_UNEXPECTED_MESSAGE = 10,
    TLS_ALERT_BAD_RECORD_MAC = 20,
    TLS_ALERT_RECORD_OVERFLOW = 22,
    TLS_ALERT_ILLEGAL_PARAMETER = 47,
    TLS_ALERT_DECODE_ERROR = 50,
    TLS_ALERT_INTERNAL_ERROR = 80,
    TLS_ALERT_USER_CANCELED = 90,
};

enum tls_fault {
    TLS_FAULT_NONE = 0,
#define FAULT(name, alert, text) TLS_FAULT_##name,
#include "tls/record_fault.def"
#undef FAULT
    TLS_FAULT_COUNT,
};

enum tls_alert tls_fault_alert(enum tls_fault fault);
const char *tls_fault_text(enum tls_fault fault);

/* The head of a record that is protected: how many bytes it has with its head. TLS_HEAD_BYTES are
 * there. */
MQTT_NODISCARD enum tls_fault tls_record_head_decode(struct mqtt_span head, size_t *out_bytes);

/* What was in a record, its padding and kind taken off the end. The content borrows. */
MQTT_NODISCARD enum tls_fault tls_record_inner_decode(struct mqtt_span inner,
                                                      enum tls_kind *out_kind,
                                                      struct mqtt_span *out_content);

/* Its level means nothing (section 6). */
MQTT_NODISCARD enum tls_fault tls_record_alert_decode(struct mqtt_span content, uint8_t *out_alert);

/* A whole message: does it ask for a renewal of ours? */
MQTT_NODISCARD enum tls_fault tls_record_renewal_decode(struct mqtt_span message, bool *out_asks);

/* The first four bytes of a message: may it come? */
MQTT_NODISCARD enum tls_fault tls_record_message_decode(struct mqtt_span head);

void tls_record_head_encode(size_t body_bytes, uint8_t out[TLS_HEAD_BYTES]);
void tls_record_renewal_encode(bool asks, uint8_t out[TLS_RENEWAL_BYTES]);
