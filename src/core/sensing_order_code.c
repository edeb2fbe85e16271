/* SPDX-License-Identifier: Apache-2.0 */
/* An order as bytes: contract in sensing_order.h. */
#include "core/sensing_order.h"

#include "core/sensing_part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC UINT64_C(0x3172646f73746361) /* reads differently where bytes stand otherwise */

/* The name follows, then the models, then the seal. */
struct order_head {
    uint64_t magic;
    uint64_t nonce;
    uint64_t for_ms;
    uint64_t model_bytes;
    uint32_t kind;
    uint32_t is_forced;
    uint64_t name_bytes;
};

int sensing_order_encode(const struct sensing_order *order, uint8_t **out, size_t *out_len)
{
    const struct order_head head = {
        .magic = MAGIC,
        .nonce = order->nonce,
        .for_ms = order->for_ms,
        .model_bytes = order->models.len,
        .kind = (uint32_t)order->kind,
        .is_forced = order->is_forced ? 1 : 0,
        .name_bytes = order->name.len,
    };
    size_t len = sizeof(head) + order->name.len + order->models.len;
    uint8_t *bytes = malloc(len + SENSING_PART_SEAL_BYTES);

    if (bytes == NULL)
        return -ENOMEM;
    memcpy(bytes, &head, sizeof(head));
    if (order->name.len > 0)
        memcpy(bytes + sizeof(head), order->name.data, order->name.len);
    if (order->models.len > 0)
        memcpy(bytes + sizeof(head) + order->name.len, order->models.data, order->models.len);
    uint64_t seal = sensing_part_seal((struct mqtt_span){ bytes, len });
    memcpy(bytes + len, &seal, sizeof(seal));
    *out = bytes;
    *out_len = len + sizeof(seal);
    return 0;
}

static bool wants_name(enum sensing_order_kind kind)
{
    return kind != SENSING_ORDER_SAVE && kind != SENSING_ORDER_TAKE;
}

static bool is_sound(const struct order_head *head, size_t left)
{
    enum sensing_order_kind kind = (enum sensing_order_kind)head->kind;
    bool has_name = head->name_bytes > 0;
    bool has_models = head->model_bytes > 0;

    return head->magic == MAGIC && head->kind < SENSING_ORDER_KINDS && head->is_forced <= 1
           && head->name_bytes <= SENSING_ORDER_NAME_BYTES && head->model_bytes <= left
           && head->name_bytes + head->model_bytes == left && has_name == wants_name(kind)
           && has_models == (kind == SENSING_ORDER_TAKE)
           && (head->for_ms > 0) == (kind == SENSING_ORDER_LEARN);
}

int sensing_order_decode(struct mqtt_span bytes, struct sensing_order *out)
{
    struct order_head head;
    uint64_t seal;

    if (bytes.len < sizeof(head) + sizeof(seal))
        return -EBADMSG;
    struct mqtt_span sealed = { bytes.data, bytes.len - sizeof(seal) };
    memcpy(&head, bytes.data, sizeof(head));
    memcpy(&seal, bytes.data + sealed.len, sizeof(seal));
    struct mqtt_span rest = { sealed.data + sizeof(head), sealed.len - sizeof(head) };
    if (!is_sound(&head, rest.len) || seal != sensing_part_seal(sealed))
        return -EBADMSG;
    struct mqtt_span name = { rest.data, (size_t)head.name_bytes };
    if (name.len > 0 && memchr(name.data, 0, name.len) != NULL)
        return -EBADMSG;
    *out = (struct sensing_order){
        .nonce = head.nonce,
        .kind = (enum sensing_order_kind)head.kind,
        .is_forced = head.is_forced == 1,
        .for_ms = head.for_ms,
        .name = name,
        .models = { rest.data + name.len, (size_t)head.model_bytes },
    };
    return 0;
}
