/* SPDX-License-Identifier: Apache-2.0 */
/* A broker of one shard without sockets, and a crowd of devices, each with an identity of its own,
 * numbered from 0. Time moves only when the bench says so. What the broker sends is taken and
 * acknowledged at once. Ends the program when anything is refused. */
#pragma once

#include "bench/million/disk.h"
#include "core/broker.h"
#include "core/sensing.h"
#include "core/shared.h"

#include <stdbool.h>

#define CROWD_NAME_BYTES 48
#define CROWD_START_MS   1000
#define CROWD_KEEP_ALIVE 300  /* seconds */
#define CROWD_SITE       1000 /* persons of one site, who may publish to each other */

struct crowd;

struct person {
    struct crowd *crowd;
    struct client *client; /* NULL: not connected */
    bool is_awake;         /* in `awake` */
};

struct crowd {
    struct broker *broker;
    struct shared *shared;
    struct policy *policy;
    struct disk *disk; /* borrowed; NULL: nothing is kept */
    struct person *people;
    size_t count;
    struct person **awake; /* whose outboxes are to be taken; room for all */
    size_t awake_count;
    uint64_t now_ms;
    uint64_t taken;                /* PUBLISH packets that came out */
    uint64_t answers;              /* PUBACK packets likewise */
    bool has_session;              /* the last CONNACK said that there was one */
    enum sense_phase phase;        /* of the role of all of them, where behaviour is watched */
    uint64_t alarms;               /* notices of the detector */
    char device[CROWD_NAME_BYTES]; /* scratch: of who connects */
    char site[CROWD_NAME_BYTES];
};

void crowd_open(struct crowd *crowd, size_t count, struct disk *disk);
void crowd_close(struct crowd *crowd); /* without its disk; nobody says goodbye */

/* From now on, before anybody connects, behaviour is watched: each person is a device of one role. */
void crowd_observe(struct crowd *crowd);

/* A topic that person `who` may subscribe to and everybody of the site may publish to. Needs
 * CROWD_NAME_BYTES. */
struct mqtt_span crowd_topic(char *memory, size_t who, unsigned channel);

/* In MQTT 3.1.1; `kept`: without clean session. An earlier connection is taken over. */
void crowd_connect(struct crowd *crowd, size_t who, bool kept);
void crowd_lose(struct crowd *crowd, size_t who); /* the connection breaks */
void crowd_subscribe(struct crowd *crowd, size_t who, unsigned channels, unsigned qos);
void crowd_publish(struct crowd *crowd, size_t from, size_t to, unsigned channel, unsigned qos);
void crowd_ping(struct crowd *crowd, size_t who);

/* Takes all that waits to be sent, acknowledges it, and goes on until nothing does. */
void crowd_take(struct crowd *crowd);
void crowd_advance(struct crowd *crowd, uint64_t ms);

/* A policy with one grant more is in force; the walk is the caller's. */
void crowd_change_policy(struct crowd *crowd);
