/* SPDX-License-Identifier: Apache-2.0 */
/* One row of an event file: a message between a client and a broker.
 *
 * Files are comma-separated with a first row that names the columns; columns that are not known are
 * passed over, ones that are missing are empty. What is known:
 *   t_epoch or timestamp   seconds with a fraction, or 2025-01-31T12:34:56.789Z
 *   client_ip or ip, tcp_stream, client_id or device, topic, run
 *   dir                    up (to the broker, also when empty) or down
 *   mqtt_type              1..15; without the column each row is a PUBLISH to the broker
 *   remaining_len, qos, retained, keepalive, connack_rc    numbers
 *   payload_hex            the first bytes of the payload; of a SUBACK its reason codes
 *   value                  the payload as a number
 * A field may stand in double quotes, which are doubled in it. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLAY_COLUMNS_MOST 32

enum replay_column {
    REPLAY_OTHER,
    REPLAY_TIME,
    REPLAY_TIMESTAMP,
    REPLAY_ADDRESS,
    REPLAY_STREAM,
    REPLAY_CLIENT,
    REPLAY_TOPIC,
    REPLAY_RUN,
    REPLAY_DIRECTION,
    REPLAY_TYPE,
    REPLAY_LENGTH,
    REPLAY_QOS,
    REPLAY_RETAINED,
    REPLAY_KEEPALIVE,
    REPLAY_ANSWER,
    REPLAY_PAYLOAD,
    REPLAY_VALUE,
    REPLAY_COLUMNS,
};

/* Which column stands where. */
struct replay_header {
    uint8_t columns[REPLAY_COLUMNS_MOST]; /* of enum replay_column */
    unsigned count;
};

struct replay_event {
    uint64_t time_ms;
    struct mqtt_span address;
    struct mqtt_span stream;
    struct mqtt_span client;
    struct mqtt_span topic;
    struct mqtt_span run;
    float value;
    uint32_t length; /* bytes */
    uint32_t order;  /* for the caller: files are in order of time only nearly */
    uint16_t keepalive_s;
    uint8_t type; /* 1..15 */
    uint8_t qos;
    uint8_t answer;  /* of a CONNACK; 0: accepted */
    uint8_t refused; /* filters that a SUBACK to a client refuses */
    bool is_up;
    bool is_retained;
    bool has_value;
};

/* Both borrow and change the line: quotes are taken out in place; the spans of an event point into
 * it. `line` has no line end. NULL, or what is wrong with it, a string that lives for ever; `out` is
 * then untouched. */
MQTT_NODISCARD const char *replay_header_parse(uint8_t *line, size_t len,
                                               struct replay_header *out);
MQTT_NODISCARD const char *replay_event_parse(const struct replay_header *header, uint8_t *line,
                                              size_t len, struct replay_event *out);
