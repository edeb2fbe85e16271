/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a shard on which a fleet of simulated devices is watched. */
#pragma once

#include "core/sensed.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DEVICES 8u

/* A shard on which a fleet is watched. */
struct watch {
    struct world world;
    struct world_peer *fleet[DEVICES];
    struct sensing_options options;
    uint64_t place;   /* of whoever comes; 0: none */
    unsigned told[3]; /* by kind */
    enum sense_verdict verdict;
    char device[32];
    enum sense_feature features[SENSE_REASONS];
    unsigned reasons;
    unsigned members;
    uint32_t surprised;
    enum sense_source_feature source;
    bool has_facts;
    enum sense_phase entered;
};

static inline uint64_t place_of(void *context, const void *facts)
{
    const struct watch *watch = context;

    (void)facts;
    return watch->place;
}

static inline void on_notice(void *context, const struct sensing_notice *notice)
{
    struct watch *watch = context;

    watch->told[notice->kind]++;
    watch->verdict = notice->verdict;
    watch->reasons = notice->reason_count;
    watch->members = notice->member_count;
    watch->surprised = notice->surprised;
    watch->has_facts = notice->facts != NULL;
    for (unsigned i = 0; i < notice->reason_count; i++)
        watch->features[i] = notice->reasons[i].feature;
    snprintf(watch->device, sizeof(watch->device), "%s",
             notice->identity.device != NULL ? notice->identity.device : "");
    if (notice->source != NULL)
        watch->source = notice->source->feature;
}

static inline void on_entered(void *context, const char *role, enum sense_phase phase)
{
    struct watch *watch = context;

    assert_string_equal(role, "device");
    assert_int_equal(phase, watch->entered + 1);
    watch->entered = phase;
}

static inline struct broker *broker_of(const struct watch *watch)
{
    return watch->world.brokers[0];
}

static inline void watch_init(struct watch *watch, const struct limits *limits)
{
    *watch = (struct watch){ .place = 7 };
    world_init(&watch->world, 1, limits);
    watch->options = (struct sensing_options){
        .is_on = true,
        .key = { 3, 4 },
        .port = { .context = watch, .place = place_of, .tell = on_notice, .entered = on_entered },
    };
    assert_true(sensing_set(broker_of(watch), &watch->options, watch->world.now_ms));
}

static inline struct world_peer *come(struct watch *watch, const char *name)
{
    struct world_peer *peer = world_open_device(&watch->world, MQTT_VERSION_5, name, "device");

    world_connect(peer, &(struct world_connect){ .client_id = name }, NULL);
    return peer;
}

static inline void fleet_come(struct watch *watch)
{
    char name[8];

    for (unsigned i = 0; i < DEVICES; i++) {
        snprintf(name, sizeof(name), "dev%u", i);
        watch->fleet[i] = come(watch, name);
    }
}

static inline void publish(struct world_peer *peer, const char *leaf)
{
    char topic[64];

    snprintf(topic, sizeof(topic), "devices/%s/%s", peer->device, leaf);
    world_publish(peer, topic, "21.5", MQTT_QOS_0, 0, false);
}

/* Each device but one reports once in a window, half a second apart. */
static inline void run_without(struct watch *watch, unsigned windows, unsigned silent)
{
    for (unsigned n = 0; n < windows; n++) {
        for (unsigned i = 0; i < DEVICES; i++) {
            if (i != silent)
                publish(watch->fleet[i], "t");
            world_sleep(&watch->world, 500);
        }
        world_sleep(&watch->world, SENSE_WINDOW_MS - DEVICES * 500);
    }
}

static inline void run(struct watch *watch, unsigned windows)
{
    run_without(watch, windows, DEVICES);
}

static inline const struct sensed *sensed_of(const struct world_peer *peer)
{
    return peer->client->session->sensed;
}

static inline unsigned told(const struct watch *watch)
{
    return watch->told[SENSING_OF_DEVICE] + watch->told[SENSING_OF_GROUP]
           + watch->told[SENSING_OF_SOURCE];
}

/* Through the phases, an hour of devices in each. */
static inline void learn(struct watch *watch)
{
    unsigned windows = SENSING_WINDOWS_LEAST / DEVICES + 4;

    fleet_come(watch);
    for (int phase = SENSE_LEARN; phase < SENSE_WATCH; phase++) {
        assert_int_equal(sensed_of(watch->fleet[0])->role->model.phase, phase);
        run(watch, windows);
    }
    assert_int_equal(sensed_of(watch->fleet[0])->role->model.phase, SENSE_WATCH);
    assert_int_equal(watch->entered, SENSE_WATCH);
    run(watch, 20);
    assert_int_equal(told(watch), 0);
}
