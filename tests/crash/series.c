/* SPDX-License-Identifier: Apache-2.0 */
#include "crash/series.h"

#include <string.h>

/* Client identifiers whose hashes fall on all shards, whatever their key. */
static const char *const names[MODEL_ACTORS] = {
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett"
};

static void begin(struct series *series, struct broker *broker, const struct place *place)
{
    memset(series, 0, sizeof(*series));
    series->broker = broker;
    series->random = (struct test_random){ place->seed * 2 + 1 };
    model_init(&series->model, place);
    probe_init(&series->probe);
    for (unsigned i = 0; i < MODEL_ACTORS; i++)
        series->actors[i] = actor_new(&series->model, broker, i, names[i],
                                      i % 2 == 0 ? MQTT_VERSION_5 : MQTT_VERSION_3_1_1);
    broker_forget(broker);
}

static void end(struct series *series)
{
    for (unsigned i = 0; i < MODEL_ACTORS; i++)
        actor_free(series->actors[i]);
    model_fini(&series->model);
}

bool series_run(struct broker *broker, const struct place *place)
{
    static struct series series;
    bool is_well = true;

    begin(&series, broker, place);
    for (unsigned life = 1; is_well && life <= place->lives; life++) {
        series.model.place.life = life;
        series.plan = plan_of(place->seed, life);
        if (place->report->shards > 0)
            series.plan.shards = place->report->shards;
        is_well = life_run(&series);
    }
    series.model.place.life++;
    if (is_well)
        is_well = life_last(&series);
    end(&series);
    return is_well;
}
