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
