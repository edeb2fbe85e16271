/* SPDX-License-Identifier: Apache-2.0 */
/* Behavioural detection of a shard, as the configuration wants it: contract in shard.h. */
#include "daemon/event_sense.h"
#include "daemon/place.h"
#include "daemon/shard.h"

/* The /64 or the address; a socket of this machine is nowhere in particular. */
static uint64_t on_place(void *context, const void *facts)
{
    const struct shard *shard = context;
    const struct connection_facts *connection = facts;
    uint8_t place[PLACE_BYTES];
    size_t len = connection != NULL ? place_of(connection->address, place) : 0;

    return len > 0 ? siphash(&shard->sensing.key, (struct mqtt_span){ place, len }) | 1 : 0;
}

static void on_tell(void *context, const struct sensing_notice *notice)
{
    const struct shard *shard = context;

    event_sense_report(shard->log, notice);
}

static void on_entered(void *context, const char *role, enum sense_phase phase)
{
    const struct shard *shard = context;

    event_sense_entered(shard->log, shard->number, role, phase);
}

void shard_sense_follow(struct shard *shard, uint64_t now_ms)
{
    const struct config_sense *wanted = &shard->ruling->config->sense;
    struct sensing_options *options = &shard->sensing;

    options->is_on = wanted->mode == CONFIG_SENSE_OBSERVE;
    options->phases = (struct sensing_phases){ wanted->learn_s, wanted->shape_s, wanted->prove_s };
    options->port = (struct sensing_port){ shard, on_place, on_tell, on_entered };
    if (!sensing_set(shard->broker, options, now_ms))
        log_say(shard->log, CONFIG_LOG_ERROR,
                "shard %u: no memory for sense { }; behaviour is not looked at", shard->number);
}

void shard_sense_refused(struct shard *shard, const struct connection_facts *facts,
                         enum net_refusal why)
{
    uint64_t now_ms = loop_now_ms(shard->loop);

    if (why == NET_REFUSED_TIMEOUT)
        sensing_note_stranger(shard->broker, facts, SENSE_HALF_OPEN, now_ms);
    else if (why == NET_REFUSED_HANDSHAKE || why == NET_REFUSED_PEER)
        sensing_note_stranger(shard->broker, facts, SENSE_FAILURES, now_ms);
    else if (why == NET_REFUSED_SIZE)
        sensing_note_stranger(shard->broker, facts, SENSE_SOURCE_ERRORS, now_ms);
}
