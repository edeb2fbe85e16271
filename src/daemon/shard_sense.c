/* SPDX-License-Identifier: Apache-2.0 */
/* Behavioural detection of a shard, as the configuration wants it: contract in shard.h. */
#include "daemon/admission_clone.h"
#include "daemon/event_sense.h"
#include "daemon/place.h"
#include "daemon/shard.h"

#include "core/sensing_keep.h"
#include "net/porch.h"
#include "pki/behaviour_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static_assert(PLACE_BYTES == BARRED_PLACE_BYTES, "one notion of a place");

static struct barred_place place_at(const struct connection_facts *facts)
{
    struct barred_place place = { .len = 0 };

    place.len = facts != NULL ? (uint8_t)place_of(facts->address, place.bytes) : 0;
    return place;
}

/* The /64 or the address; a socket of this machine is nowhere in particular. What comes from where is
 * blocked had begun before that, and is paid for. */
static uint64_t on_place(void *context, const void *facts)
{
    const struct shard *shard = context;
    const struct barred_place place = place_at(facts);
    const struct mqtt_span bytes = { place.bytes, place.len };

    if (place.len == 0
        || (shard->sense.bar != NULL
            && bar_has(shard->sense.bar, &place, loop_now_ms(shard->loop))))
        return 0;
    return siphash(&shard->sense.options.key, bytes) | 1;
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

/* ---- what is done about it ---- */

/* Whoever is not in the registry cannot be held; a service or an administrator, which others rely
 * upon, is only told of. */
static enum sensing_right on_may(void *context, const struct identity *identity)
{
    const struct shard *shard = context;
    const struct registry_view *view = shard->rules.registry;
    const struct registry_view_entry *entry =
        view != NULL ? registry_view_find(view, span_of(identity->device)) : NULL;
    const struct role *role = policy_find(shard->rules.policy, identity);

    if (role == NULL || role_options_of(role)->sense != POLICY_SENSE_ON)
        return SENSING_MAY_TELL;
    if (entry == NULL)
        return SENSING_MAY_THROTTLE;
    if (entry->kind != IDENTITY_DEVICE || entry->is_pardoned)
        return SENSING_MAY_TELL;
    return SENSING_MAY_QUARANTINE;
}

/* False: out of memory. */
static bool hold(struct shard *shard, const struct sensing_notice *why, int64_t until_s)
{
    struct registry_hold hold = { .kind = HOLD_BEHAVIOUR, .until_s = until_s };
    char sentence[SENSE_SENTENCE_BYTES];

    sense_explain_sentence(why->verdict, why->reasons, why->reason_count, sentence);
    snprintf(hold.name, sizeof(hold.name), "%s", why->identity.device);
    snprintf(hold.why, sizeof(hold.why), "%s", sentence);
    return shard_hold(shard, &hold);
}

static const char *on_respond(void *context, const struct sensing_response *response)
{
    struct shard *shard = context;
    struct sensing_response told = *response;
    uint32_t quarantine_s = shard->ruling->config->sense.quarantine_s;
    bool is_hold = response->action == SENSING_QUARANTINE && response->not_done == NULL;
    int64_t until_s = is_hold ? (int64_t)time(NULL) + quarantine_s : 0;

    if (is_hold && !response->is_dry && !hold(shard, response->why, until_s))
        told.not_done = "there is no memory for it";
    event_sense_responded(shard->log, &told, until_s);
    return told.not_done == NULL ? ADMISSION_QUARANTINE_TEXT : NULL;
}

/* ---- about an address ---- */

bool shard_sense_is_barred(void *context, const struct porch_place *place)
{
    const struct shard *shard = context;
    struct barred_place asked = { .len = place->len };

    memcpy(asked.bytes, place->bytes, sizeof(asked.bytes));
    return shard->sense.bar != NULL && bar_has(shard->sense.bar, &asked, loop_now_ms(shard->loop));
}

/* Behind one address may be a thousand devices: as long as one of them has come from there, the bounds
 * of the porch have to do. */
static bool knows(const struct shard *shard, const struct barred_place *place)
{
    struct porch_place asked = { .len = place->len };

    memcpy(asked.bytes, place->bytes, sizeof(asked.bytes));
    return porch_knows(shard->sense.porch, &asked, loop_now_ms(shard->loop));
}

static bool on_block(void *context, const struct sensing_notice *notice, bool is_dry)
{
    const struct shard *shard = context;
    const struct barred_place place = place_at(notice->facts);
    const struct bar_now now = { loop_now_ms(shard->loop), (int64_t)time(NULL) };
    struct event_sense_block block = { .why = notice, .place = &place, .is_dry = is_dry };

    if (place.len == 0 || shard->sense.bar == NULL)
        return false;
    enum bar_verdict verdict = BAR_BEGUN;
    if (knows(shard, &place))
        block.not_done = "somebody who has proved himself came from there lately";
    else
        verdict = bar_begin(shard->sense.bar, &place, &now, is_dry, &block.until_s);
    if (verdict == BAR_PARDONED)
        block.not_done = "an operator has undone it";
    if (verdict != BAR_ALREADY)
        event_sense_blocked(shard->log, &block);
    return !is_dry && block.not_done == NULL;
}

static enum sensing_mode mode_of(enum config_sense_mode mode)
{
    switch (mode) {
    case CONFIG_SENSE_OFF:
    case CONFIG_SENSE_OBSERVE:
        break;
    case CONFIG_SENSE_DRY_RUN:
        return SENSING_REHEARSES;
    case CONFIG_SENSE_RESPOND:
        return SENSING_RESPONDS;
    }
    return SENSING_OBSERVES;
}

void shard_sense_follow(struct shard *shard, uint64_t now_ms)
{
    const struct config_sense *wanted = &shard->ruling->config->sense;
    struct sensing_options *options = &shard->sense.options;

    options->is_on = wanted->mode != CONFIG_SENSE_OFF;
    options->mode = mode_of(wanted->mode);
    options->phases = (struct sensing_phases){ wanted->learn_s, wanted->shape_s, wanted->prove_s };
    options->port = (struct sensing_port){
        .context = shard,
        .place = on_place,
        .tell = on_tell,
        .entered = on_entered,
        .may = on_may,
        .respond = on_respond,
        .block = on_block,
    };
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

/* ---- what was learned, on disk ---- */

int shard_sense_load(struct shard *shard, struct mqtt_span bytes)
{
    int status = sensing_keep_load(shard->broker, bytes, loop_now_ms(shard->loop));
    const struct siphash_key *key = sensing_keep_key(shard->broker);

    if (key != NULL)
        shard->sense.options.key = *key;
    return status;
}

static void write_it(struct shard *shard)
{
    struct shard_sense *sense = &shard->sense;

    sense->status = behaviour_file_write(sense->state_dir, shard->number,
                                         (struct mqtt_span){ sense->bytes, sense->len });
    if (sense->status == 0 && shard->number == 0)
        behaviour_file_sweep(sense->state_dir, shard->count, CONFIG_SHARDS_MAX);
}

/* Says so when it could not be written, and forgets the bytes. */
static void end_write(struct shard *shard)
{
    struct shard_sense *sense = &shard->sense;

    if (sense->status != 0)
        log_say(shard->log, CONFIG_LOG_WARNING,
                "shard %u: what was learned of behaviour is not kept: %s", shard->number,
                strerror(-sense->status));
    free(sense->bytes);
    sense->bytes = NULL;
}

static void work_write(struct helper_job *job)
{
    write_it(MQTT_CONTAINER_OF(job, struct shard, sense.job));
}

static void on_written(struct helper_job *job)
{
    struct shard *shard = MQTT_CONTAINER_OF(job, struct shard, sense.job);
    bool is_wanted = shard->sense.is_wanted;

    end_write(shard);
    shard->sense.is_wanted = false;
    if (!is_wanted || !shard_sense_write(shard))
        shard_sense_written(shard);
}

/* False: there is nothing to write, or no memory for it, which the next time may have. */
static bool save(struct shard *shard)
{
    struct shard_sense *sense = &shard->sense;

    return sense->state_dir != NULL && sense->bytes == NULL
           && sensing_keep_save(shard->broker, loop_now_ms(shard->loop), &sense->bytes, &sense->len)
                  == 0
           && sense->bytes != NULL;
}

static void on_save_timer(struct wheel_timer *timer, void *context, uint64_t now_ms);

static void arm(struct shard *shard, uint64_t now_ms)
{
    uint64_t after_ms = shard->ruling->config->limits.sense_save_s * 1000;

    loop_arm(shard->loop, &shard->sense.timer, now_ms + after_ms, on_save_timer);
}

bool shard_sense_write(struct shard *shard)
{
    if (shard->keeper == NULL || !save(shard))
        return false;
    if (helpers_submit(shard->keeper, &shard->sense.job, shard->loop, work_write, on_written) == 0)
        return true;
    free(shard->sense.bytes); /* the keeper is busy */
    shard->sense.bytes = NULL;
    return false;
}

static void on_save_timer(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct shard *shard = MQTT_CONTAINER_OF(timer, struct shard, sense.timer);

    (void)context;
    arm(shard, now_ms);
    (void)shard_sense_write(shard);
}

void shard_sense_start(struct shard *shard)
{
    arm(shard, loop_now_ms(shard->loop));
}

void shard_sense_end(struct shard *shard)
{
    if (!save(shard))
        return;
    write_it(shard);
    end_write(shard);
}

void shard_sense_close(struct shard *shard)
{
    loop_cancel(shard->loop, &shard->sense.timer);
    free(shard->sense.bytes);
    free(shard->sense.order);
    shard->sense.bytes = NULL;
    shard->sense.order = NULL;
}
