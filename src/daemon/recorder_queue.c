/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/recorder_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct header {
    int64_t utc_ms;
    uint32_t kind;
    uint32_t len; /* of the fields behind it */
};

int recorder_queue_init(struct recorder_queue *queue, size_t room)
{
    *queue = (struct recorder_queue){ .room = room };
    queue->bytes = malloc(room);
    queue->taken = malloc(room);
    if (queue->bytes != NULL && queue->taken != NULL)
        return 0;
    recorder_queue_fini(queue);
    return -ENOMEM;
}

void recorder_queue_fini(struct recorder_queue *queue)
{
    free(queue->bytes);
    free(queue->taken);
    queue->bytes = NULL;
    queue->taken = NULL;
}

void recorder_queue_set_rate(struct recorder_queue *queue, uint64_t per_s)
{
    uint64_t times = per_s / LOG_PER_SECOND;

    for (unsigned kind = 0; kind < LOG_KIND_COUNT; kind++) {
        bool is_cheap = log_kind_audit((enum log_kind)kind) == LOG_AUDIT_CHEAP;
        queue->limits[kind].times = is_cheap ? times / 10 : times;
    }
}

void recorder_queue_gather(const struct log_line *line, struct audit_fields *out)
{
    for (size_t i = 0; i < line->field_count; i++)
        if (strcmp(line->fields[i].key, "event") != 0)
            audit_fields_add(out, line->fields[i].key, line->fields[i].value);
}

static bool push(struct recorder_queue *queue, const struct log_line *line, int64_t utc_ms)
{
    struct audit_fields fields = { .len = 0 };

    recorder_queue_gather(line, &fields);
    struct mqtt_span text = audit_fields_end(&fields);
    const struct header header = { utc_ms, (uint32_t)line->kind, (uint32_t)text.len };
    if (queue->len + sizeof(header) + text.len > queue->room)
        return false;
    memcpy(queue->bytes + queue->len, &header, sizeof(header));
    queue->len += sizeof(header);
    if (text.len > 0)
        memcpy(queue->bytes + queue->len, text.data, text.len);
    queue->len += text.len;
    return true;
}

static void leave_out(struct recorder_left_out *left_out, int64_t utc_ms)
{
    if (left_out->count++ == 0)
        left_out->since_ms = utc_ms;
    left_out->until_ms = utc_ms;
}

bool recorder_queue_put(struct recorder_queue *queue, const struct log_line *line, int64_t utc_ms,
                        uint64_t now_s)
{
    bool is_always = log_kind_audit(line->kind) == LOG_AUDIT_ALWAYS;
    uint64_t before; /* counted here, with its times */

    if ((is_always || log_limit_take(&queue->limits[line->kind], now_s, &before))
        && push(queue, line, utc_ms)) {
        queue->is_urgent = queue->is_urgent || is_always;
        return true;
    }
    leave_out(&queue->left_out[line->kind], utc_ms);
    return false;
}

bool recorder_queue_is_empty(const struct recorder_queue *queue)
{
    return queue->len == 0;
}

void recorder_queue_take(struct recorder_queue *queue)
{
    uint8_t *empty = queue->taken;

    queue->taken = queue->bytes;
    queue->taken_len = queue->len;
    queue->bytes = empty;
    queue->len = 0;
}

bool recorder_queue_next(const struct recorder_queue *queue, size_t *at, struct recorder_entry *out)
{
    struct header header;

    if (*at >= queue->taken_len)
        return false;
    memcpy(&header, queue->taken + *at, sizeof(header));
    *out = (struct recorder_entry){
        .kind = (enum log_kind)header.kind,
        .utc_ms = header.utc_ms,
        .fields = { queue->taken + *at + sizeof(header), header.len },
    };
    *at += sizeof(header) + header.len;
    return true;
}

void recorder_queue_take_left_out(struct recorder_queue *queue, struct recorder_left_out *all)
{
    for (unsigned kind = 0; kind < LOG_KIND_COUNT; kind++) {
        struct recorder_left_out *from = &queue->left_out[kind];
        struct recorder_left_out *to = &all[kind];
        if (from->count == 0)
            continue;
        if (to->count == 0)
            to->since_ms = from->since_ms;
        to->count += from->count;
        to->until_ms = from->until_ms;
        *from = (struct recorder_left_out){ 0 };
    }
}

bool recorder_left_out_has_any(const struct recorder_left_out *all)
{
    bool has_some = false;

    for (unsigned kind = 0; kind < LOG_KIND_COUNT; kind++)
        has_some = has_some || all[kind].count > 0;
    return has_some;
}
