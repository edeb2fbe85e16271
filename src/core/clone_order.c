/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clone_order.h"

#include "base/invariant.h"
#include "codec/disconnect.h"
#include "core/hold.h"
#include "core/peers.h"
#include "core/state.h"

#include <string.h>

#define DROPPED_TEXT "the key of this connection was seen in another place at the same time"
#define SILENT_TEXT  "the device has connected anew, and this connection gave no sign of life"

_Static_assert(sizeof(struct clone_order) == CLONE_ORDER_BYTES, "as it goes between shards");

static void follow(struct broker *broker, const struct clone_order *order, uint64_t now_ms);

void clone_order_tell(struct broker *broker, enum clone_word word, const struct sighting_ref *to,
                      uint64_t from, uint64_t now_ms)
{
    const struct clone_order order = {
        .word = (uint32_t)word,
        .shard = to->shard,
        .to = to->number,
        .from = from,
        .from_shard = broker->options.shard,
    };

    if (to->shard == broker->options.shard)
        follow(broker, &order, now_ms);
    else
        peers_send_order(broker, to->shard,
                         (struct mqtt_span){ (const uint8_t *)&order, sizeof(order) });
}

struct clone_watch *clone_order_find(const struct broker *broker, uint64_t number)
{
    struct bytes_node *node = bytes_map_find(
        &broker->watches, (struct mqtt_span){ (const uint8_t *)&number, sizeof(number) });

    return node != NULL ? MQTT_CONTAINER_OF(node, struct clone_watch, by_number) : NULL;
}

static void on_ending(struct broker *broker, const struct clone_order *order, uint64_t now_ms)
{
    struct clone_watch *watch = clone_order_find(broker, order->to);

    if (watch == NULL)
        return;
    if (order->word == CLONE_WORD_HOLD) {
        hold_begin(watch->client, CLONE_HOLD_TEXT, now_ms);
    } else if (order->word == CLONE_WORD_DROP) {
        client_doom(watch->client, MQTT_ADMINISTRATIVE_ACTION, DROPPED_TEXT);
    } else {
        client_report(watch->client, EVENT_TAKEN_OVER, MQTT_SESSION_TAKEN_OVER, SILENT_TEXT,
                      (struct mqtt_span){ 0 });
        client_doom(watch->client, MQTT_SESSION_TAKEN_OVER, SILENT_TEXT);
    }
}

static void follow(struct broker *broker, const struct clone_order *order, uint64_t now_ms)
{
    switch ((enum clone_word)order->word) {
    case CLONE_WORD_NONE:
        break;
    case CLONE_WORD_ASK:
        clone_answer_asked(broker, order, now_ms);
        break;
    case CLONE_WORD_ALIVE:
    case CLONE_WORD_LEFT:
    case CLONE_WORD_GONE:
    case CLONE_WORD_LATER:
        clone_answered(broker, order, now_ms);
        break;
    case CLONE_WORD_DISMISS:
    case CLONE_WORD_DROP:
    case CLONE_WORD_HOLD:
        on_ending(broker, order, now_ms);
        break;
    }
}

void clone_obey(struct broker *broker, struct mqtt_span bytes, uint64_t now_ms)
{
    struct clone_order order;

    MQTT_INVARIANT(bytes.len == sizeof(order));
    memcpy(&order, bytes.data, sizeof(order));
    follow(broker, &order, now_ms);
}
