/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal_op.h"

#include <errno.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the store's integers are little-endian and are copied as they are");

static uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

uint8_t *journal_put_head(uint8_t *at, uint64_t key, uint64_t body, uint32_t len)
{
    *at++ = JOURNAL_PUT;
    at = put_u64(put_u64(at, key), body);
    memcpy(at, &len, sizeof(len));
    return at + sizeof(len);
}

uint8_t *journal_drop(uint8_t *at, uint64_t key)
{
    *at++ = JOURNAL_DROP;
    return put_u64(at, key);
}

static void advance(struct mqtt_span *frame, size_t len)
{
    frame->data += len;
    frame->len -= len;
}

static int take_put(struct mqtt_span *frame, struct journal_op *out)
{
    uint32_t len;

    if (frame->len < JOURNAL_PUT_BYTES)
        return -EBADMSG;
    memcpy(&out->key, frame->data + 1, sizeof(out->key));
    memcpy(&out->body, frame->data + 9, sizeof(out->body));
    memcpy(&len, frame->data + 17, sizeof(len));
    advance(frame, JOURNAL_PUT_BYTES);
    if (len > frame->len)
        return -EBADMSG;
    out->bytes = (struct mqtt_span){ frame->data, len };
    advance(frame, len);
    return 1;
}

static int take_drop(struct mqtt_span *frame, struct journal_op *out)
{
    if (frame->len < JOURNAL_DROP_BYTES)
        return -EBADMSG;
    memcpy(&out->key, frame->data + 1, sizeof(out->key));
    advance(frame, JOURNAL_DROP_BYTES);
    return 1;
}

static bool makes_sense(const struct journal_op *op)
{
    return op->key != 0 && (op->body == 0 || journal_kind_of(op->body) == JOURNAL_BODY);
}

int journal_op_next(struct mqtt_span *frame, struct journal_op *out)
{
    int found = -EBADMSG;

    *out = (struct journal_op){ 0 };
    if (frame->len == 0)
        return 0;
    out->verb = (enum journal_verb)frame->data[0];
    if (out->verb == JOURNAL_PUT)
        found = take_put(frame, out);
    else if (out->verb == JOURNAL_DROP)
        found = take_drop(frame, out);
    return found == 1 && !makes_sense(out) ? -EBADMSG : found;
}
