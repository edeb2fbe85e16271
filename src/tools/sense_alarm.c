/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_alarm.h"

#include "audit/place.h"
#include "audit/record.h"
#include "tools/log_place.h"
#include "tools/printable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES (AUDIT_VALUE_BYTES + 1)

/* ---- finding ---- */

static struct mqtt_span fields_of(const struct sense_record *record)
{
    return (struct mqtt_span){ (const uint8_t *)record->fields, record->len };
}

/* "" when it is not there. */
static const char *text_of(struct mqtt_span fields, const char *name, char out[TEXT_BYTES])
{
    (void)audit_fields_unescape(audit_fields_find(fields, name), out, TEXT_BYTES);
    return out;
}

/* Is it one of those words? */
static bool is_among(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = words; at != NULL; at = strchr(at, ' ')) {
        at += *at == ' ' ? 1 : 0;
        if (strncmp(at, word, len) == 0 && (at[len] == ' ' || at[len] == '\0'))
            return true;
    }
    return false;
}

static void copy(const struct audit_record *from, struct sense_record *to)
{
    to->is_there = from->fields.len <= sizeof(to->fields) && from->time.len < sizeof(to->time);
    if (!to->is_there)
        return;
    memcpy(to->time, from->time.data, from->time.len);
    to->time[from->time.len] = '\0';
    memcpy(to->fields, from->fields.data, from->fields.len);
    to->len = from->fields.len;
}

static int on_line(void *context, struct mqtt_span line)
{
    struct sense_alarm *alarm = context;
    struct audit_record record;
    char text[TEXT_BYTES];

    if (audit_record_parse(line, &record) != NULL
        || !span_starts_with(record.kind, span_of("sense")))
        return 0;
    bool is_its = strcmp(text_of(record.fields, "device", text), alarm->device) == 0;
    bool is_told = span_equal(record.kind, span_of("sense"));
    if (is_told && (is_its || is_among(text_of(record.fields, "devices", text), alarm->device))) {
        copy(&record, &alarm->told);
        alarm->answered.is_there = false;
    } else if (!is_told && is_its) {
        copy(&record, &alarm->answered);
    }
    return 0;
}

int sense_alarm_find(const struct identity_options *options, const char *device,
                     struct sense_alarm *out)
{
    struct log_place place;
    size_t rest = 0;
    int error = 0;

    *out = (struct sense_alarm){ .device = device };
    if (!audit_place_exists(options->state))
        return 0;
    int code = log_place_open(options, &place);
    if (code != 0)
        return code;
    for (size_t i = 0; i < place.files.count && error == 0; i++) {
        error = log_place_read(&place, i, on_line, out, &rest);
        error = error == -ENOENT ? 0 : error; /* removed to make room since it was listed */
    }
    if (error < 0)
        code = log_place_fail(&place, error);
    log_place_close(&place);
    return code;
}

/* ---- telling ---- */

static bool reason_of(const struct sense_record *record, unsigned i, struct sense_told *out)
{
    char name[16];
    char text[TEXT_BYTES];

    (void)snprintf(name, sizeof(name), "reason_%u", i + 1);
    return sense_reason_take(text_of(fields_of(record), name, text), out);
}

static void print_field(const struct sense_record *record, const char *name, const char *before)
{
    char text[TEXT_BYTES];

    if (text_of(fields_of(record), name, text)[0] == '\0')
        return;
    (void)fputs(before, stdout);
    (void)printable_put(stdout, span_of(text));
}

static void print_answer(const struct sense_record *answer)
{
    if (!answer->is_there)
        return;
    print_field(answer, "action", "  done about it: ");
    print_field(answer, "bound", ", to ");
    print_field(answer, "until", ", until ");
    print_field(answer, "why_not", ", which was not done, as ");
    print_field(answer, "undo", "; undo: ");
    (void)putchar('\n');
}

void sense_alarm_print(const struct sense_alarm *alarm)
{
    struct sense_told told;
    char sentence[SENSE_REASON_SENTENCE_BYTES];

    if (!alarm->told.is_there) {
        (void)printf("last alarm: none\n");
        return;
    }
    (void)printf("last alarm: %s", alarm->told.time);
    print_field(&alarm->told, "verdict", ", ");
    print_field(&alarm->told, "evidence_bits", ", evidence of ");
    (void)fputs(" bits", stdout);
    print_field(&alarm->told, "surprised", "; surprised with it: ");
    print_field(&alarm->told, "here", " of ");
    (void)putchar('\n');
    for (unsigned i = 0; i < SENSE_ALARM_REASONS && reason_of(&alarm->told, i, &told); i++) {
        sense_reason_sentence(&told, sentence);
        (void)fputs("  ", stdout);
        (void)printable_put(stdout, span_of(sentence));
        (void)putchar('\n');
    }
    print_answer(&alarm->answered);
}

static json_t *reason_json(const struct sense_told *told)
{
    char sentence[SENSE_REASON_SENTENCE_BYTES];

    sense_reason_sentence(told, sentence);
    return json_pack("{s:s, s:s, s:f, s:s, s:f, s:f, s:f, s:s, s:I}", "feature", told->feature,
                     "sentence", sentence, "observed", told->observed, "unit", told->unit, "low",
                     told->low, "high", told->high, "bits", told->bits, "model", told->model,
                     "for_s", (json_int_t)told->for_s);
}

/* All that the record says, under the names that it has there. */
static json_t *record_json(const struct sense_record *record)
{
    json_t *all = json_object();
    struct mqtt_span rest = fields_of(record);
    struct mqtt_span name, value;
    char key[TEXT_BYTES];
    char text[TEXT_BYTES];

    while (all != NULL && audit_fields_next(&rest, &name, &value) == 1) {
        (void)snprintf(key, sizeof(key), "%.*s", (int)name.len, (const char *)name.data);
        (void)audit_fields_unescape(value, text, sizeof(text));
        (void)json_object_set_new(all, key, json_string(text));
    }
    if (all != NULL)
        (void)json_object_set_new(all, "time", json_string(record->time));
    return all;
}

json_t *sense_alarm_json(const struct sense_alarm *alarm)
{
    struct sense_told told;

    if (!alarm->told.is_there)
        return json_null();
    json_t *reasons = json_array();
    for (unsigned i = 0; i < SENSE_ALARM_REASONS && reason_of(&alarm->told, i, &told); i++)
        (void)json_array_append_new(reasons, reason_json(&told));
    json_t *answer = alarm->answered.is_there ? record_json(&alarm->answered) : json_null();
    return json_pack("{s:s, s:o, s:o, s:o}", "time", alarm->told.time, "reasons", reasons, "record",
                     record_json(&alarm->told), "answer", answer);
}
