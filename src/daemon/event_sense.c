/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/event_sense.h"

#include "base/invariant.h"
#include "net/facts.h"

#include <stdio.h>

#define NUMBER_BYTES 24u
#define REASON_BYTES 160u

/* The memory behind the fields of a line. */
struct texts {
    char words[LOG_LINE_BYTES];
    char bits[NUMBER_BYTES];
    char surprised[NUMBER_BYTES];
    char here[NUMBER_BYTES];
    char since[NUMBER_BYTES];
    char observed[NUMBER_BYTES];
    char expected[NUMBER_BYTES];
    char members[SENSING_NAMED * 66];
    char reasons[SENSE_REASONS][REASON_BYTES];
};

static void add(struct log_line *line, const char *key, const char *value)
{
    MQTT_INVARIANT(line->field_count < LOG_FIELDS_MAX);
    line->fields[line->field_count++] = (struct log_field){ key, span_of(value) };
}

static const char *number(char out[NUMBER_BYTES], double value)
{
    snprintf(out, NUMBER_BYTES, "%.4g", value);
    return out;
}

static void add_identity(struct log_line *line, const struct identity *identity)
{
    if (identity->device != NULL)
        add(line, "device", identity->device);
    if (identity->tenant != NULL)
        add(line, "tenant", identity->tenant);
    if (identity->site != NULL)
        add(line, "site", identity->site);
    if (identity->role != NULL)
        add(line, "role", identity->role);
}

/* "publishes: 300 messages, usual 0 to 7, 35 bits of the role's model, for 40 s". */
static void add_reasons(struct log_line *line, const struct sensing_notice *notice,
                        struct texts *texts)
{
    static const char *const keys[SENSE_REASONS] = { "reason_1", "reason_2", "reason_3", "reason_4",
                                                     "reason_5" };

    for (unsigned i = 0; i < notice->reason_count; i++) {
        const struct sense_reason *reason = &notice->reasons[i];

        snprintf(texts->reasons[i], REASON_BYTES,
                 "%s: %.4g %s, usual %.4g to %.4g, %.1f bits, model %s, for %u s",
                 sense_feature_key(reason->feature), (double)reason->observed,
                 sense_feature_unit(reason->feature), (double)reason->low, (double)reason->high,
                 (double)reason->bits, sense_model_text(reason->model), reason->since_s);
        add(line, keys[i], texts->reasons[i]);
    }
}

static void describe_device(const struct sensing_notice *notice, struct texts *texts)
{
    char sentence[SENSE_SENTENCE_BYTES];

    sense_explain_sentence(notice->verdict, notice->reasons, notice->reason_count, sentence);
    snprintf(texts->words, sizeof(texts->words), "device %s, role %s: %s", notice->identity.device,
             notice->identity.role, sentence);
}

static void describe_group(const struct sensing_notice *notice, struct texts *texts)
{
    char sentence[SENSE_SENTENCE_BYTES];
    size_t used = 0;

    for (unsigned i = 0; i < notice->member_count; i++) {
        int written = snprintf(texts->members + used, sizeof(texts->members) - used, "%s%s",
                               i > 0 ? " " : "", notice->members[i]);
        used += written > 0 ? (size_t)written : 0;
        if (used >= sizeof(texts->members))
            break;
    }
    sense_explain_sentence(notice->verdict, notice->reasons, notice->reason_count, sentence);
    snprintf(texts->words, sizeof(texts->words),
             "%u of %u devices of role %s at once, a common cause; most of all %s: %s",
             notice->surprised, notice->here, notice->identity.role, notice->identity.device,
             sentence);
}

static void describe_source(const struct sensing_notice *notice, struct texts *texts)
{
    const struct connection_facts *facts = notice->facts;
    const struct sense_source_standing *source = notice->source;
    int host_len = facts != NULL ? (int)facts_host_len(facts) : 0;

    snprintf(texts->words, sizeof(texts->words),
             "%s%.*s attacking for %u s: %s (%u in a window, usual up to %.4g, %.0f bits)",
             facts != NULL ? "address " : "many addresses together", host_len,
             facts != NULL ? facts->address : "", source->since_s,
             sense_source_text(source->feature), source->observed, (double)source->expected,
             (double)source->bits);
}

static void add_source(struct log_line *line, const struct sensing_notice *notice,
                       struct texts *texts)
{
    const struct connection_facts *facts = notice->facts;
    const struct sense_source_standing *source = notice->source;

    if (facts != NULL) {
        add(line, "address", facts->address);
        add(line, "listener", facts->listener);
    }
    add(line, "feature", sense_source_key(source->feature));
    add(line, "observed", number(texts->observed, source->observed));
    add(line, "expected_high", number(texts->expected, (double)source->expected));
    add(line, "since_s", number(texts->since, source->since_s));
}

void event_sense_report(struct log *log, const struct sensing_notice *notice)
{
    static const char *const kinds[] = { "device", "group", "source" };
    static const enum log_kind of[] = { LOG_SENSE, LOG_SENSE, LOG_SENSE_SOURCE };
    struct log_line line = { .level = CONFIG_LOG_WARNING, .kind = of[notice->kind] };
    struct texts texts;

    if (notice->kind == SENSING_OF_DEVICE)
        describe_device(notice, &texts);
    else if (notice->kind == SENSING_OF_GROUP)
        describe_group(notice, &texts);
    else
        describe_source(notice, &texts);
    line.text = texts.words;
    add(&line, "of", kinds[notice->kind]);
    add(&line, "verdict", sense_verdict_text(notice->verdict));
    add(&line, "evidence_bits", number(texts.bits, (double)notice->evidence));
    add_identity(&line, &notice->identity);
    add_reasons(&line, notice, &texts);
    if (notice->kind == SENSING_OF_SOURCE) {
        add_source(&line, notice, &texts);
    } else {
        add(&line, "surprised", number(texts.surprised, notice->surprised));
        add(&line, "here", number(texts.here, notice->here));
    }
    if (notice->kind == SENSING_OF_GROUP)
        add(&line, "devices", texts.members);
    log_write(log, &line);
}

/* ---- what is done about it ---- */

#define TIME_BYTES    32u
#define COMMAND_BYTES 96u
#define RATE_BYTES    64u
#define DEED_BYTES    256u

/* The memory behind the fields that a response has besides. */
struct deed {
    char until[TIME_BYTES];
    char undo[COMMAND_BYTES];
    char rate[RATE_BYTES];
    char words[DEED_BYTES];
};

static void put_throttle(const struct sensing_response *response, struct deed *deed)
{
    snprintf(deed->rate, RATE_BYTES, "%u messages in %u s", response->messages.count,
             response->messages.seconds);
    snprintf(deed->until, TIME_BYTES, "it is calm");
    snprintf(deed->words, DEED_BYTES, "%s read no faster than %s until it is calm",
             response->is_dry ? "would be" : "is", deed->rate);
}

static void put_quarantine(const struct sensing_response *response, int64_t until_s,
                           struct deed *deed)
{
    if (response->not_done != NULL) {
        snprintf(deed->words, DEED_BYTES, "%s out of quarantine, as %s",
                 response->is_dry ? "would stay" : "stays", response->not_done);
        return;
    }
    log_time(until_s, "it is released", deed->until, TIME_BYTES);
    snprintf(deed->words, DEED_BYTES, "%s in quarantine until %s",
             response->is_dry ? "would be" : "is", deed->until);
}

/* What there is to undo has a command for it; what was not done, one to do it. */
static void put_command(const struct sensing_response *response, struct deed *deed)
{
    const char *device = response->why->identity.device;
    bool is_begun = response->action == SENSING_THROTTLE || response->action == SENSING_QUARANTINE;

    if (is_begun && response->not_done == NULL && !response->is_dry)
        snprintf(deed->undo, COMMAND_BYTES, "tacit sense undo %s", device);
}

static void put_deed(const struct sensing_response *response, int64_t until_s, struct deed *deed)
{
    const char *is = response->is_dry ? "would be" : "is";

    switch (response->action) {
    case SENSING_THROTTLE:
        put_throttle(response, deed);
        break;
    case SENSING_QUARANTINE:
        put_quarantine(response, until_s, deed);
        break;
    case SENSING_PROTECT:
        snprintf(deed->words, DEED_BYTES, "%s protected: nothing is done against it", is);
        break;
    case SENSING_LIFT:
        snprintf(deed->words, DEED_BYTES, "%s read as before", is);
        break;
    }
    put_command(response, deed);
}

static void put_sentence(const struct sensing_response *response, const struct deed *deed,
                         struct texts *texts)
{
    const struct sensing_notice *why = response->why;
    char sentence[SENSE_SENTENCE_BYTES] = "";
    bool has_undo = deed->undo[0] != '\0';

    if (why->reason_count > 0)
        sense_explain_sentence(why->verdict, why->reasons, why->reason_count, sentence);
    snprintf(texts->words, sizeof(texts->words), "device %s, role %s, %s%s%s%s%s",
             why->identity.device, why->identity.role, deed->words,
             why->reason_count > 0 ? ": " : "", sentence, has_undo ? "; undo: " : "", deed->undo);
}

void event_sense_responded(struct log *log, const struct sensing_response *response,
                           int64_t until_s)
{
    static const char *const actions[] = {
        [SENSING_THROTTLE] = "throttle",
        [SENSING_QUARANTINE] = "quarantine",
        [SENSING_PROTECT] = "protect",
        [SENSING_LIFT] = "lift",
    };
    struct log_line line = { .level = CONFIG_LOG_WARNING, .kind = LOG_SENSE_RESPONSE };
    struct deed deed = { .until = "" };
    struct texts texts;

    if (response->is_dry)
        line.kind = LOG_SENSE_DRY_RUN;
    put_deed(response, until_s, &deed);
    put_sentence(response, &deed, &texts);
    line.text = texts.words;
    add(&line, "of", "device");
    add(&line, "action", actions[response->action]);
    add(&line, "done", response->is_dry || response->not_done != NULL ? "no" : "yes");
    add(&line, "verdict", sense_verdict_text(response->why->verdict));
    add(&line, "evidence_bits", number(texts.bits, (double)response->why->evidence));
    add_identity(&line, &response->why->identity);
    if (deed.rate[0] != '\0')
        add(&line, "bound", deed.rate);
    if (deed.until[0] != '\0')
        add(&line, "until", deed.until);
    if (deed.undo[0] != '\0')
        add(&line, "undo", deed.undo);
    if (response->not_done != NULL)
        add(&line, "why_not", response->not_done);
    add_reasons(&line, response->why, &texts);
    log_write(log, &line);
}

/* ---- about an address ---- */

static void put_block(const struct event_sense_block *block, const char *place, struct deed *deed)
{
    if (block->not_done != NULL) {
        snprintf(deed->words, DEED_BYTES, "%s not blocked, as %s",
                 block->is_dry ? "would be" : "is", block->not_done);
        return;
    }
    log_time(block->until_s, "", deed->until, TIME_BYTES);
    snprintf(deed->words, DEED_BYTES, "%s blocked until %s", block->is_dry ? "would be" : "is",
             deed->until);
    if (!block->is_dry)
        snprintf(deed->undo, COMMAND_BYTES, "tacit sense undo %s", place);
}

void event_sense_blocked(struct log *log, const struct event_sense_block *block)
{
    const struct sense_source_standing *source = block->why->source;
    struct log_line line = { .level = CONFIG_LOG_WARNING, .kind = LOG_SENSE_RESPONSE };
    struct deed deed = { .until = "" };
    char place[BARRED_TEXT_BYTES];
    struct texts texts;

    if (block->is_dry)
        line.kind = LOG_SENSE_DRY_RUN;
    put_block(block, barred_place_text(block->place, place), &deed);
    snprintf(texts.words, sizeof(texts.words), "address %s %s: %s (%u in a window)%s%s", place,
             deed.words, sense_source_text(source->feature), source->observed,
             deed.undo[0] != '\0' ? "; undo: " : "", deed.undo);
    line.text = texts.words;
    add(&line, "of", "source");
    add(&line, "action", "block");
    add(&line, "done", block->is_dry || block->not_done != NULL ? "no" : "yes");
    add(&line, "verdict", sense_verdict_text(block->why->verdict));
    add(&line, "evidence_bits", number(texts.bits, (double)block->why->evidence));
    add(&line, "place", place);
    add(&line, "until", deed.until);
    add(&line, "undo", deed.undo);
    add(&line, "why_not", block->not_done != NULL ? block->not_done : "");
    add_source(&line, block->why, &texts);
    log_write(log, &line);
}

void event_sense_unblocked(struct log *log, const struct barred_place *place, bool was_blocked,
                           int64_t until_s)
{
    struct log_line line = { .level = CONFIG_LOG_NOTICE, .kind = LOG_SENSE_RESPONSE };
    char text[BARRED_TEXT_BYTES];
    char until[TIME_BYTES];
    char words[DEED_BYTES];

    log_time(until_s, "", until, sizeof(until));
    snprintf(words, sizeof(words), "address %s %s by an operator, and is not blocked until %s",
             barred_place_text(place, text), was_blocked ? "is freed" : "is pardoned", until);
    line.text = words;
    add(&line, "of", "source");
    add(&line, "action", "unblock");
    add(&line, "done", "yes");
    add(&line, "place", text);
    add(&line, "until", until);
    log_write(log, &line);
}

/* ---- phases ---- */

void event_sense_entered(struct log *log, unsigned shard, const char *role, enum sense_phase phase)
{
    static const char *const words[] = {
        [SENSE_LEARN] = "is learned: what is usual",
        [SENSE_SHAPE] = "is learned: how odd odd moments are",
        [SENSE_PROVE] = "is learned: how much evidence there is in good times",
        [SENSE_WATCH] = "is watched",
    };

    log_say(log, CONFIG_LOG_NOTICE, "behaviour of role %s %s (shard %u)", role, words[phase],
            shard);
}
