/* SPDX-License-Identifier: Apache-2.0 */
/* Records of version 0.1 that anybody may have written, into two shards. Promises asserted: a
 * record is taken whole or not at all; a shard that has taken some is in order, and empty when its
 * sessions have ended. The input is records, each behind its length in two bytes. */
#include "base/invariant.h"
#include "broker_check.h"
#include "core/persist.h"
#include "core/state.h"
#include "core/world.h"
#include "script.h"

#include <errno.h>

#define SHARDS 2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint64_t count_all(const struct world *world)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < SHARDS; i++) {
        const struct broker_stats *stats = broker_statistics(world->brokers[i]);
        count += stats->sessions + stats->subscriptions + stats->queued_messages
                 + stats->inflight_messages;
    }
    return count + shared_figures(world->shared).retained_messages;
}

static void load(struct world *world, struct mqtt_span record, uint64_t away_ms)
{
    uint64_t before = count_all(world);
    int home = persist_record_home(world->brokers[0], record);
    int error;

    MQTT_INVARIANT((home >= -1 && home < (int)SHARDS) || home == -EINVAL);
    if (home == -EINVAL)
        return;
    if (home >= 0)
        error = broker_load(world->brokers[home], record, away_ms, world->now_ms);
    else
        error = shared_load(world->shared, record, away_ms, world->now_ms);
    MQTT_INVARIANT(error == 0 || error == -EINVAL || error == -ENOMEM);
    if (error == -EINVAL)
        MQTT_INVARIANT(count_all(world) == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct world world;
    struct mqtt_reader script = mqtt_reader_over((struct mqtt_span){ data, len });
    uint64_t away_ms = (uint64_t)script_u8(&script) * 1000;

    world_init(&world, SHARDS, NULL);
    while (mqtt_reader_left(&script) >= 2) {
        load(&world, script_bytes(&script, mqtt_read_u16(&script)), away_ms);
        broker_check(&world);
    }
    world_run(&world);
    broker_check_end(&world);
    world_fini(&world);
    return 0;
}
