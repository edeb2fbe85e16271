/* SPDX-License-Identifier: Apache-2.0 */
/* One row of an event trace: one MQTT packet, as README.md describes the columns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLEET_TOPIC_MAX  96u   /* bytes of a topic or filter, with the NUL */
#define FLEET_SAMPLE_MAX 32u   /* bytes of a payload that a trace keeps */
#define FLEET_LINE_MAX   1200u /* bytes of the longest line, with its end */
#define FLEET_ABSENT     (-1)  /* a number whose column stays empty */

/* Packet types of MQTT, as far as they occur. */
enum fleet_type {
    FLEET_CONNECT = 1,
    FLEET_CONNACK = 2,
    FLEET_PUBLISH = 3,
    FLEET_PUBACK = 4,
    FLEET_SUBSCRIBE = 8,
    FLEET_SUBACK = 9,
    FLEET_PINGREQ = 12,
    FLEET_PINGRESP = 13,
    FLEET_DISCONNECT = 14,
};

struct fleet_row {
    int64_t at_us;         /* since 1970 */
    uint64_t order;        /* which of two rows of one moment is first */
    const char *address;   /* borrowed until the row is written */
    const char *client_id; /* borrowed, at most 700 bytes */
    uint64_t stream;       /* which TCP connection */
    uint32_t remaining;    /* bytes: MQTT's remaining length */
    int32_t keepalive_s;   /* or FLEET_ABSENT, as the next two */
    int16_t connack;
    int8_t qos;
    uint8_t type; /* enum fleet_type */
    bool down;    /* from the broker */
    bool attack;  /* an attack sent it, changed it, or has it delivered */
    uint8_t sample_len;
    uint8_t sample[FLEET_SAMPLE_MAX];
    char topic[FLEET_TOPIC_MAX];
};

/* The names of the columns, with the end of the line. */
extern const char fleet_row_head[];

/* Writes the line into `out`, FLEET_LINE_MAX bytes long; returns its bytes. There is no NUL. */
size_t fleet_row_line(const struct fleet_row *row, char *out);
