/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/event_log.h"

#include "base/invariant.h"
#include "codec/packet.h"
#include "daemon/arrival.h"
#include "daemon/event_clone.h"

#include <stdio.h>

#define NAME_SHOWN_BYTES 128 /* of a client id or topic in a text; JSON has more of it */

struct kind_row {
    enum log_kind kind;
    enum config_log_level level;
    const char *verb; /* "client X <verb>" */
};

static const struct kind_row kinds[EVENT_KIND_COUNT] = {
    [EVENT_NONE] = { LOG_STATE, CONFIG_LOG_DEBUG, "" },
    [EVENT_CONNECTED] = { LOG_CONNECTED, CONFIG_LOG_INFO, "connected" },
    [EVENT_REFUSED] = { LOG_REFUSED, CONFIG_LOG_NOTICE, "was refused" },
    [EVENT_DISCONNECTED] = { LOG_DISCONNECTED, CONFIG_LOG_INFO, "left" },
    [EVENT_TAKEN_OVER] = { LOG_TAKEN_OVER, CONFIG_LOG_INFO, "was taken over by a new connection" },
    [EVENT_SUBSCRIBE_REFUSED] = { LOG_SUBSCRIBE_REFUSED, CONFIG_LOG_NOTICE,
                                  "may not subscribe to" },
    [EVENT_PUBLISH_REFUSED] = { LOG_PUBLISH_REFUSED, CONFIG_LOG_NOTICE, "may not publish to" },
    [EVENT_PROTOCOL_ERROR] = { LOG_PROTOCOL_ERROR, CONFIG_LOG_NOTICE, "broke the protocol" },
    [EVENT_MESSAGE_DROPPED] = { LOG_MESSAGE_DROPPED, CONFIG_LOG_WARNING,
                                "does not keep up, messages for it are dropped" },
    [EVENT_WILL_SENT] = { LOG_WILL, CONFIG_LOG_INFO, "had a will, which is published" },
    [EVENT_GRANT_USED] = { LOG_GRANT_USED, CONFIG_LOG_NOTICE, "uses a wildcard grant for" },
    [EVENT_SUBSCRIPTION_ENDED] = { LOG_SUBSCRIPTION_ENDED, CONFIG_LOG_NOTICE,
                                   "loses its subscription to" },
    [EVENT_SCOPE_FULL] = { LOG_SCOPE_FULL, CONFIG_LOG_WARNING,
                           "has the most different topics of its wildcard grant, and does not "
                           "get" },
    [EVENT_CLONE] = { LOG_CLONE, CONFIG_LOG_WARNING, "has a clone" },
    [EVENT_HELD] = { LOG_HELD, CONFIG_LOG_NOTICE, "is held" },
    [EVENT_WATCHED_PUBLISH] = { LOG_CANARY, CONFIG_LOG_ERROR, "publishes to a decoy" },
    [EVENT_WATCHED_WILL] = { LOG_CANARY, CONFIG_LOG_ERROR, "has a will for a decoy" },
    [EVENT_WATCHED_SUBSCRIBE] = { LOG_CANARY, CONFIG_LOG_ERROR, "subscribes to a decoy" },
};

static int shown(struct mqtt_span text)
{
    return (int)(text.len < NAME_SHOWN_BYTES ? text.len : NAME_SHOWN_BYTES);
}

static void add_field(struct log_line *line, const char *key, struct mqtt_span value)
{
    MQTT_INVARIANT(line->field_count < LOG_FIELDS_MAX);
    line->fields[line->field_count++] = (struct log_field){ key, value };
}

static void add_facts(struct log_line *line, const struct connection_facts *facts)
{
    static const char *const transports[] = {
        [TRANSPORT_PLAIN] = "plaintext",
        [TRANSPORT_TLS] = "tls",
        [TRANSPORT_UNIX] = "unix",
    };

    if (facts == NULL)
        return;
    add_field(line, "address", span_of(facts->address));
    add_field(line, "listener", span_of(facts->listener));
    add_field(line, "transport", span_of(transports[facts_transport(facts)]));
    if (facts->peer != NULL)
        add_field(line, "certificate", span_of(facts->peer->common_name));
}

static void add_identity(struct log_line *line, const struct identity *identity)
{
    if (identity == NULL)
        return;
    add_field(line, "device", span_of(identity->device));
    add_field(line, "tenant", span_of(identity->tenant));
    add_field(line, "site", span_of(identity->site));
    add_field(line, "role", span_of(identity->role));
}

/* The part of the text behind the verb: to what, from where, as whom. */
static void describe(const struct event *event, char *out, size_t size)
{
    const struct connection_facts *facts = event->facts;
    const struct identity *identity = event->identity;
    char topic[NAME_SHOWN_BYTES + 4] = "";
    char who[IDENTITY_NAME_BYTES * 2 + 64] = "";

    if (event->topic.len > 0)
        snprintf(topic, sizeof(topic), " \"%.*s\"", shown(event->topic),
                 (const char *)event->topic.data);
    if (facts == NULL) {
        snprintf(out, size, "%s", topic);
        return;
    }
    if (identity != NULL && identity->role != NULL)
        snprintf(who, sizeof(who), ", %s%s%srole %s", identity->device != NULL ? "device " : "",
                 identity->device != NULL ? identity->device : "",
                 identity->device != NULL ? ", " : "", identity->role);
    else if (facts->peer != NULL)
        snprintf(who, sizeof(who), ", certificate of %.128s", facts->peer->common_name);
    snprintf(out, size, "%s (%s%s, listener %s)", topic, facts->address, who, facts->listener);
}

/* ---- the scoped grant it is about ---- */

struct scope_text {
    char expires[32];
    char origin[256];
    char words[LOG_LINE_BYTES / 2];
};

static void describe_scope(const struct policy_scope *scope, struct scope_text *out)
{
    const struct policy_origin *origin = &scope->origin;

    log_time(scope->expires_s, "never", out->expires, sizeof(out->expires));
    snprintf(out->origin, sizeof(out->origin), "%.200s:%u", origin->file, origin->line);
    snprintf(out->words, sizeof(out->words),
             "; wildcards { prefix = \"%.256s\" owner = \"%.128s\" reason = \"%.256s\" }, expires "
             "%s, %s",
             scope->prefix, scope->owner, scope->reason, out->expires, out->origin);
}

static void add_scope(struct log_line *line, const struct policy_scope *scope,
                      const struct scope_text *text)
{
    add_field(line, "grant_prefix", span_of(scope->prefix));
    add_field(line, "grant_owner", span_of(scope->owner));
    add_field(line, "grant_reason", span_of(scope->reason));
    add_field(line, "grant_expires", span_of(text->expires));
    add_field(line, "grant_origin", span_of(text->origin));
}

/* ---- how it came in, or did not ---- */

static void add_protocol(struct log_line *line, enum mqtt_version version)
{
    static const char *const names[] = {
        [MQTT_VERSION_3_1] = "3.1",
        [MQTT_VERSION_3_1_1] = "3.1.1",
        [MQTT_VERSION_5] = "5",
    };

    if (version != MQTT_VERSION_NONE)
        add_field(line, "protocol", span_of(names[version]));
}

static void add_key(struct log_line *line, const struct event *event,
                    const struct identity_extension *key)
{
    const struct connection_facts *facts = event->facts;
    static const struct identity_extension unknown = { .protection = KEY_PROTECTION_UNKNOWN };

    if (facts == NULL || facts->peer == NULL)
        return;
    if (key == NULL)
        key = &unknown;
    add_field(line, "key_protection", span_of(identity_extension_protection_text(key->protection)));
    add_field(line, "key_attested", span_of(key->is_attested ? "yes" : "no"));
}

static void add_arrival(struct log_line *line, const struct event *event,
                        const struct identity_extension *key, struct arrival_text *text)
{
    const struct connection_facts *facts = event->facts;

    if (event->kind != EVENT_CONNECTED && event->kind != EVENT_REFUSED)
        return;
    add_protocol(line, event->version);
    arrival_add(line, facts != NULL ? facts->tls : NULL, text);
    if (event->kind == EVENT_REFUSED)
        add_field(line, "claimed_client", event->claimed_id);
    else
        add_key(line, event, key);
}

/* ---- a line ---- */

/* What its text is made of. */
struct text {
    const struct event *event;
    const char *verb;
    struct mqtt_span why;
    const char *more;
};

static void compose(const void *from, char *out)
{
    const struct text *text = from;
    const struct event *event = text->event;
    char who[NAME_SHOWN_BYTES + 32] = "a client";
    char rest[LOG_LINE_BYTES / 2];

    if (event->client_id.len > 0)
        snprintf(who, sizeof(who), "client \"%.*s\"", shown(event->client_id),
                 (const char *)event->client_id.data);
    else if (event->claimed_id.len > 0)
        snprintf(who, sizeof(who), "a client that calls itself \"%.*s\"", shown(event->claimed_id),
                 (const char *)event->claimed_id.data);
    describe(event, rest, sizeof(rest));
    snprintf(out, LOG_LINE_BYTES, "%s %s%s%s%.*s%.800s", who, text->verb, rest,
             text->why.len > 0 ? ": " : "", (int)text->why.len,
             text->why.len > 0 ? (const char *)text->why.data : "", text->more);
}

/* Functions of their own, as their texts are large, and most events have none of them. */
static void write_scoped(struct log *log, const struct event *event, const struct log_line *line,
                         const struct text *text)
{
    struct log_line whole = *line;
    struct text longer = *text;
    struct scope_text scope;

    describe_scope(event->scope, &scope);
    add_scope(&whole, event->scope, &scope);
    longer.more = scope.words;
    whole.from = &longer;
    log_write(log, &whole);
}

static void write_cloned(struct log *log, const struct event *event, const struct log_line *line,
                         const struct text *text)
{
    struct log_line whole = *line;
    struct text longer = *text;
    struct event_clone_text clone;

    event_clone_describe(event, &clone);
    event_clone_add(&whole, event, &clone);
    longer.more = clone.words;
    whole.from = &longer;
    log_write(log, &whole);
}

static void report(struct log *log, const struct event *event, const struct identity_extension *key)
{
    const struct kind_row *row = &kinds[event->kind];
    struct arrival_text arrival;
    char reason[8];

    if (!log_wants(log, row->level, row->kind))
        return;
    struct text text = { .event = event, .verb = row->verb, .more = "" };
    if (event->text != NULL)
        text.why = span_of(event->text);
    else if (event->reason != 0)
        text.why = span_of(mqtt_reason_text(event->reason));
    struct log_line line = {
        .level = row->level, .kind = row->kind, .text = "", .compose = compose, .from = &text
    };
    add_field(&line, "client", event->client_id);
    add_facts(&line, event->facts);
    add_identity(&line, event->identity);
    add_arrival(&line, event, key, &arrival);
    add_field(&line, "topic", event->topic);
    if (event->reason != 0) {
        snprintf(reason, sizeof(reason), "0x%02x", event->reason);
        add_field(&line, "reason", span_of(reason));
    }
    add_field(&line, "why", text.why);
    if (event->scope != NULL)
        write_scoped(log, event, &line, &text);
    else if (event->clone != NULL)
        write_cloned(log, event, &line, &text);
    else
        log_write(log, &line);
}

void event_log_report(void *context, const struct event *event)
{
    report(context, event, NULL);
}

void event_log_connected(struct log *log, const struct event *event,
                         const struct identity_extension *key)
{
    report(log, event, key);
}

static const char *const refusals[NET_REFUSAL_COUNT] = {
    [NET_REFUSED_NONE] = "closed",
    [NET_REFUSED_HANDSHAKE] = "no TLS connection",
    [NET_REFUSED_PEER] = "refused",
    [NET_REFUSED_TIMEOUT] = "closed, no CONNECT in time",
    [NET_REFUSED_SIZE] = "closed, its CONNECT is too large",
    [NET_REFUSED_CONNECTIONS] = "closed, limits.connections is reached",
    [NET_REFUSED_DESCRIPTORS] =
        "closed, no file descriptors are left; raise the limit (LimitNOFILE= of the unit)",
    [NET_REFUSED_MEMORY] = "closed, no memory is left",
    [NET_REFUSED_UNPROVED] = "closed, too many have not proved themselves",
    [NET_REFUSED_ADDRESS] = "closed, too many from its address have not proved themselves",
    [NET_REFUSED_NETWORK] = "closed, too many from its network have not proved themselves",
    [NET_REFUSED_BYTES] = "closed, those who have not proved themselves hold too much",
    [NET_REFUSED_SHORT] = "closed, memory is short and nobody has come in from its address lately",
    [NET_REFUSED_BARRED] = "closed, its address is blocked for a time",
};

/* What its text is made of. */
struct refusal {
    const struct connection_facts *facts; /* NULL: nothing is known */
    enum net_refusal why;
    const char *text; /* more of it; NULL */
};

static void compose_refusal(const void *from, char *out)
{
    const struct refusal *refusal = from;
    const struct connection_facts *facts = refusal->facts;
    const char *text = refusal->text != NULL ? refusal->text : "";

    snprintf(out, LOG_LINE_BYTES / 2, "connection from %s on listener %s: %s%s%s",
             facts != NULL ? facts->address : "an unknown address",
             facts != NULL ? facts->listener : "?", refusals[refusal->why],
             text[0] != '\0' ? ": " : "", text);
}

void event_log_refused(void *context, const struct connection_facts *facts, enum net_refusal why,
                       const char *text)
{
    struct log *log = context;
    const struct refusal refusal = { facts, why, text };
    struct arrival_text arrival;

    MQTT_INVARIANT(why < NET_REFUSAL_COUNT);
    enum config_log_level level = why == NET_REFUSED_DESCRIPTORS || why == NET_REFUSED_MEMORY
                                      ? CONFIG_LOG_ERROR
                                      : CONFIG_LOG_NOTICE;
    struct log_line line = { .level = level,
                             .kind = why >= NET_REFUSED_UNPROVED ? LOG_UNPROVED : LOG_HANDSHAKE,
                             .text = "",
                             .compose = compose_refusal,
                             .from = &refusal };
    add_facts(&line, facts);
    arrival_add(&line, facts != NULL ? facts->tls : NULL, &arrival);
    add_field(&line, "why", span_of(text));
    log_write(log, &line);
}
