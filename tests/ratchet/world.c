/* SPDX-License-Identifier: Apache-2.0 */
#include "ratchet/world.h"

#include "base/siphash.h"

#include <stdlib.h>
#include <string.h>

/* Enough of a HMAC where nobody attacks it: different input, different output. */
static int compute(void *context, const uint8_t key[RATCHET_KEY_BYTES], struct mqtt_span data,
                   uint8_t out[RATCHET_KEY_BYTES])
{
    const struct siphash_key fixed = { 1, 2 };
    struct siphash_key mixed = { 0 };

    (void)context;
    mixed.low = siphash(&fixed, (struct mqtt_span){ key, RATCHET_KEY_BYTES });
    for (unsigned i = 0; i < RATCHET_KEY_BYTES / sizeof(uint64_t); i++) {
        mixed.high = i;
        uint64_t word = siphash(&mixed, data);
        memcpy(out + i * sizeof(word), &word, sizeof(word));
    }
    return 0;
}

static const struct ratchet_hmac hmac = { .compute = compute };

/* A connection is like no other. */
static void bind_line(const struct line *line, uint8_t out[RATCHET_KEY_BYTES])
{
    memset(out, 0, RATCHET_KEY_BYTES);
    memcpy(out, &line->arrival, sizeof(line->arrival));
}

static struct ratchet_message message_of(const struct line *line)
{
    struct ratchet_message message = { .counter = line->from.counter };
    uint8_t binding[RATCHET_KEY_BYTES];

    bind_line(line, binding);
    if (ratchet_prove(&hmac, line->from.secret, binding, &message) < 0)
        abort();
    return message;
}

static bool judge(struct world *world, struct line *line)
{
    const struct ratchet_message message = message_of(line);
    uint8_t binding[RATCHET_KEY_BYTES];

    bind_line(line, binding);
    switch (ratchet_record_judge(&world->record, &hmac, &message, binding, &line->arrival, false)) {
    case RATCHET_TAKEN:
        line->stage = STAGE_TAKEN;
        break;
    case RATCHET_LATE:
        line->stage = STAGE_NONE;
        break;
    case RATCHET_FORKED:
    case RATCHET_AHEAD:
    case RATCHET_FAILED:
        world->has_alarm = true;
        break;
    }
    return true;
}

static bool store(struct device *device)
{
    struct line *line = &device->line;
    const struct ratchet_message message = message_of(line);
    uint8_t binding[RATCHET_KEY_BYTES];

    bind_line(line, binding);
    if (ratchet_advance(&hmac, binding, &message, &device->stored) < 0)
        abort();
    line->stage = STAGE_STORED;
    return true;
}

static bool confirm(struct world *world, struct device *device, struct line *line)
{
    if (ratchet_record_confirm(&world->record, &line->arrival))
        device->was_let_in |= line->is_after_copy;
    line->stage = STAGE_DONE;
    return true;
}

static bool open(struct world *world, struct device *device)
{
    if (device->line.stage != STAGE_NONE)
        return false;
    device->line = (struct line){ .stage = STAGE_SENT,
                                  .from = device->stored,
                                  .arrival = { world->run, ++world->order },
                                  .is_after_copy = world->devices[COPY].exists };
    return true;
}

static bool lose(struct device *device)
{
    bool was_there = device->line.stage != STAGE_NONE;

    device->line.stage = STAGE_NONE;
    return was_there;
}

static bool stray(struct device *device)
{
    enum stage stage = device->line.stage;

    if (device->stray.stage != STAGE_NONE || (stage != STAGE_SENT && stage != STAGE_STORED))
        return false;
    device->stray = device->line;
    device->line.stage = STAGE_NONE;
    return true;
}

static bool stray_comes(struct world *world, struct device *device)
{
    struct line *line = &device->stray;

    if (line->stage == STAGE_NONE || line->arrival.run != world->run)
        return false;
    if (line->stage == STAGE_SENT)
        (void)judge(world, line);
    else
        (void)confirm(world, device, line);
    line->stage = STAGE_NONE;
    return true;
}

/* A CONNACK that is on its way arrives all the same. */
static bool crash(struct world *world)
{
    world->run++;
    for (unsigned i = 0; i < DEVICES; i++) {
        struct device *device = &world->devices[i];
        device->stray.stage = STAGE_NONE;
        if (device->line.stage == STAGE_SENT || device->line.stage == STAGE_DONE)
            device->line.stage = STAGE_NONE;
    }
    return true;
}

static bool copy(struct world *world)
{
    struct device *made = &world->devices[COPY];

    if (made->exists)
        return false;
    *made = (struct device){ .exists = true, .stored = world->devices[ORIGINAL].stored };
    return true;
}

static bool step_line(struct world *world, enum verb verb, struct device *device)
{
    struct line *line = &device->line;
    bool is_of_run = line->arrival.run == world->run;

    if (verb == VERB_JUDGE)
        return line->stage == STAGE_SENT && is_of_run && judge(world, line);
    if (verb == VERB_CONFIRM)
        return line->stage == STAGE_STORED && is_of_run && confirm(world, device, line);
    if (verb == VERB_STORE)
        return line->stage == STAGE_GOT && store(device);
    if (line->stage != STAGE_TAKEN)
        return false;
    line->stage = STAGE_GOT;
    return true;
}

bool world_step(struct world *world, enum verb verb, unsigned which)
{
    struct device *device = &world->devices[which];

    if (verb == VERB_CRASH)
        return which == ORIGINAL && crash(world);
    if (verb == VERB_COPY)
        return which == ORIGINAL && copy(world);
    if (!device->exists)
        return false;
    if (verb == VERB_OPEN)
        return open(world, device);
    if (verb == VERB_LOSE)
        return lose(device);
    if (verb == VERB_STRAY)
        return stray(device);
    if (verb == VERB_STRAY_COMES)
        return stray_comes(world, device);
    return step_line(world, verb, device);
}

void world_connect(struct world *world, unsigned which)
{
    static const enum verb verbs[] = { VERB_LOSE,    VERB_OPEN,  VERB_JUDGE,
                                       VERB_RECEIVE, VERB_STORE, VERB_CONFIRM };

    for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && !world->has_alarm; i++)
        (void)world_step(world, verbs[i], which);
}

/* A device that has just enrolled: it stands where the broker has never been. */
struct world world_first(void)
{
    struct world world = { .run = 1 };

    world.devices[ORIGINAL].exists = true;
    memset(world.devices[ORIGINAL].stored.secret, 0x5a, RATCHET_KEY_BYTES);
    return world;
}
