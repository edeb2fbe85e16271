/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pressure.h"

#include "core/client.h"
#include "core/pace.h"
#include "core/shared_state.h"
#include "core/state.h"

/* Of the bound, in per cent. */
static const struct {
    unsigned enter;
    unsigned leave;
    const char *text;
} stages[PRESSURE_COUNT] = {
    [PRESSURE_NONE] = { 0, 0, "everything is served" },
    [PRESSURE_NEWCOMERS] = { 75, 70, "newcomers are refused" },
    [PRESSURE_SHED] = { 80, 75, "QoS 0 messages for slow receivers are dropped" },
    [PRESSURE_PAUSE] = { 85, 80, "publishers are slowed down" },
    [PRESSURE_REFUSE] = { 92, 87, "messages that would have to wait are refused" },
};

#define GAUGE_BYTES      UINT64_C(262144) /* so much more or less is told to the other shards */
#define LONGEST_LOOK_MS  1000u
#define SHORTEST_LOOK_MS 10u
#define GROWTH_PER_MS    (UINT64_C(512) * 1024) /* bytes; more than one machine's network brings */

/* So that no bound overflows. */
static uint64_t share_of(uint64_t bound_bytes, unsigned per_cent)
{
    return bound_bytes / 100 * per_cent;
}

enum pressure pressure_decide(enum pressure now, uint64_t used_bytes, uint64_t bound_bytes)
{
    unsigned stage = now;

    if (bound_bytes == 0)
        return PRESSURE_NONE;
    while (stage + 1 < PRESSURE_COUNT
           && used_bytes >= share_of(bound_bytes, stages[stage + 1].enter))
        stage++;
    while (stage > PRESSURE_NONE && used_bytes < share_of(bound_bytes, stages[stage].leave))
        stage--;
    return (enum pressure)stage;
}

uint64_t pressure_next_look_ms(uint64_t used_bytes, uint64_t bound_bytes)
{
    uint64_t first = share_of(bound_bytes, stages[PRESSURE_NEWCOMERS].enter);
    uint64_t look_ms = used_bytes < first ? (first - used_bytes) / GROWTH_PER_MS : 0;

    if (bound_bytes == 0 || look_ms > LONGEST_LOOK_MS)
        return LONGEST_LOOK_MS;
    return look_ms > SHORTEST_LOOK_MS ? look_ms : SHORTEST_LOOK_MS;
}

const char *pressure_text(enum pressure stage)
{
    return stages[stage].text;
}

enum pressure shared_look(struct shared *shared, uint64_t used_bytes, uint64_t bound_bytes)
{
    enum pressure stage = pressure_decide(shared_pressure(shared), used_bytes, bound_bytes);

    atomic_store_explicit(&shared->memory.held_then,
                          atomic_load_explicit(&shared->memory.held_bytes, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&shared->memory.used_bytes, used_bytes, memory_order_relaxed);
    atomic_store_explicit(&shared->memory.bound_bytes, bound_bytes, memory_order_relaxed);
    shared_set_pressure(shared, stage);
    return stage;
}

/* What is held more than at the last look is used more; what is held less may not be. */
static void raise_stage(struct shared *shared, uint64_t held_bytes)
{
    uint64_t then = atomic_load_explicit(&shared->memory.held_then, memory_order_relaxed);
    uint64_t used = atomic_load_explicit(&shared->memory.used_bytes, memory_order_relaxed);
    uint64_t bound = atomic_load_explicit(&shared->memory.bound_bytes, memory_order_relaxed);
    enum pressure now = shared_pressure(shared);

    /* Shards tell late, and what comes from another may be told first: the sum may be below zero. */
    int64_t more = (int64_t)(held_bytes - then);
    if (more <= 0)
        return;
    enum pressure stage = pressure_decide(now, used + (uint64_t)more, bound);
    if (stage > now)
        shared_set_pressure(shared, stage);
}

/* A turn of the loop is long when much is sent: nobody looks meanwhile. What is on its way between
 * shards grows when the one that it is for has no processor. */
void pressure_gauge(struct broker *broker)
{
    struct shared *shared = broker->options.shared;
    uint64_t held = broker->outboxes.bytes + broker->messages.bytes + broker->posted_bytes;
    uint64_t change = held - broker->held_told;

    if (MQTT_LIKELY(change + GAUGE_BYTES < 2 * GAUGE_BYTES)) /* more or less */
        return;
    broker->held_told = held;
    uint64_t before =
        atomic_fetch_add_explicit(&shared->memory.held_bytes, change, memory_order_relaxed);
    raise_stage(shared, before + change);
}

void shared_set_pressure(struct shared *shared, enum pressure stage)
{
    atomic_store_explicit(&shared->pressure, stage, memory_order_relaxed);
}

enum pressure shared_pressure(const struct shared *shared)
{
    return (enum pressure)atomic_load_explicit(&shared->pressure, memory_order_relaxed);
}

bool pressure_is(const struct broker *broker, enum pressure stage)
{
    return shared_pressure(broker->options.shared) >= stage;
}

uint64_t pressure_outbox_bytes(const struct broker *broker)
{
    uint64_t bytes = broker->limits.outbox_bytes;

    if (bytes > PRESSURE_SHORT_OUTBOX_BYTES && pressure_is(broker, PRESSURE_NEWCOMERS))
        return PRESSURE_SHORT_OUTBOX_BYTES;
    return bytes;
}

bool pressure_sheds(const struct client *client)
{
    return client->outbox.bytes > PRESSURE_OUTBOX_BYTES
           && pressure_is(client->broker, PRESSURE_SHED);
}

bool pressure_holds_back(const struct client *client)
{
    return client != NULL && client->outbox.bytes > PRESSURE_OUTBOX_BYTES
           && pressure_is(client->broker, PRESSURE_REFUSE);
}

void pressure_press(struct client *client, uint64_t now_ms)
{
    struct broker *broker = client->broker;

    pressure_gauge(broker);
    if (MQTT_LIKELY(!pressure_is(broker, PRESSURE_PAUSE)) || client->is_asked)
        return;
    broker->stats.pressed++;
    pace_pause(client, broker->limits.memory_pause_ms, now_ms);
}

bool client_rest(struct client *client, uint64_t now_ms)
{
    pressure_press(client, now_ms);
    return client_is_waiting(client);
}

void broker_relieve(struct broker *broker)
{
    if (MQTT_UNLIKELY(pressure_is(broker, PRESSURE_NEWCOMERS)))
        broker_trim(broker);
}

bool broker_refuses_newcomers(const struct broker *broker)
{
    return pressure_is(broker, PRESSURE_NEWCOMERS);
}

bool broker_is_short(const struct broker *broker)
{
    return pressure_is(broker, PRESSURE_SHED);
}
