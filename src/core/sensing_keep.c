/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_keep.h"

#include "codec/reader.h"
#include "core/allowance.h"
#include "core/sensed.h"
#include "core/state.h"
#include "sense/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC UINT64_C(0x31736e6573746361) /* reads differently where bytes stand otherwise */

/* Tells damage, not forgery: who writes into the state folder needs no forged model. */
static const struct siphash_key seal_key = { 0x7461636974, 0x73656e7365 };

struct head {
    uint64_t magic;
    uint32_t version;
    uint32_t device_bytes;
    uint32_t role_bytes;
    uint32_t shard;
    uint32_t shard_count;
    uint32_t roles;
    uint32_t devices;
    uint32_t source_windows;
    uint64_t source_ms; /* so long sources have been learned */
    struct siphash_key key;
    struct sense_role_rate of_source[SENSE_SOURCE_FEATURES];
    struct sense_role_rate of_listener[SENSE_SOURCE_FEATURES];
};

/* Before the name of a role, which its model follows. */
struct role_head {
    uint32_t name_bytes;
    uint32_t windows;
    uint64_t phase_ms; /* so long it is in its phase */
    struct sense_role_rate groups[SENSED_VERDICTS];
    uint32_t group_windows[SENSED_VERDICTS];
};

/* Before the name of an identity, which its model follows. */
struct device_head {
    uint32_t name_bytes;
    uint32_t role; /* place among the roles of the file */
};

/* ---- saving ---- */

struct saving {
    uint8_t *at; /* NULL: only measured */
    size_t len;
    uint64_t now_ms;
    uint32_t roles;
    uint32_t role; /* whose devices are being written */
    uint32_t devices;
};

static void put(struct saving *saving, const void *bytes, size_t len)
{
    if (saving->at != NULL && len > 0) {
        memcpy(saving->at, bytes, len);
        saving->at += len;
    }
    saving->len += len;
}

static void put_role(struct bytes_node *node, void *context)
{
    struct saving *saving = context;
    const struct sensed_role *role = MQTT_CONTAINER_OF(node, struct sensed_role, by_name);
    struct role_head head;

    memset(&head, 0, sizeof(head));
    head.name_bytes = (uint32_t)role->by_name.key.len;
    head.windows = role->windows;
    head.phase_ms = saving->now_ms - role->phase_ms;
    for (unsigned i = 0; i < SENSED_VERDICTS; i++) {
        head.groups[i] = role->groups[i].rate;
        head.group_windows[i] = role->groups[i].windows;
    }
    put(saving, &head, sizeof(head));
    put(saving, role->by_name.key.data, role->by_name.key.len);
    put(saving, &role->model, sizeof(role->model));
    saving->roles++;
}

/* In the order of put_role(). */
static void put_members(struct bytes_node *node, void *context)
{
    struct saving *saving = context;
    const struct sensed_role *role = MQTT_CONTAINER_OF(node, struct sensed_role, by_name);

    list_for_each (link, &role->members) {
        const struct sensed *sensed = MQTT_CONTAINER_OF(link, struct sensed, in_role);
        struct device_head head = { (uint32_t)sensed->by_name.key.len, saving->role };
        struct sense_device kept;

        sense_device_keepsake(&sensed->device, &kept);
        put(saving, &head, sizeof(head));
        put(saving, sensed->by_name.key.data, sensed->by_name.key.len);
        put(saving, &kept, sizeof(kept));
        saving->devices++;
    }
    saving->role++;
}

static void put_all(struct sensing *sensing, struct saving *saving)
{
    bytes_map_each(&sensing->roles, put_role, saving);
    bytes_map_each(&sensing->roles, put_members, saving);
}

static struct head head_of(const struct sensing *sensing, const struct saving *saving)
{
    struct head head;

    memset(&head, 0, sizeof(head));
    head.magic = MAGIC;
    head.version = SENSE_MODEL_VERSION;
    head.device_bytes = sizeof(struct sense_device);
    head.role_bytes = sizeof(struct sense_role);
    head.shard = sensing->broker->options.shard;
    head.shard_count = sensing->broker->options.shard_count;
    head.roles = saving->roles;
    head.devices = saving->devices;
    head.source_windows = sensing->sources.windows;
    head.source_ms = saving->now_ms - sensing->since_ms;
    head.key = sensing->options.key;
    memcpy(head.of_source, sensing->sources.of_source, sizeof(head.of_source));
    memcpy(head.of_listener, sensing->sources.of_listener, sizeof(head.of_listener));
    return head;
}

int sensing_keep_save(struct broker *broker, uint64_t now_ms, uint8_t **out, size_t *out_len)
{
    struct sensing *sensing = broker->sensing;
    struct saving measured = { .now_ms = now_ms };

    if (sensing == NULL) {
        *out = NULL;
        *out_len = 0;
        return 0;
    }
    put_all(sensing, &measured);
    const struct head head = head_of(sensing, &measured);
    size_t len = sizeof(head) + measured.len;
    uint8_t *bytes = malloc(len + sizeof(uint64_t));
    if (bytes == NULL)
        return -ENOMEM;
    struct saving saving = { .at = bytes, .now_ms = now_ms };
    put(&saving, &head, sizeof(head));
    put_all(sensing, &saving);
    uint64_t seal = siphash(&seal_key, (struct mqtt_span){ bytes, len });
    put(&saving, &seal, sizeof(seal));
    *out = bytes;
    *out_len = saving.len;
    return 0;
}

/* ---- loading ---- */

/* Copies `len` bytes, as they may lie anywhere; zeroes when they are not there. */
static void take(struct mqtt_reader *r, void *out, size_t len)
{
    struct mqtt_span bytes = mqtt_read_bytes(r, len);

    memset(out, 0, len);
    if (bytes.len == len && len > 0)
        memcpy(out, bytes.data, len);
}

static bool is_ours(const struct head *head)
{
    bool is_sound = head->magic == MAGIC && head->version == SENSE_MODEL_VERSION
                    && head->device_bytes == sizeof(struct sense_device)
                    && head->role_bytes == sizeof(struct sense_role);

    for (unsigned i = 0; i < SENSE_SOURCE_FEATURES; i++)
        is_sound = is_sound && sense_rate_is_sound(&head->of_source[i])
                   && sense_rate_is_sound(&head->of_listener[i]);
    return is_sound;
}

static void take_sources(struct sensing *sensing, const struct head *head, uint64_t now_ms)
{
    sensing->since_ms = now_ms > head->source_ms ? now_ms - head->source_ms : 0;
    sensing->sources.windows = head->source_windows;
    sensing->options.key = head->key;
    memcpy(sensing->sources.of_source, head->of_source, sizeof(head->of_source));
    memcpy(sensing->sources.of_listener, head->of_listener, sizeof(head->of_listener));
}

static bool groups_are_sound(const struct role_head *head)
{
    return sense_rate_is_sound(&head->groups[0]) && sense_rate_is_sound(&head->groups[1]);
}

/* The role, or NULL when there is no room for it; it stays what it is when it is there already. */
static int take_role(struct sensing *sensing, struct mqtt_reader *r, uint64_t now_ms,
                     struct sensed_role **out)
{
    struct role_head head;
    struct mqtt_span name;
    struct mqtt_span bytes;

    take(r, &head, sizeof(head));
    name = mqtt_read_bytes(r, head.name_bytes);
    bytes = mqtt_read_bytes(r, sizeof(struct sense_role));
    if (r->status != MQTT_OK || !groups_are_sound(&head) || name.len == 0
        || memchr(name.data, 0, name.len) != NULL)
        return -EBADMSG;
    struct sense_role *model = malloc(sizeof(*model));
    if (model == NULL)
        return -ENOMEM;
    memcpy(model, bytes.data, sizeof(*model));
    bool is_sound = sense_role_is_sound(model);
    struct sensed_role *role = is_sound ? sensing_role_at(sensing, name, now_ms) : NULL;
    if (role != NULL && role->model.windows == 0 && list_is_empty(&role->members)) {
        role->model = *model;
        role->windows = head.windows;
        role->phase_ms = now_ms > head.phase_ms ? now_ms - head.phase_ms : 0;
        for (unsigned i = 0; i < SENSED_VERDICTS; i++) {
            role->groups[i].rate = head.groups[i];
            role->groups[i].windows = head.group_windows[i];
        }
    }
    free(model);
    *out = role;
    return is_sound ? 0 : -EBADMSG;
}

static int take_device(struct sensing *sensing, struct mqtt_reader *r,
                       struct sensed_role *const *roles, uint32_t role_count)
{
    struct device_head head;
    struct sense_device device;
    struct sense_device kept;

    take(r, &head, sizeof(head));
    struct mqtt_span name = mqtt_read_bytes(r, head.name_bytes);
    take(r, &device, sizeof(device));
    if (r->status != MQTT_OK || head.role >= role_count || !allowance_owner_is_valid(name)
        || name.data[0] > 2 || !sense_device_is_sound(&device))
        return -EBADMSG;
    if (roles[head.role] == NULL)
        return 0;
    sense_device_keepsake(&device, &kept);
    sensing_know(sensing, name, roles[head.role], &kept);
    return 0;
}

static int take_all(struct sensing *sensing, struct mqtt_reader *r, const struct head *head,
                    uint64_t now_ms)
{
    /* Each takes more bytes than that of the file. */
    if (head->roles > mqtt_reader_left(r) / sizeof(struct sense_role))
        return -EBADMSG;
    struct sensed_role **roles = calloc((size_t)head->roles + 1, sizeof(struct sensed_role *));
    int status = roles != NULL ? 0 : -ENOMEM;

    for (uint32_t i = 0; status == 0 && i < head->roles; i++)
        status = take_role(sensing, r, now_ms, &roles[i]);
    for (uint32_t i = 0; status == 0 && i < head->devices; i++)
        status = take_device(sensing, r, roles, head->roles);
    free(roles);
    return status;
}

int sensing_keep_load(struct broker *broker, struct mqtt_span bytes, uint64_t now_ms)
{
    struct sensing *sensing = broker->sensing;
    struct head head;
    uint64_t seal;

    if (sensing == NULL)
        return 0;
    if (bytes.len < sizeof(head) + sizeof(seal))
        return -EBADMSG;
    struct mqtt_span sealed = { bytes.data, bytes.len - sizeof(seal) };
    memcpy(&seal, bytes.data + sealed.len, sizeof(seal));
    struct mqtt_reader r = mqtt_reader_over(sealed);
    take(&r, &head, sizeof(head));
    if (!is_ours(&head) || seal != siphash(&seal_key, sealed))
        return -EBADMSG;
    bool is_split_alike = head.shard_count == broker->options.shard_count;
    if (is_split_alike && head.shard != broker->options.shard)
        return 0;
    take_sources(sensing, &head, now_ms);
    return take_all(sensing, &r, &head, now_ms);
}

const struct siphash_key *sensing_keep_key(const struct broker *broker)
{
    return broker->sensing != NULL ? &broker->sensing->options.key : NULL;
}
