/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in the traces: identities with their models, and the connections of one run.
 *
 * An identity is a client id that a broker has accepted; a client without one is its address. */
#pragma once

#include "base/attrs.h"
#include "base/bytes_map.h"
#include "base/siphash.h"
#include "base/span.h"
#include "sense/device.h"
#include "sense/evidence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLEET_NAME_BYTES   64u
#define FLEET_SAMPLES      3u
#define FLEET_DEVICES_MOST 1000000u

struct fleet_device {
    struct sense_device sense;
    struct sense_standing standing; /* as of the last look */
    struct bytes_node node;
    char name[FLEET_NAME_BYTES]; /* what is longer is cut, and ends in its hash */
    char address[FLEET_NAME_BYTES];
    char samples[FLEET_SAMPLES][FLEET_NAME_BYTES]; /* topics and filters, the last ones */
    uint8_t sample;
    bool is_trained; /* it was there while the role learned */
    bool leaves;     /* it has disconnected by itself, so that its absence is no news */
    bool in_run;     /* it was heard in this run */
};

/* A connection whose CONNECT was not answered yet, or that lives. */
struct fleet_stream {
    struct bytes_node node;
    struct fleet_device *device; /* NULL: not accepted */
    struct mqtt_span client;     /* that the CONNECT named; of the trace */
    uint16_t keepalive_s;
    char key[];
};

struct fleet {
    struct siphash_key key;
    struct bytes_map by_name;
    struct bytes_map streams;
    struct fleet_device **devices; /* in the order in which they came */
    size_t count;
    size_t room;
};

void fleet_init(struct fleet *fleet);
void fleet_fini(struct fleet *fleet);

/* The identity of that name; NULL: there is none, or no memory for it. fleet_add() makes it. */
struct fleet_device *fleet_find(const struct fleet *fleet, struct mqtt_span name);
struct fleet_device *fleet_add(struct fleet *fleet, struct mqtt_span name);

/* The connection `stream` from that address, new when need be; NULL: no memory. */
struct fleet_stream *fleet_stream_at(struct fleet *fleet, struct mqtt_span address,
                                     struct mqtt_span stream);

/* Forgets the connections, and of the devices what happens now. */
void fleet_rest(struct fleet *fleet);

/* A copy of all devices, to be freed by the caller; NULL: no memory, or no device. fleet_return()
 * makes of them again what they were, and forgets the connections and who has come since. */
MQTT_NODISCARD struct fleet_device *fleet_keep(const struct fleet *fleet);
void fleet_return(struct fleet *fleet, const struct fleet_device *kept, size_t count);

void fleet_sample(struct fleet_device *device, struct mqtt_span topic);

/* A name into `out`, which holds FLEET_NAME_BYTES, cut if need be. */
void fleet_name(const struct fleet *fleet, struct mqtt_span name, char *out);
