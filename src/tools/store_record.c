/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/store_record.h"

#include "codec/utf8.h"
#include "core/allowance.h"
#include "core/delivery.h"
#include "core/journal_op.h"
#include "core/journal_record.h"
#include "tools/identity_print.h"
#include "tools/printable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECEIVED_ID_BITS 16u

static const char *const kinds[JOURNAL_KINDS] = {
    [JOURNAL_META] = "meta",         [JOURNAL_SESSION] = "session",
    [JOURNAL_WILL] = "will",         [JOURNAL_SUBSCRIPTION] = "subscription",
    [JOURNAL_RECEIVED] = "received", [JOURNAL_BODY] = "body",
    [JOURNAL_DELIVERY] = "delivery", [JOURNAL_RETAINED] = "retained",
    [JOURNAL_PARCEL] = "parcel",
};

const char *store_record_kind(uint64_t key, char buffer[STORE_RECORD_KIND_BYTES])
{
    unsigned kind = journal_kind_of(key);
    if (kinds[kind] != NULL)
        return kinds[kind];
    (void)snprintf(buffer, STORE_RECORD_KIND_BYTES, "kind %u", kind);
    return buffer;
}

json_t *store_record_head_json(uint64_t key, size_t len)
{
    char buffer[STORE_RECORD_KIND_BYTES];
    return json_pack("{s:s, s:I, s:I}", "kind", store_record_kind(key, buffer), "number",
                     (json_int_t)journal_number_of(key), "bytes", (json_int_t)len);
}

/* ---- fields; a failure sticks ---- */

struct fields {
    json_t *object;
    bool with_payload;
    bool failed; /* out of memory */
};

static void add(struct fields *f, const char *name, json_t *value)
{
    if (json_object_set_new(f->object, name, value) < 0)
        f->failed = true;
}

static void add_number(struct fields *f, const char *name, uint64_t value)
{
    add(f, name, json_integer((json_int_t)value));
}

/* Only what is so. */
static void add_flag(struct fields *f, const char *name, bool value)
{
    if (value)
        add(f, name, json_true());
}

int store_record_set_bytes(json_t *object, const char *name, struct mqtt_span bytes)
{
    char hex_name[64];
    if (bytes.len == 0 || mqtt_utf8_is_valid(bytes))
        return json_object_set_new(
            object, name, json_stringn(bytes.len > 0 ? (const char *)bytes.data : "", bytes.len));
    char *hex = malloc(bytes.len * 2 + 1);
    if (hex == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < bytes.len; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes.data[i]);
    (void)snprintf(hex_name, sizeof(hex_name), "%s-hex", name);
    int error = json_object_set_new(object, hex_name, json_string(hex));
    free(hex);
    return error < 0 ? -ENOMEM : 0;
}

static void add_bytes(struct fields *f, const char *name, struct mqtt_span bytes)
{
    if (store_record_set_bytes(f->object, name, bytes) < 0)
        f->failed = true;
}

static void add_name(struct fields *f, const char *name, struct mqtt_span bytes)
{
    if (bytes.len > 0)
        add_bytes(f, name, bytes);
}

/* Not at all if it never comes. */
static void add_time(struct fields *f, const char *name, int64_t time_ms)
{
    char text[IDENTITY_PRINT_TIME_SIZE];
    if (time_ms != JOURNAL_NEVER && time_ms != JOURNAL_NOT_RUNNING)
        add(f, name, json_string(identity_print_time_rfc3339(time_ms / 1000, text)));
}

/* ---- one function for each kind ---- */

static int add_meta(struct fields *f, uint64_t number, struct mqtt_span bytes)
{
    struct journal_meta meta;
    (void)f;
    /* The key of the hash is the broker's own, and nobody's business. */
    return number == 1 ? journal_meta_read(bytes, &meta) : 0;
}

static int add_session(struct fields *f, uint64_t number, struct mqtt_span bytes)
{
    struct journal_session session;
    int error = journal_session_read(bytes, &session);
    (void)number;
    if (error < 0)
        return error;
    add_bytes(f, "client_id", session.client_id);
    add_name(f, "device", session.device);
    add_name(f, "tenant", session.tenant);
    add_name(f, "site", session.site);
    add_name(f, "role", session.role);
    add_flag(f, "relaxed", session.is_relaxed);
    if (session.expiry_s != UINT32_MAX)
        add_number(f, "expiry_s", session.expiry_s);
    add_flag(f, "connected", session.expires_ms == JOURNAL_NOT_RUNNING);
    add_time(f, "expires", session.expires_ms);
    return 0;
}

static int add_subscription(struct fields *f, uint64_t number, struct mqtt_span bytes)
{
    struct journal_subscription subscription;
    int error = journal_subscription_read(bytes, &subscription);
    (void)number;
    if (error < 0)
        return error;
    add_number(f, "session", subscription.session);
    add_bytes(f, "filter", subscription.filter);
    add_number(f, "qos", subscription.qos);
    add_flag(f, "no_local", subscription.no_local);
    add_flag(f, "retain_as_published", subscription.retain_as_published);
    if (subscription.retain_handling != 0)
        add_number(f, "retain_handling", subscription.retain_handling);
    if (subscription.identifier != 0)
        add_number(f, "identifier", subscription.identifier);
    return 0;
}

static void add_message_fields(struct fields *f, const struct journal_message *message)
{
    add_bytes(f, "topic", message->topic);
    add_number(f, "qos", message->qos);
    add_flag(f, "retain", message->retain);
    add_time(f, "expires", message->expires_ms);
    add_number(f, "payload_bytes", message->payload.len);
    if (f->with_payload)
        add_bytes(f, "payload", message->payload);
}

static int add_message(struct fields *f, uint64_t number, struct mqtt_span bytes)
{
    struct journal_message message;
    int error = journal_message_read(bytes, &message);
    (void)number;
    if (error == 0)
        add_message_fields(f, &message);
    return error;
}

/* The device, or the client identifier of one without: allowance_owner(). */
static struct mqtt_span owner_name(struct mqtt_span owner)
{
    const uint8_t *end = owner.len > 0 ? memchr(owner.data, 0, owner.len) : NULL;

    return end == NULL ? owner
                       : (struct mqtt_span){ owner.data + 1, (size_t)(end - owner.data) - 1 };
}

static int add_retained(struct fields *f, uint64_t number, struct mqtt_span bytes)
{
    struct journal_retained retained;
    int error = journal_retained_read(bytes, &retained);

    (void)number;
    if (error < 0)
        return error;
    add_message_fields(f, &retained.message);
    if (allowance_owner_is_valid(retained.owner))
        add_bytes(f, "owner", owner_name(retained.owner));
    if (retained.role.len > 0)
        add_bytes(f, "role", retained.role);
    return 0;
}

static int add_will(struct fields *f, uint64_t number, struct mqtt_span bytes)
{
    struct journal_will will;
    int error = journal_will_read(bytes, &will);
    if (error < 0)
        return error;
    add_number(f, "session", number);
    add_message_fields(f, &will.message);
    add_number(f, "delay_s", will.delay_s);
    if (will.has_expiry)
        add_number(f, "expiry_s", will.expiry_s);
    add_time(f, "due", will.due_ms);
    return 0;
}

/* Nothing but the version stands in its bytes. */
static int add_received(struct fields *f, uint64_t number, struct mqtt_span bytes)
{
    if (bytes.len == 0 || bytes.data[0] == 0)
        return -EBADMSG;
    if (bytes.data[0] > JOURNAL_RECORD_VERSION)
        return -EPROTO;
    add_number(f, "session", number >> RECEIVED_ID_BITS);
    add_number(f, "packet_id", number & 0xffffu);
    return 0;
}

static const char *state_name(uint8_t state)
{
    static const char *const names[] = {
        [DELIVERY_QUEUED] = "queued",
        [DELIVERY_AWAITS_PUBACK] = "awaits PUBACK",
        [DELIVERY_AWAITS_PUBREC] = "awaits PUBREC",
        [DELIVERY_AWAITS_PUBCOMP] = "awaits PUBCOMP",
    };
    return state < MQTT_ARRAY_LEN(names) ? names[state] : "unknown";
}

static int add_delivery(struct fields *f, uint64_t number, struct mqtt_span bytes)
{
    struct journal_delivery delivery;
    int error = journal_delivery_read(bytes, &delivery);
    (void)number;
    if (error < 0)
        return error;
    add_number(f, "session", delivery.session);
    add(f, "state", json_string(state_name(delivery.state)));
    add_number(f, "qos", delivery.qos);
    add_flag(f, "retain", delivery.retain);
    add_flag(f, "shared", delivery.is_shared);
    if (delivery.packet_id != 0)
        add_number(f, "packet_id", delivery.packet_id);
    return 0;
}

static int add_parcel(struct fields *f, uint64_t number, struct mqtt_span bytes)
{
    struct journal_parcel parcel;
    int error = journal_parcel_read(bytes, &parcel);
    (void)number;
    if (error < 0)
        return error;
    add_number(f, "shard", parcel.shard);
    add_number(f, "shard_count", parcel.shard_count);
    add_number(f, "qos", parcel.qos);
    add_flag(f, "retain", parcel.retain);
    const uint8_t *end =
        parcel.group.len > 0 ? memchr(parcel.group.data, 0, parcel.group.len) : NULL;
    if (end != NULL)
        add_bytes(f, "share",
                  (struct mqtt_span){ parcel.group.data, (size_t)(end - parcel.group.data) });
    return 0;
}

static int read_record(struct fields *f, uint64_t key, struct mqtt_span bytes)
{
    static int (*const readers[JOURNAL_KINDS])(struct fields *, uint64_t, struct mqtt_span) = {
        [JOURNAL_META] = add_meta,         [JOURNAL_SESSION] = add_session,
        [JOURNAL_WILL] = add_will,         [JOURNAL_SUBSCRIPTION] = add_subscription,
        [JOURNAL_RECEIVED] = add_received, [JOURNAL_BODY] = add_message,
        [JOURNAL_DELIVERY] = add_delivery, [JOURNAL_RETAINED] = add_retained,
        [JOURNAL_PARCEL] = add_parcel,
    };
    unsigned kind = journal_kind_of(key);
    return readers[kind] != NULL ? readers[kind](f, journal_number_of(key), bytes) : 0;
}

int store_record_add_json(json_t *object, uint64_t key, struct mqtt_span bytes, bool with_payload)
{
    struct fields fields = { .object = object, .with_payload = with_payload };
    int error = read_record(&fields, key, bytes);
    if (error < 0)
        add(&fields, "unreadable",
            json_string(error == -EPROTO ? "written by a newer version of tacitd"
                                         : "these bytes are no such record"));
    return fields.failed ? -ENOMEM : error;
}

int store_record_check(uint64_t key, struct mqtt_span bytes)
{
    struct fields fields = { .object = json_object() };
    int error = fields.object != NULL ? read_record(&fields, key, bytes) : -ENOMEM;
    json_decref(fields.object);
    return error;
}

/* ---- for people ---- */

static void print_value(const json_t *value)
{
    if (json_is_integer(value))
        (void)printf("%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        (void)fputs(json_is_true(value) ? "yes" : "no", stdout);
    else
        (void)printable_put(stdout, (struct mqtt_span){ (const uint8_t *)json_string_value(value),
                                                        json_string_length(value) });
}

void store_record_print(const json_t *object)
{
    const char *name;
    json_t *value;
    (void)printf("%s %lld", json_string_value(json_object_get(object, "kind")),
                 (long long)json_integer_value(json_object_get(object, "number")));
    /* It is not changed; the walk does not take a const one. */
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (strcmp(name, "kind") == 0 || strcmp(name, "number") == 0)
            continue;
        (void)printf("  %s=", name);
        print_value(value);
    }
    (void)putchar('\n');
}
