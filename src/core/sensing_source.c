/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_source.h"

#include "core/sensed.h"
#include "core/state.h"

uint64_t sensing_source_place(const struct sensing *sensing, const void *facts)
{
    const struct sensing_port *port = &sensing->options.port;

    return port->place != NULL ? port->place(port->context, facts) : 0;
}

/* Who comes back when a block is over starts anew, and is found anew: not as long as the alarm of before
 * lasts, but at once. */
static void respond(struct sensing *sensing, struct sense_source *source,
                    const struct sensing_notice *notice)
{
    const struct sensing_port *port = &sensing->options.port;
    enum sensing_mode mode = sensing->options.mode;

    if (mode == SENSING_OBSERVES || port->block == NULL || notice->facts == NULL
        || !port->block(port->context, notice, mode == SENSING_REHEARSES))
        return;
    sensing->broker->stats.sense_responses++;
    sense_source_rest(source);
}

static void look(struct sensing *sensing, struct sense_source *source, const void *facts,
                 uint64_t ms)
{
    const struct sensing_port *port = &sensing->options.port;
    struct sense_source_standing standing;

    sense_source_look(&sensing->sources, source, ms, &standing);
    if (source->alarmed || standing.evidence < SENSE_ALARM_BITS)
        return;
    source->alarmed = true;
    sensing->broker->stats.sense_alarms++;
    const struct sensing_notice notice = {
        .kind = SENSING_OF_SOURCE,
        .verdict = SENSE_ATTACKING,
        .evidence = standing.evidence,
        .facts = facts,
        .source = &standing,
    };
    port->tell(port->context, &notice);
    respond(sensing, source, &notice);
}

void sensing_source_count(struct sensing *sensing, const void *facts,
                          enum sense_source_feature feature, uint64_t now_ms)
{
    uint64_t key = sensing_source_place(sensing, facts);
    uint64_t ms = sensing_ms(sensing, now_ms);

    if (key == 0)
        return;
    struct sense_source *source = sense_source_at(&sensing->sources, key, ms);
    sense_source_count(&sensing->sources, source, ms, feature);
    look(sensing, source, facts, ms);
    /* What one source does alone is told of that source. */
    if (!source->alarmed && source->start_ms != 0)
        look(sensing, &sensing->sources.listener, NULL, ms);
}

void sensing_source_tick(struct sensing *sensing, uint64_t now_ms)
{
    struct sense_source_standing standing;
    uint64_t learn_ms = (uint64_t)sensing->options.phases.learn_s * 1000;

    if (sensing->sources.learns && now_ms - sensing->since_ms >= learn_ms) {
        sensing->sources.learns = false;
        sense_sources_rest(&sensing->sources);
    }
    sense_source_look(&sensing->sources, &sensing->sources.listener, sensing_ms(sensing, now_ms),
                      &standing);
}

void sensing_note_stranger(struct broker *broker, const void *facts,
                           enum sense_source_feature feature, uint64_t now_ms)
{
    if (broker->sensing != NULL)
        sensing_source_count(broker->sensing, facts, feature, now_ms);
}
