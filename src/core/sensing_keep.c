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
    struct sensing *sensing;
    uint64_t now_ms;
    uint32_t role; /* whose devices are being written */
    struct sensing_part_writer *writer;
};

static void put_role(struct bytes_node *node, void *context)
{
    struct saving *saving = context;
    const struct sensed_role *role = MQTT_CONTAINER_OF(node, struct sensed_role, by_name);
    struct sensing_part_role head;

    memset(&head, 0, sizeof(head));
    head.windows = role->windows;
    head.phase_ms = saving->now_ms - role->phase_ms;
    head.learn_ms = role->learn_ms;
    for (unsigned i = 0; i < SENSED_VERDICTS; i++) {
        head.groups[i] = role->groups[i].rate;
        head.group_windows[i] = role->groups[i].windows;
    }
    sensing_part_put_role(saving->writer, role->by_name.key, &head, &role->model);
}

/* In the order of put_role(). */
static void put_members(struct bytes_node *node, void *context)
{
    struct saving *saving = context;
    const struct sensed_role *role = MQTT_CONTAINER_OF(node, struct sensed_role, by_name);

    list_for_each (link, &role->members) {
        const struct sensed *sensed = MQTT_CONTAINER_OF(link, struct sensed, in_role);
        struct sense_device kept;

        sense_device_portray(&sensed->device, &kept);
        sensing_part_put_device(saving->writer, sensed->by_name.key, saving->role, &kept);
    }
    saving->role++;
}

static void put_all(void *context, struct sensing_part_writer *writer)
{
    struct saving *saving = context;

    saving->writer = writer;
    saving->role = 0;
    bytes_map_each(&saving->sensing->roles, put_role, saving);
    bytes_map_each(&saving->sensing->roles, put_members, saving);
}

static struct sensing_part_head head_of(const struct sensing *sensing, uint64_t now_ms)
{
    struct sensing_part_head head;

    memset(&head, 0, sizeof(head));
    head.shard = sensing->broker->options.shard;
    head.shard_count = sensing->broker->options.shard_count;
    head.window_ms = sensing->broker->limits.sense_window_ms;
    head.source_windows = sensing->sources.windows;
    head.source_ms = now_ms - sensing->since_ms;
    head.key = sensing->options.key;
    memcpy(head.of_source, sensing->sources.of_source, sizeof(head.of_source));
    memcpy(head.of_listener, sensing->sources.of_listener, sizeof(head.of_listener));
    return head;
}

int sensing_keep_save(struct broker *broker, uint64_t now_ms, uint8_t **out, size_t *out_len)
{
    static const struct mqtt_span nothing = { NULL, 0 };
    struct sensing *sensing = broker->sensing;
    struct saving saving = { .sensing = sensing, .now_ms = now_ms };

    if (sensing == NULL) {
        *out = NULL;
        *out_len = 0;
        return 0;
    }
    const struct sensing_part_head head = head_of(sensing, now_ms);
    return sensing_part_write(nothing, &head, put_all, &saving, out, out_len);
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

void sensing_keep_teach(struct sensed_role *role, const struct sensing_part_role *head,
                        const struct sense_role *model, uint64_t now_ms)
{
    role->model = *model;
    role->windows = head->windows;
    role->learn_ms = head->learn_ms;
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
    struct sensed_role *role = sensing_role_at(sensing, name, now_ms);
    /* One that something is known of already, from another part, stays as it is. */
    if (role != NULL && role->model.windows == 0 && list_is_empty(&role->members))
        sensing_keep_teach(role, &head, model, now_ms);
    *out = role;
    return 0;
}

static int take_device(struct sensing *sensing, struct sensing_part *part,
                       struct sensed_role *const *roles)
{
    struct sensing_part_device head;
    struct sense_device device;
    struct mqtt_span name;
    int status = sensing_part_device(part, &head, &name, &device);

    if (status != 0 || roles[head.role] == NULL)
        return status;
    sense_device_rest(&device);
    sensing_know(sensing, name, roles[head.role], &device);
    return 0;
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
