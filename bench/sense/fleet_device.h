/* SPDX-License-Identifier: Apache-2.0 */
/* One simulated device: its persona, and what makes it differ from the others of it. It acts at
 * moments that it names itself. Its chance is its own, so that what it does is the same whatever
 * other devices there are. Owner: one thread. */
#pragma once

#include "bench/sense/fleet_air.h"
#include "bench/sense/fleet_time.h"

struct fleet_device;

/* Asked before a report is published. Changes the message and says true for *attack where an
 * attack changes it; false: it is not published. */
struct fleet_censor {
    bool (*look)(void *context, const struct fleet_device *device, int64_t at_us,
                 struct fleet_message *message, bool *attack);
    void *context;
};

struct fleet_link {
    bool up;
    uint32_t connections; /* so far */
    unsigned waiting;     /* reports kept for the next connection */
    int64_t ping_us;
    int64_t drop_us; /* when it loses its connection, or leaves */
    int64_t back_us; /* when it connects again */
};

struct fleet_rhythm {
    int64_t nominal_us; /* the next report without its jitter */
    int64_t report_us;
    int64_t active_until_us;
    int64_t activity_us; /* the next one begins */
    int64_t alarm_until_us;
};

struct fleet_device {
    const struct persona *persona;
    struct fleet_speaker speaker;
    struct test_random random;
    struct fleet_link link;
    struct fleet_rhythm rhythm;
    char id[32];
    char address[32];
    unsigned number;    /* within its persona, from 1 on */
    uint32_t sequence;  /* of its rows */
    uint32_t reports;   /* so far */
    double pace;        /* factor of its intervals */
    double bulk;        /* factor of its sizes */
    double drift;       /* of its value */
    int64_t clock_us;   /* its local time is so much ahead */
    unsigned attackers; /* how many attacks censor it now */
};

/* Where it stands among all devices, below 2^16, what chance it has, and when it is switched on. */
struct fleet_birth {
    uint32_t index;
    uint64_t seed;
    int64_t at_us;
};

/* The device stays where it is in memory. */
void fleet_device_init(struct fleet_device *device, const struct persona *persona, unsigned number,
                       const struct fleet_birth *birth, struct fleet_sink *sink);

/* When it acts next: FLEET_NEVER, or not before what it was told last. */
int64_t fleet_device_due_us(const struct fleet_device *device);

/* It does one of the things that are due. */
void fleet_device_act(struct fleet_device *device, struct fleet_air *air,
                      const struct fleet_censor *censor, int64_t now_us);

/* Its connection is gone without a word; it tries again at back_us. */
void fleet_device_lose(struct fleet_device *device, struct fleet_air *air, int64_t back_us);

/* Its alarm: ten times as many reports as usual. */
void fleet_device_alarm(struct fleet_device *device, int64_t now_us, int64_t until_us);

/* Seconds between two reports, on average, as it is at this moment. */
double fleet_device_interval_s(const struct fleet_device *device, int64_t now_us);

/* The message it would publish now, without counting it; the chance is the caller's. */
void fleet_device_say(const struct fleet_device *device, struct test_random *random, int64_t now_us,
                      struct fleet_message *out);
