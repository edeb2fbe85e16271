/* SPDX-License-Identifier: Apache-2.0 */
/* One honest device of bench-siege and bench-crowd: mutual TLS or none, MQTT 5, its certificate
 * d<number>. It publishes to devices/d<number>/state, and gets what one device publishes. One thread. */
#pragma once

#include "base/span.h"
#include "bench/siege/line.h"
#include "codec/publish.h"

#define DEVICE_IN_BYTES      4096u
#define DEVICE_OUT_BYTES     16384u
#define DEVICE_PAYLOAD_BYTES 64u
#define DEVICE_NOBODY        UINT32_MAX

enum device_state {
    DEVICE_AWAY, /* zero; not connected, or not any more */
    DEVICE_ARRIVING,
    DEVICE_GREETING,    /* CONNECT has been sent */
    DEVICE_SUBSCRIBING, /* SUBSCRIBE has been sent */
    DEVICE_HERE,
};

struct device;

/* What it tells its owner. A handler may call device_leave() and nothing else that ends it. */
struct device_events {
    void (*on_here)(void *context, struct device *device);
    void (*on_message)(void *context, struct device *device, struct mqtt_span payload);
    void (*on_acked)(void *context, struct device *device);
    void (*on_away)(void *context, struct device *device); /* not after device_leave() */
    void *context;
};

struct device {
    struct line line;
    enum device_state state;
    uint32_t number;
    uint32_t subscribes_to; /* number of the other, or DEVICE_NOBODY */
    enum mqtt_qos qos;      /* of what it publishes and gets */
    uint16_t packet_id;     /* last used */
    const struct device_events *events;
    size_t in_len;
    size_t out_len;
    uint8_t in[DEVICE_IN_BYTES];
    uint8_t out[DEVICE_OUT_BYTES];
};

/* How the device is reached: from where, by what, with which files. */
struct device_way {
    int epoll;
    struct line_ends ends;
    SSL_CTX *context; /* NULL: bare TCP */
    const char *folder;
};

/* Begins to connect; number, subscribes_to, qos and events are filled in. False: the system refused. */
MQTT_NODISCARD bool device_arrive(struct device *device, const struct device_way *way);

/* Goes on after epoll has reported it (its owner is the device). */
void device_step(struct device *device);

/* Sends a message of DEVICE_PAYLOAD_BYTES. False: it is not here, or so much has to go out before
 * that it is not even queued. */
bool device_publish(struct device *device, const uint8_t *payload);

/* The same, but it goes out with what else is to, at the end of device_step() or by a later call. */
bool device_queue(struct device *device, const uint8_t *payload);

/* With DISCONNECT, if it got so far. */
void device_leave(struct device *device);
/* At once. */
void device_drop(struct device *device);
