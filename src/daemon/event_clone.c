/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/event_clone.h"

#include "base/invariant.h"

#include <stdio.h>

#define NAME_SHOWN_BYTES 128

/* What was done, for programs and for people. */
struct done_row {
    const char *name;
    const char *words;
};

static const struct done_row done_rows[POLICY_CLONE_COUNT] = {
    [POLICY_CLONE_BY_KIND] = { "hold", "all its connections are held" },
    [POLICY_CLONE_HOLD] = { "hold", "all its connections are held" },
    [POLICY_CLONE_DROP_BOTH] = { "drop-both", "all its connections are closed" },
    [POLICY_CLONE_KEEP_FIRST] = { "keep-first", "the new one is refused" },
    [POLICY_CLONE_ALLOW] = { "allow", "nothing is done" },
};

static void put_hex(struct mqtt_span bytes, char out[EVENT_CLONE_HEX_BYTES])
{
    out[0] = '\0';
    for (size_t i = 0; i < bytes.len && 2 * i + 2 < EVENT_CLONE_HEX_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes.data[i]);
}

static bool is_hold(enum policy_clone done)
{
    return done == POLICY_CLONE_HOLD || done == POLICY_CLONE_BY_KIND;
}

/* What matters most comes first: a long line is cut. */
static void put_words(const struct event *event, const struct event_clone_text *text, char *out,
                      size_t size)
{
    const struct event_clone *clone = event->clone;
    const struct portrait *there = &text->there;
    struct mqtt_span id = clone->other_client_id;

    snprintf(out, size,
             "; the other: client \"%.*s\" (%s, since %s); %s%s%s; this one since %s; certificates "
             "%s and %s, key SHA-256 %s",
             (int)(id.len < NAME_SHOWN_BYTES ? id.len : NAME_SHOWN_BYTES),
             id.len > 0 ? (const char *)id.data : "",
             there->address[0] != '\0' ? there->address : "gone", text->other_since,
             done_rows[clone->done].words, text->undo[0] != '\0' ? " until " : "", text->undo,
             text->since, there->serial, text->here.serial, text->key);
}

void event_clone_describe(const struct event *event, struct event_clone_text *out)
{
    const struct event_clone *clone = event->clone;

    MQTT_INVARIANT(clone->done < POLICY_CLONE_COUNT);
    *out = (struct event_clone_text){ .key = "" };
    (void)portrait_read(clone->note, &out->here);
    (void)portrait_read(clone->other_note, &out->there);
    put_hex(clone->key, out->key);
    log_time(out->here.since_s, "", out->since, sizeof(out->since));
    log_time(out->there.since_s, "", out->other_since, sizeof(out->other_since));
    if (is_hold(clone->done) && event->identity != NULL)
        snprintf(out->undo, sizeof(out->undo), "tacit device release %.128s",
                 event->identity->device);
    put_words(event, out, out->words, sizeof(out->words));
}

static void add(struct log_line *line, const char *key, struct mqtt_span value)
{
    MQTT_INVARIANT(line->field_count < LOG_FIELDS_MAX);
    line->fields[line->field_count++] = (struct log_field){ key, value };
}

void event_clone_add(struct log_line *line, const struct event *event,
                     const struct event_clone_text *text)
{
    add(line, "key_sha256", span_of(text->key));
    add(line, "serial", span_of(text->here.serial));
    add(line, "since", span_of(text->since));
    add(line, "other_client", event->clone->other_client_id);
    add(line, "other_address", span_of(text->there.address));
    add(line, "other_serial", span_of(text->there.serial));
    add(line, "other_since", span_of(text->other_since));
    add(line, "done", span_of(done_rows[event->clone->done].name));
    add(line, "undo", span_of(text->undo));
}
