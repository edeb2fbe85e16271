/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_keep.h"

#include "core/sensed.h"
#include "core/sensing_part.h"
#include "core/state.h"
#include "sense/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    struct sensing_part_role head;

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
        struct sensing_part_device head = { (uint32_t)sensed->by_name.key.len, saving->role };
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

static struct sensing_part_head head_of(const struct sensing *sensing, const struct saving *saving)
{
    struct sensing_part_head head;

    memset(&head, 0, sizeof(head));
    sensing_part_begin(&head);
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
    const struct sensing_part_head head = head_of(sensing, &measured);
    size_t len = sizeof(head) + measured.len;
    uint8_t *bytes = malloc(len + sizeof(uint64_t));
    if (bytes == NULL)
        return -ENOMEM;
    struct saving saving = { .at = bytes, .now_ms = now_ms };
    put(&saving, &head, sizeof(head));
    put_all(sensing, &saving);
    uint64_t seal = sensing_part_seal((struct mqtt_span){ bytes, len });
    put(&saving, &seal, sizeof(seal));
    *out = bytes;
    *out_len = saving.len;
    return 0;
}

/* ---- loading ---- */

static void take_sources(struct sensing *sensing, const struct sensing_part_head *head,
                         uint64_t now_ms)
{
    /* Before the machine started, it may be: only differences are looked at. */
    sensing->since_ms = now_ms - head->source_ms;
    sensing->sources.windows = head->source_windows;
    sensing->options.key = head->key;
    memcpy(sensing->sources.of_source, head->of_source, sizeof(head->of_source));
    memcpy(sensing->sources.of_listener, head->of_listener, sizeof(head->of_listener));
}

/* One that something is known of already, from another part, stays as it is. */
static void teach(struct sensed_role *role, const struct sensing_part_role *head,
                  const struct sense_role *model, uint64_t now_ms)
{
    if (role->model.windows > 0 || !list_is_empty(&role->members))
        return;
    role->model = *model;
    role->windows = head->windows;
    role->phase_ms = now_ms - head->phase_ms;
    for (unsigned i = 0; i < SENSED_VERDICTS; i++) {
        role->groups[i].rate = head->groups[i];
        role->groups[i].windows = head->group_windows[i];
    }
}

/* *out is NULL where there is no room for the role. `model` is scratch memory. */
static int take_role(struct sensing *sensing, struct sensing_part *part, struct sense_role *model,
                     uint64_t now_ms, struct sensed_role **out)
{
    struct sensing_part_role head;
    struct mqtt_span name;
    int status = sensing_part_role(part, &head, &name, model);

    if (status != 0)
        return status;
    *out = sensing_role_at(sensing, name, now_ms);
    if (*out != NULL)
        teach(*out, &head, model, now_ms);
    return 0;
}

static int take_device(struct sensing *sensing, struct sensing_part *part,
                       struct sensed_role *const *roles)
{
    struct sensing_part_device head;
    struct sense_device device;
    struct mqtt_span name;
    int status = sensing_part_device(part, &head, &name, &device);

    if (status == 0 && roles[head.role] != NULL)
        sensing_know(sensing, name, roles[head.role], &device);
    return status;
}

static int take_all(struct sensing *sensing, struct sensing_part *part, uint64_t now_ms)
{
    struct sensed_role **roles = calloc((size_t)part->head.roles + 1, sizeof(struct sensed_role *));
    struct sense_role *model = malloc(sizeof(*model));
    int status = roles != NULL && model != NULL ? 0 : -ENOMEM;

    for (uint32_t i = 0; status == 0 && i < part->head.roles; i++)
        status = take_role(sensing, part, model, now_ms, &roles[i]);
    for (uint32_t i = 0; status == 0 && i < part->head.devices; i++)
        status = take_device(sensing, part, roles);
    free(model);
    free(roles);
    return status;
}

int sensing_keep_load(struct broker *broker, struct mqtt_span bytes, uint64_t now_ms)
{
    struct sensing *sensing = broker->sensing;
    struct sensing_part part;

    if (sensing == NULL)
        return 0;
    int status = sensing_part_open(bytes, &part);
    if (status != 0)
        return status;
    bool is_split_alike = part.head.shard_count == broker->options.shard_count;
    if (is_split_alike && part.head.shard != broker->options.shard)
        return 0;
    take_sources(sensing, &part.head, now_ms);
    return take_all(sensing, &part, now_ms);
}

const struct siphash_key *sensing_keep_key(const struct broker *broker)
{
    return broker->sensing != NULL ? &broker->sensing->options.key : NULL;
}
