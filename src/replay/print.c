/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/print.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES   1024u
#define NOTHING_DONE "none: a replay changes nothing"

struct words {
    char sentence[SENSE_SENTENCE_BYTES];
    struct sense_reason reasons[SENSE_REASONS];
    unsigned count;
};

static json_t *text_of(const char *text, size_t len)
{
    json_t *string = json_stringn(text, len);
    char safe[LINE_BYTES];

    if (string != NULL)
        return string;
    /* Bytes that are no UTF-8. */
    if (len >= sizeof(safe))
        len = sizeof(safe) - 1;
    for (size_t i = 0; i < len; i++)
        safe[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    return json_stringn(safe, len);
}

static json_t *string_of(const char *text)
{
    return text_of(text, strlen(text));
}

static double seconds(uint64_t ms)
{
    return (double)ms / 1000.0;
}

static void explain(const struct replay *replay, const struct replay_alarm *alarm,
                    struct words *words)
{
    const struct fleet_device *device = alarm->device;

    words->count = sense_explain(&replay->role, &device->sense, &device->standing, words->reasons);
    sense_explain_sentence(alarm->verdict, words->reasons, words->count, words->sentence);
}

static json_t *reasons_of(const struct words *words)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < words->count; i++) {
        const struct sense_reason *reason = &words->reasons[i];
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f, s:f, s:s, s:i}", "feature",
                                              sense_feature_key(reason->feature), "observed",
                                              (double)reason->observed, "expected_lo",
                                              (double)reason->low, "expected_hi",
                                              (double)reason->high, "bits", (double)reason->bits,
                                              "model", sense_model_text(reason->model), "since_s",
                                              (int)reason->since_s));
    }
    return list;
}

static json_t *names_of(const struct replay_alarm *alarm)
{
    json_t *list = json_array();

    for (size_t i = 0; i < alarm->devices_count; i++) {
        const struct fleet_device *device = alarm->devices[i].owner;
        json_array_append_new(list, string_of(device->name));
    }
    return list;
}

static json_t *samples_of(const struct fleet_device *device)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < FLEET_SAMPLES; i++)
        if (device->samples[i][0] != '\0')
            json_array_append_new(list, string_of(device->samples[i]));
    return list;
}

static const char *action_of(const struct replay_alarm *alarm)
{
    if (alarm->kind == REPLAY_SOURCE)
        return "block the source";
    if (alarm->kind == REPLAY_GROUP)
        return "alert";
    return alarm->verdict == SENSE_ATTACKED ? "protect" : "alert";
}

static const char *kind_of(const struct replay_alarm *alarm)
{
    if (alarm->kind == REPLAY_SOURCE)
        return "source";
    return alarm->kind == REPLAY_GROUP ? "group" : "device";
}

static json_t *head_of(const struct replay_alarm *alarm)
{
    json_t *object = json_object();

    json_object_set_new(object, "event", json_string(kind_of(alarm)));
    json_object_set_new(object, "t", json_real(seconds(alarm->time_ms)));
    json_object_set_new(object, "file", string_of(alarm->path));
    json_object_set_new(
        object, "run",
        alarm->run.len == 0 ? json_null() : text_of((const char *)alarm->run.data, alarm->run.len));
    json_object_set_new(object, "verdict", json_string(sense_verdict_text(alarm->verdict)));
    json_object_set_new(object, "action", json_string(action_of(alarm)));
    json_object_set_new(object, "undo", json_string(NOTHING_DONE));
    json_object_set_new(object, "false_alarms_per_device_day_at_most",
                        json_real((double)SENSE_ALARMS_PER_DAY));
    return object;
}

static void add_source(json_t *object, const struct replay_alarm *alarm)
{
    const struct sense_source_standing *standing = alarm->standing;
    bool is_listener = alarm->source[0] == '\0';
    const char *key = sense_source_key(standing->feature);
    char line[LINE_BYTES];

    (void)snprintf(line, sizeof(line), "%s %s for %u s: %u in 5 s, usual 0 to %.3g, %.0f bits",
                   is_listener ? "many sources together" : alarm->source,
                   sense_source_text(standing->feature), (unsigned)standing->since_s,
                   (unsigned)standing->observed, (double)standing->expected,
                   (double)standing->bits);
    json_object_set_new(object, "device", json_null());
    json_object_set_new(object, "source", is_listener ? json_null() : string_of(alarm->source));
    json_object_set_new(object, "since", json_real(seconds(alarm->time_ms) - standing->since_s));
    json_object_set_new(object, "evidence_bits", json_real((double)standing->evidence));
    json_object_set_new(object, "top",
                        json_pack("[{s:s, s:i, s:i, s:f, s:f, s:s}]", "feature", key, "observed",
                                  (int)standing->observed, "expected_lo", 0, "expected_hi",
                                  (double)standing->expected, "bits", (double)standing->bits,
                                  "model", "role"));
    json_object_set_new(object, "text", string_of(line));
}

static void add_device(json_t *object, const struct replay *replay,
                       const struct replay_alarm *alarm)
{
    const struct fleet_device *device = alarm->device;
    struct words words;
    char line[LINE_BYTES];

    explain(replay, alarm, &words);
    (void)snprintf(line, sizeof(line), "%s %s", device->name, words.sentence);
    if (alarm->kind == REPLAY_GROUP)
        (void)snprintf(line, sizeof(line), "%zu of %u devices at once, most of all %s, %s",
                       alarm->devices_count, (unsigned)alarm->here, device->name, words.sentence);
    json_object_set_new(object, "device", string_of(device->name));
    json_object_set_new(object, "source", string_of(device->address));
    if (alarm->kind == REPLAY_GROUP)
        json_object_set_new(object, "devices", names_of(alarm));
    if (alarm->again)
        json_object_set_new(object, "again", json_true());
    json_object_set_new(
        object, "since",
        json_real(seconds(alarm->time_ms) - (words.count > 0 ? words.reasons[0].since_s : 0)));
    json_object_set_new(object, "evidence_bits", json_real((double)device->standing.evidence));
    json_object_set_new(object, "score_bits", json_real((double)device->standing.score));
    json_object_set_new(object, "top", reasons_of(&words));
    json_object_set_new(
        object, "peers",
        json_pack("{s:i, s:i}", "surprised", (int)alarm->surprised, "total", (int)alarm->here));
    json_object_set_new(object, "sample_topics", samples_of(device));
    json_object_set_new(object, "text", string_of(line));
}

static json_t *object_of(const struct replay *replay, const struct replay_alarm *alarm)
{
    json_t *object = head_of(alarm);

    if (alarm->kind == REPLAY_SOURCE)
        add_source(object, alarm);
    else
        add_device(object, replay, alarm);
    return object;
}

int print_json(const struct replay *replay, const struct replay_alarm *alarm)
{
    json_t *object = object_of(replay, alarm);
    int error = json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(13));

    json_decref(object);
    (void)putchar('\n');
    return error == 0 ? 0 : -ENOMEM;
}

void print_text(const struct replay *replay, const struct replay_alarm *alarm)
{
    json_t *object = object_of(replay, alarm);
    const char *text = json_string_value(json_object_get(object, "text"));

    (void)printf("%.3f %s\n", seconds(alarm->time_ms), text != NULL ? text : "?");
    json_decref(object);
}
