/* SPDX-License-Identifier: Apache-2.0 */
/* The connection that is asked for a sign of life. */
#include "codec/ack.h"
#include "core/clone_order.h"
#include "core/encode.h"
#include "core/pace.h"
#include "core/state.h"

#include <string.h>

static bool is_in_use(const struct session *session, uint16_t packet_id)
{
    list_for_each (link, &session->outgoing.inflight) {
        if (MQTT_CONTAINER_OF(link, struct delivery, link)->packet_id == packet_id)
            return true;
    }
    return packet_id == 0;
}

/* Half the numbers away from those that are given out next, and never the same twice in turn. */
static uint16_t choose_probe_id(const struct clone_watch *watch)
{
    const struct session *session = watch->client->session;
    uint16_t id = (uint16_t)(session->outgoing.last_packet_id + 0x8000u);

    while (id == watch->probe_id || is_in_use(session, id))
        id++;
    return id;
}

void clone_answer_asked(struct broker *broker, const struct clone_order *order, uint64_t now_ms)
{
    const struct sighting_ref from = { order->from, (unsigned)order->from_shard };
    struct clone_watch *watch = clone_order_find(broker, order->to);
    struct client *client = watch != NULL ? watch->client : NULL;

    if (client == NULL || client->state == CLIENT_CLOSING || client->state == CLIENT_HELD) {
        clone_order_tell(broker, CLONE_WORD_GONE, &from, order->to, now_ms);
        return;
    }
    /* One that waits itself has nothing to answer yet: it is asked again in the next round. */
    if (client->state != CLIENT_ACTIVE || watch->asker_count == CLONE_ASKERS_MAX) {
        clone_order_tell(broker, CLONE_WORD_LATER, &from, order->to, now_ms);
        return;
    }
    watch->askers[watch->asker_count++] = from;
    watch->probe_id = choose_probe_id(watch);
    watch->probed_ms = now_ms;
    client->is_asked = true;
    pace_hasten(client, now_ms);
    encode_ack(client, MQTT_PUBREL, watch->probe_id, MQTT_SUCCESS, NULL);
}

void clone_answer_all(struct clone_watch *watch, enum clone_word word, uint64_t now_ms)
{
    struct sighting_ref askers[CLONE_ASKERS_MAX];
    unsigned count = watch->asker_count;

    memcpy(askers, watch->askers, sizeof(askers));
    watch->asker_count = 0;
    watch->client->is_asked = false;
    for (unsigned i = 0; i < count; i++)
        clone_order_tell(watch->client->broker, word, &askers[i], watch->number, now_ms);
}

static bool is_answer(const struct client *client, const struct clone_watch *watch,
                      const struct mqtt_frame *frame)
{
    struct mqtt_ack ack;

    return frame->type == MQTT_PUBCOMP
           && mqtt_ack_decode(client->version, MQTT_PUBCOMP, frame->body, &ack) == MQTT_OK
           && ack.packet_id == watch->probe_id;
}

void clone_hear(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms)
{
    struct clone_watch *watch = client->watch;
    uint64_t window_ms = client->broker->limits.clone_probe_ms;

    if (frame->type == MQTT_DISCONNECT)
        return;
    if (is_answer(client, watch, frame)) {
        clone_answer_all(watch, CLONE_WORD_ALIVE, now_ms);
        return;
    }
    /* What it sent before its network changed may be read only now: other packets are a sign of
     * life only when they come late. */
    if (now_ms - watch->probed_ms >= window_ms / 2)
        clone_answer_all(watch, CLONE_WORD_ALIVE, now_ms);
}
