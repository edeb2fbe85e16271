/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/alarm.h"

#include "audit/hex.h"
#include "base/invariant.h"
#include "daemon/arrival.h"
#include "pki/audit_key.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHOWN_BYTES 128 /* of a client identifier or topic in a text; JSON has more of it */

struct alarm {
    struct log *log;
    _Atomic uint64_t count;
    atomic_size_t waiting_count; /* so that the keeper need not wait for the lock */
    pthread_mutex_t lock;        /* around what waits */
    struct canary_use waiting[ALARM_WAITING];
};

struct what_row {
    const char *name; /* in JSON and for canary_uses.h */
    const char *words;
    bool is_deed; /* of who is there already */
};

static const struct what_row rows[ALARM_WHAT_COUNT] = {
    [ALARM_NONE] = { "", "was used", false },
    [ALARM_HANDSHAKE] = { "handshake", "its key and certificate are used", false },
    [ALARM_TRIED] = { "tried", "its user name is used", false },
    [ALARM_ENROLMENT] = { "enrolment", "it is used to enrol", false },
    [ALARM_CONNECT] = { "connect", "an intruder is in the sink", false },
    [ALARM_REFUSED] = { "refused", "an intruder was refused", false },
    [ALARM_DECOY_SUBSCRIBE] = { "decoy-subscribe", "somebody subscribes to", false },
    [ALARM_DECOY_PUBLISH] = { "decoy-publish", "somebody publishes to", false },
    [ALARM_DECOY_WILL] = { "decoy-will", "somebody has a will for", false },
    [ALARM_SUBSCRIBE] = { "subscribe", "the intruder subscribes to", true },
    [ALARM_PUBLISH] = { "publish", "the intruder publishes to", true },
    [ALARM_WILL] = { "will", "the intruder has a will for", true },
    [ALARM_LEFT] = { "left", "the intruder has left", true },
};

struct alarm *alarm_new(struct log *log)
{
    struct alarm *alarm = calloc(1, sizeof(*alarm));

    if (alarm == NULL || pthread_mutex_init(&alarm->lock, NULL) != 0) {
        free(alarm);
        return NULL;
    }
    alarm->log = log;
    return alarm;
}

void alarm_free(struct alarm *alarm)
{
    if (alarm == NULL)
        return;
    (void)pthread_mutex_destroy(&alarm->lock);
    free(alarm);
}

uint64_t alarm_count(const struct alarm *alarm)
{
    return atomic_load_explicit(&alarm->count, memory_order_relaxed);
}

/* ---- the log ---- */

static int shown(struct mqtt_span text)
{
    return (int)(text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES);
}

static const char *address_of(const struct alarm_use *use)
{
    if (use->facts != NULL)
        return use->facts->address;
    return use->address != NULL ? use->address : "an unknown address";
}

/* Where from, and as whom. */
static void put_origin(const struct alarm_use *use, char *out, size_t size)
{
    const struct identity *identity = use->identity;
    char who[IDENTITY_NAME_BYTES * 2 + 32] = "";

    if (identity != NULL && identity->role != NULL)
        (void)snprintf(who, sizeof(who), ", %s%s%srole %s",
                       identity->device != NULL ? "device " : "",
                       identity->device != NULL ? identity->device : "",
                       identity->device != NULL ? ", " : "", identity->role);
    (void)snprintf(out, size, "(%s%s%s%s)", address_of(use),
                   use->facts != NULL ? ", listener " : "",
                   use->facts != NULL ? use->facts->listener : "", who);
}

static void put_words(const struct alarm_use *use, char out[LOG_LINE_BYTES])
{
    char topic[SHOWN_BYTES + 4] = "";
    char client[SHOWN_BYTES + 16] = "";
    char origin[LOG_LINE_BYTES / 4];

    if (use->topic.len > 0)
        (void)snprintf(topic, sizeof(topic), " \"%.*s\"", shown(use->topic),
                       (const char *)use->topic.data);
    if (use->client_id.len > 0)
        (void)snprintf(client, sizeof(client), " client \"%.*s\"", shown(use->client_id),
                       (const char *)use->client_id.data);
    put_origin(use, origin, sizeof(origin));
    (void)snprintf(out, LOG_LINE_BYTES, "CANARY %.128s: %s%s%s %s%s%.200s", use->canary,
                   rows[use->what].words, topic, client, origin, use->text != NULL ? ": " : "",
                   use->text != NULL ? use->text : "");
}

static void add(struct log_line *line, const char *key, struct mqtt_span value)
{
    MQTT_INVARIANT(line->field_count < LOG_FIELDS_MAX);
    line->fields[line->field_count++] = (struct log_field){ key, value };
}

static void add_facts(struct log_line *line, const struct alarm_use *use, struct arrival_text *text)
{
    const struct connection_facts *facts = use->facts;

    add(line, "address", span_of(address_of(use)));
    arrival_add(line, facts != NULL ? facts->tls : use->tls, text);
    if (facts == NULL)
        return;
    add(line, "listener", span_of(facts->listener));
    if (facts->peer == NULL)
        return;
    add(line, "certificate", span_of(facts->peer->common_name));
    add(line, "serial", span_of(facts->peer->serial));
}

struct payload_text {
    char bytes[24];
    char sha256[2 * AUDIT_KEY_HASH_BYTES + 1];
};

/* So that what was sent is known again where it turns up, without being kept. */
static void add_payload(struct log_line *line, struct mqtt_span payload, struct payload_text *text)
{
    uint8_t hash[AUDIT_KEY_HASH_BYTES];

    if (payload.len == 0)
        return;
    audit_key_hash(payload, hash);
    (void)snprintf(text->bytes, sizeof(text->bytes), "%zu", payload.len);
    add(line, "bytes", span_of(text->bytes));
    add(line, "sha256", span_of(audit_hex_put(hash, sizeof(hash), text->sha256)));
}

static void write_line(struct log *log, const struct alarm_use *use)
{
    const struct what_row *row = &rows[use->what];
    char text[LOG_LINE_BYTES];
    struct payload_text payload;
    char reason[8];
    struct arrival_text arrival;
    struct log_line line = {
        .level = row->is_deed ? CONFIG_LOG_WARNING : CONFIG_LOG_ERROR,
        .kind = row->is_deed ? LOG_CANARY_DEED : LOG_CANARY,
        .text = text,
    };

    put_words(use, text);
    (void)snprintf(reason, sizeof(reason), "0x%02x", use->reason);
    add(&line, "canary", span_of(use->canary));
    add(&line, "what", span_of(row->name));
    add(&line, "client", use->client_id);
    add_facts(&line, use, &arrival);
    if (use->identity != NULL) {
        add(&line, "device", span_of(use->identity->device));
        add(&line, "role", span_of(use->identity->role));
    }
    add(&line, "topic", use->topic);
    add_payload(&line, use->payload, &payload);
    if (use->reason != 0)
        add(&line, "reason", span_of(reason));
    add(&line, "why", span_of(use->text));
    log_write(log, &line);
}

/* ---- what waits for the keeper ---- */

static void copy(struct mqtt_span from, char *out, size_t size)
{
    size_t len = from.len < size ? from.len : size - 1;

    if (len > 0)
        memcpy(out, from.data, len);
    out[len] = '\0';
}

static void describe(const struct alarm_use *use, struct canary_use *out)
{
    int64_t now_s = (int64_t)time(NULL);
    struct mqtt_span address = span_of(address_of(use));

    *out = (struct canary_use){
        .count = 1, .bytes = use->payload.len, .first_s = now_s, .last_s = now_s
    };
    if (use->facts != NULL)
        address.len = facts_host_len(use->facts);
    copy(span_of(use->canary), out->name, sizeof(out->name));
    copy(span_of(rows[use->what].name), out->what, sizeof(out->what));
    copy(address, out->address, sizeof(out->address));
    copy(use->client_id, out->client, sizeof(out->client));
    copy(use->topic, out->topic, sizeof(out->topic));
}

static bool is_same(const struct canary_use *a, const struct canary_use *b)
{
    return strcmp(a->what, b->what) == 0 && strcmp(a->topic, b->topic) == 0
           && strcmp(a->name, b->name) == 0 && strcmp(a->address, b->address) == 0
           && strcmp(a->client, b->client) == 0;
}

static void keep(struct alarm *alarm, const struct canary_use *use)
{
    size_t count = atomic_load_explicit(&alarm->waiting_count, memory_order_relaxed);

    for (size_t i = 0; i < count; i++) {
        struct canary_use *known = &alarm->waiting[i];
        if (!is_same(known, use))
            continue;
        known->count++;
        known->bytes += use->bytes;
        known->last_s = use->last_s;
        return;
    }
    if (count == ALARM_WAITING)
        return;
    alarm->waiting[count] = *use;
    atomic_store_explicit(&alarm->waiting_count, count + 1, memory_order_relaxed);
}

void alarm_raise(struct alarm *alarm, const struct alarm_use *use)
{
    struct canary_use kept;

    MQTT_INVARIANT(use->what < ALARM_WHAT_COUNT);
    write_line(alarm->log, use);
    atomic_fetch_add_explicit(&alarm->count, 1, memory_order_relaxed);
    describe(use, &kept);
    pthread_mutex_lock(&alarm->lock);
    keep(alarm, &kept);
    pthread_mutex_unlock(&alarm->lock);
}

size_t alarm_take(struct alarm *alarm, struct canary_use *out)
{
    if (atomic_load_explicit(&alarm->waiting_count, memory_order_relaxed) == 0)
        return 0;
    pthread_mutex_lock(&alarm->lock);
    size_t count = atomic_load_explicit(&alarm->waiting_count, memory_order_relaxed);
    memcpy(out, alarm->waiting, count * sizeof(out[0]));
    atomic_store_explicit(&alarm->waiting_count, 0, memory_order_relaxed);
    pthread_mutex_unlock(&alarm->lock);
    return count;
}
