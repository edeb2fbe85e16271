/* SPDX-License-Identifier: Apache-2.0 */
#include "core/message.h"

#include "base/pool.h"
#include "core/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const size_t class_bytes[MESSAGE_CLASSES] = { 160, 320, 1280, 4224 };

/* Many publishers and one receiver: all messages that wait for its acknowledgements come and go with
 * each of its reads. */
#define KEPT_BYTES ((size_t)2 << 20)

int message_pools_init(struct message_pools *pools)
{
    *pools = (struct message_pools){ 0 };
    for (unsigned i = 0; i < MESSAGE_CLASSES; i++) {
        pools->classes[i] = pool_new(class_bytes[i], 0);
        if (pools->classes[i] == NULL) {
            message_pools_fini(pools);
            return -ENOMEM;
        }
        pool_keep(pools->classes[i], KEPT_BYTES);
    }
    return 0;
}

void message_pools_trim(struct message_pools *pools)
{
    for (unsigned i = 0; i < MESSAGE_CLASSES; i++)
        pool_trim(pools->classes[i]);
}

void message_pools_fini(struct message_pools *pools)
{
    for (unsigned i = 0; i < MESSAGE_CLASSES; i++)
        pool_free(pools->classes[i]);
    *pools = (struct message_pools){ 0 };
}

static struct message *take(struct message_pools *pools, size_t len)
{
    struct message *message = NULL;
    unsigned size_class = 0;

    while (size_class < MESSAGE_CLASSES && class_bytes[size_class] < len)
        size_class++;
    message = size_class < MESSAGE_CLASSES ? pool_take(pools->classes[size_class]) : malloc(len);
    if (message != NULL)
        message->size_class = (uint8_t)size_class;
    return message;
}

static uint8_t *append(uint8_t *at, struct mqtt_span bytes)
{
    if (bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

struct message *publication_message(struct publication *p, struct message_pools *pools)
{
    if (p->message != NULL)
        return p->message;

    struct message *m = take(pools, sizeof(*m) + p->topic.len + p->forward.len + p->payload.len);
    if (m == NULL)
        return NULL;
    m->references = 1;
    m->topic_len = (uint32_t)p->topic.len;
    m->forward_len = (uint32_t)p->forward.len;
    m->payload_len = (uint32_t)p->payload.len;
    m->expires_ms = p->expires_ms;
    m->number = p->number;
    m->needed = 0;
    m->qos = p->qos;
    m->retain = p->retain;
    append(append(append(m->bytes, p->topic), p->forward), p->payload);
    pools->bytes += message_bytes(m);
    p->message = m;
    return m;
}

void publication_fini(struct publication *publication, struct message_pools *pools)
{
    journal_settle_message(publication->message);
    if (publication->message != NULL)
        message_unref(publication->message, pools);
    publication->message = NULL;
}

struct message *message_ref(struct message *message)
{
    message->references++;
    return message;
}

void message_unref(struct message *message, struct message_pools *pools)
{
    if (message == NULL || --message->references > 0)
        return;
    pools->bytes -= message_bytes(message);
    if (message->size_class < MESSAGE_CLASSES)
        pool_give(pools->classes[message->size_class], message);
    else
        free(message);
}

struct publication message_publication(struct message *message)
{
    return (struct publication){
        .topic = message_topic(message),
        .forward = message_forward(message),
        .payload = message_payload(message),
        .expires_ms = message->expires_ms,
        .qos = message->qos,
        .retain = message->retain,
        .message = message,
    };
}

struct mqtt_span message_topic(const struct message *message)
{
    return (struct mqtt_span){ message->bytes, message->topic_len };
}

struct mqtt_span message_forward(const struct message *message)
{
    return (struct mqtt_span){ message->bytes + message->topic_len, message->forward_len };
}

struct mqtt_span message_payload(const struct message *message)
{
    return (struct mqtt_span){ message->bytes + message->topic_len + message->forward_len,
                               message->payload_len };
}

size_t message_bytes(const struct message *message)
{
    return (size_t)message->topic_len + message->forward_len + message->payload_len;
}

uint32_t message_remaining_s(uint64_t expires_ms, uint64_t now_ms)
{
    if (expires_ms <= now_ms)
        return 0;
    /* The nearest, as the clock of a shard may be some milliseconds behind that of the one that took the
     * message: more than its publisher gave it it never has. */
    uint64_t left_s = (expires_ms - now_ms + 500) / 1000;
    if (left_s == 0)
        return 1;
    return left_s < UINT32_MAX ? (uint32_t)left_s : UINT32_MAX;
}
