/* SPDX-License-Identifier: Apache-2.0 */
/* One authenticated identity: what it does now, what it usually does, and the evidence against it.
 *
 * Only what an identity did after it had proved itself is booked here; what came before belongs to
 * the source (source.h), whoever it claimed to be. The caller owns the memory, of which all bytes
 * zero is a device that nothing is known of. Time is milliseconds of any clock that does not run
 * backwards; the layer has none. No call allocates. Owner: one thread, the same for all devices of
 * a role at a time. */
#pragma once

#include "sense/bits.h"
#include "sense/feature.h"
#include "sense/rate.h"
#include "sense/role.h"
#include "sense/tail.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SENSE_DEVICE_BYTES   512u
#define SENSE_VALUE_SLOTS    2u
#define SENSE_SIZE_BINS      16u
#define SENSE_INTERVAL_UNITS 256.0f
#define SENSE_SAME_REPORT_MS 500u /* messages that follow each other within that are one report */
#define SENSE_SIZE_EXACT     0x8000u /* in bytes; from there on sizes are known by their logarithm */

/* A topic whose payload is a number. */
struct sense_value {
    uint32_t topic; /* hash; 0: free */
    float last;     /* level: follows the values by a width at most */
    float width;    /* mean distance of a value from it */
    float sum;      /* of distances above what is usual; negative: the level is unknown */
};

/* What has happened since the window began. First what each message changes. */
struct sense_window {
    uint64_t start_ms; /* 0: none is open */
    uint64_t topics;   /* one bit per topic, by hash */
    uint32_t bytes;
    uint16_t size_least; /* sense_size_of() of a message; above size_most: there was none */
    uint16_t size_most;
    uint16_t counts[SENSE_COUNTERS];
    float interval_least; /* log2 of seconds between messages; of intervals > 0 */
    float interval_most;
    float value; /* highest sum of a sense_value */
    uint16_t intervals;
    uint16_t waited_s; /* of the longest interval, what had passed when the window began */
    uint8_t keepalive; /* eighths of log2 of seconds + 1; 255: not asked */
    uint8_t backlog;   /* eighths of log2 of bytes + 1; 255: not told */
    uint8_t pause;     /* shortest time between messages: sense_rhythm_pause(); 0: none */
    bool whole;        /* the device was present when it began */
};

struct sense_device {
    uint64_t published_ms; /* the last message; 0: none since it came */
    uint8_t owed;          /* messages that a gap has held back and that may come at once */
    bool here : 1;         /* heard since it rested: windows run */
    bool present : 1;      /* connected, so that silence means something */
    bool alarmed : 1;
    bool accused : 1;  /* by itself, of attacking */
    bool expected : 1; /* published_ms is when it was expected from, not a message */
    bool erred : 1;    /* its connection was ended for what it sent */
    bool flows : 1;    /* published_ms is of a message of this connection: flow.h */
    uint16_t number;   /* of the window; runs over */
    uint16_t quiet;    /* windows since evidence last grew */
    struct sense_window window;
    struct sense_rate rates[SENSE_COUNTERS];
    struct sense_location interval; /* log2 of seconds */
    struct sense_location size;     /* log2 of bytes of a message */
    struct sense_location bytes;    /* log2 of bytes of a window with messages */
    int16_t longest;                /* interval, in 1/256 of an octave, rounded up */
    int16_t shortest;               /* the same, rounded down */
    float lately[SENSE_LATELY];     /* counts of the last half hour, a window */
    float busiest[SENSE_LATELY];    /* the most that was, while the role learned */
    float joint;                    /* mean rarity among the windows of the role */
    float drift;                    /* mean of the distances that SENSE_BYTES_DRIFT adds up */
    struct sense_value values[SENSE_VALUE_SLOTS];
    uint64_t known[4]; /* Bloom filter of topics published to, and of filters */
    uint32_t address;  /* hash of the source; 0: none seen */
    uint32_t address_before;
    uint32_t windows;                  /* learned from */
    uint16_t intervals;                /* learned from, up to a bound */
    uint16_t active;                   /* windows with messages learned from, up to a bound */
    uint16_t evidence[SENSE_FEATURES]; /* 1/256 bit, rounded down */
    uint16_t onset[SENSE_FEATURES];    /* number of the window in which the evidence began */
    uint16_t peak[SENSE_FEATURES];     /* most observed since: 1/2048 of log2(1 + x) */
    uint8_t worst[SENSE_FEATURES];     /* bits, while proving */
    uint8_t sizes[SENSE_SIZE_BINS];    /* messages by log2 of their bytes; halved together */
};

static_assert(sizeof(struct sense_device) <= SENSE_DEVICE_BYTES, "a device fits");
static_assert(offsetof(struct sense_device, window.counts[SENSE_DELIVERED + 1]) <= 64,
              "what a message changes lies side by side");

/* The size of a message, in the order of the bytes. */
static inline uint16_t sense_size_of(uint32_t bytes)
{
    return (uint16_t)(bytes < SENSE_SIZE_EXACT ? bytes
                                               : SENSE_SIZE_EXACT + sense_log2_eighths(bytes));
}

/* The same in octaves, in eighths rounded down. */
static inline float sense_size_octaves(uint16_t size)
{
    unsigned eighths = size < SENSE_SIZE_EXACT ? sense_log2_eighths(size) : size - SENSE_SIZE_EXACT;

    return (float)eighths / 8.0f;
}

static inline bool sense_window_has_sizes(const struct sense_window *window)
{
    return window->size_least <= window->size_most;
}

/* One PUBLISH of the device that was let through. */
struct sense_publish {
    uint32_t topic; /* hash, the same for the same name */
    uint32_t bytes; /* of topic and payload */
    bool is_retained;
    bool is_reserved; /* the topic begins with '$' */
    bool has_value;   /* the payload is a number: */
    float value;
};

/* One filter of a SUBSCRIBE that was granted. */
struct sense_filter {
    uint32_t filter;   /* hash */
    uint8_t wildcards; /* 0 without; 8 for one that begins with '#', less the deeper it is */
    bool is_reserved;  /* begins with "$SYS", or is shared */
};

/* The weight of a filter: 8 for '#' at the top, half of that one level deeper, and so on, at least
 * 1; a '+' counts half of a '#'. 0 for filters without wildcards. "$share/" and the name of its group
 * are not levels. */
uint8_t sense_filter_weight(const char *filter, size_t len);

/* Events. Each may open a window; sense_device_look() closes it. The functions that return bool say
 * that it pays to look at once. */
void sense_on_connect(struct sense_device *device, uint64_t now_ms, uint32_t address,
                      uint16_t keepalive_s);
void sense_on_disconnect(struct sense_device *device, uint64_t now_ms, bool is_lost);
bool sense_on_publish(struct sense_device *device, uint64_t now_ms,
                      const struct sense_publish *publish);
/* The number that a message on the topic was, which sense_flow_publish() has booked without it. */
void sense_on_value(struct sense_device *device, uint32_t topic, float number);
/* So many at once. `is_echo`: messages of its own, which it does not answer; else who may subscribe to where
 * it publishes could send as much as it likes. */
bool sense_on_delivered(struct sense_device *device, uint64_t now_ms, unsigned messages,
                        bool is_echo);
bool sense_on_subscribe(struct sense_device *device, uint64_t now_ms,
                        const struct sense_filter *filter);
bool sense_on_denied(struct sense_device *device, uint64_t now_ms, bool is_subscribe);
bool sense_on_protocol_error(struct sense_device *device, uint64_t now_ms);
void sense_on_backlog(struct sense_device *device, uint64_t now_ms, uint32_t bytes);

/* A packet of the identity came from this address. Two addresses in turn are a take-over, back to
 * the first one is proof of two holders. */
bool sense_on_address(struct sense_device *device, uint64_t now_ms, uint32_t address);

/* It may have moved: where it was before is forgotten, and where it is as well when it has gone from
 * there. */
void sense_device_move(struct sense_device *device, bool has_gone);

/* Whether a look is worth its time: the window is over, or the silence is long. */
bool sense_device_is_due(const struct sense_device *device, uint64_t now_ms);

/* Opens a window for a device of which nothing is heard. */
void sense_device_keep(struct sense_device *device, uint64_t now_ms);

/* The device is one of those that are here: silence counts from now on. */
void sense_device_expect(struct sense_device *device, uint64_t now_ms);

/* Forgets what happens now and all evidence, not what was learned. */
void sense_device_rest(struct sense_device *device);
