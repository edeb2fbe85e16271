/* SPDX-License-Identifier: Apache-2.0 */
/* A message is kept under 1 + its token modulo the places there are; so its age can be
 * told from its token, and no list of what is kept needs to be. Under 0 are the
 * identifiers of QoS 2 messages that were received. */
#include "client/store.h"

#include "client/outbound.h"

#include <string.h>

#define INBOUND_ID   0u
#define EXPIRY_BYTES 4u

static uint32_t place_of(const struct tacit_client *client, uint32_t token)
{
    return 1 + token % client->config->store->messages;
}

bool tacit_store_has_place(const struct tacit_client *client, uint32_t token)
{
    const struct tacit_record *record = tacit_queue_next(&client->queue, NULL);
    for (; record != NULL; record = tacit_queue_next(&client->queue, record))
        if (tacit_store_keeps(client, record) && record->token != token
            && place_of(client, record->token) == place_of(client, token))
            return false;
    return true;
}

/* The clock that an expiry counts by ends with the power: what is kept is the time that
 * is left. */
bool tacit_store_keep(struct tacit_client *client, const struct tacit_record *record)
{
    const struct tacit_store *store = client->config->store;
    struct tacit_record head = *record;
    struct mqtt_span topic = tacit_record_topic(record);
    struct mqtt_span payload = tacit_record_payload(record);
    size_t front_len = (size_t)record->topic_len + record->properties_len;
    uint8_t left[EXPIRY_BYTES];
    unsigned left_len = record->has_expiry ? EXPIRY_BYTES : 0;
    struct tacit_sink sink = { left, 0, EXPIRY_BYTES };
    tacit_put_number(&sink, tacit_seconds_left(client, record), left_len);
    const struct tacit_bytes pieces[] = { { &head, sizeof(head) },
                                          { topic.data, front_len - left_len },
                                          { left, left_len },
                                          { payload.data, payload.len } };
    unsigned count = MQTT_ARRAY_LEN(pieces);
    /* The server has it: what is left to do needs no more than the identifier. */
    if (record->state == TACIT_RECORD_RELEASED) {
        head.topic_len = 0;
        head.properties_len = 0;
        head.payload_len = 0;
        head.has_expiry = 0;
        count = 1;
    }
    return store->put(store->context, place_of(client, record->token), pieces, count) == TACIT_OK;
}

bool tacit_store_drop(struct tacit_client *client, const struct tacit_record *record)
{
    const struct tacit_store *store = client->config->store;
    return store->del(store->context, place_of(client, record->token)) == TACIT_OK;
}

bool tacit_store_keep_inbound(struct tacit_client *client, uint32_t count)
{
    const struct tacit_store *store = client->config->store;
    while (count > 0 && tacit_inbound(client)[count - 1] == 0)
        count--;
    struct tacit_bytes ids = { tacit_inbound(client), count * sizeof(uint16_t) };
    return store->put(store->context, INBOUND_ID, &ids, 1) == TACIT_OK;
}

static int fetch(const struct tacit_client *client, uint32_t id, void *out, size_t size)
{
    const struct tacit_store *store = client->config->store;
    return store->get(store->context, id, out, size);
}

/* Is that what tacit_store_keep wrote there? */
static bool is_ours(const struct tacit_client *client, uint32_t place,
                    const struct tacit_record *head, size_t len)
{
    size_t rest = (size_t)head->topic_len + head->properties_len + head->payload_len;
    bool is_whole = len >= sizeof(*head) && len - sizeof(*head) == rest;
    bool is_known = head->state == TACIT_RECORD_QUEUED || head->state == TACIT_RECORD_SENT
                    || head->state == TACIT_RECORD_RELEASED;
    return is_whole && is_known && !head->in_pieces && head->qos >= 1
           && head->qos <= TACIT_HIGHEST_QOS && head->packet_id != 0 && head->token != 0
           && place_of(client, head->token) == place
           && (!head->has_expiry || head->properties_len >= EXPIRY_BYTES);
}

/* Reads the head of what is kept there. TACIT_AGAIN: nothing is. */
static enum tacit_status read_head(const struct tacit_client *client, uint32_t place,
                                   struct tacit_record *out)
{
    memset(out, 0, sizeof(*out));
    int len = fetch(client, place, out, sizeof(*out));
    if (len == 0)
        return TACIT_AGAIN;
    return len > 0 && is_ours(client, place, out, (size_t)len) ? TACIT_OK : TACIT_STORE;
}

/* The lowest token of those kept, 0 if nothing is. */
static enum tacit_status find_oldest(const struct tacit_client *client, uint32_t *out_token)
{
    struct tacit_record head;
    *out_token = 0;
    for (uint32_t place = 1; place <= client->config->store->messages; place++) {
        enum tacit_status status = read_head(client, place, &head);
        if (status == TACIT_STORE)
            return status;
        /* Tokens begin anew after the last one. */
        if (status == TACIT_OK && (*out_token == 0 || head.token - *out_token > INT32_MAX))
            *out_token = head.token;
    }
    return TACIT_OK;
}

static enum tacit_status restore_message(struct tacit_client *client, uint32_t place)
{
    struct tacit_record head;
    enum tacit_status status = read_head(client, place, &head);
    if (status != TACIT_OK)
        return status == TACIT_AGAIN ? TACIT_OK : status;
    struct tacit_record *record = tacit_queue_add(&client->queue, &head);
    if (record == NULL)
        return TACIT_FULL;
    size_t len = sizeof(head) + (size_t)head.topic_len + head.properties_len + head.payload_len;
    if (fetch(client, place, record, len) != (int)len)
        return TACIT_STORE;
    client->last_token = head.token;
    client->next_packet_id = head.packet_id;
    client->was_up = true;
    return TACIT_OK;
}

/* Nobody knows any more which were sent, so each may have been. */
static void take_as_sent(struct tacit_client *client)
{
    struct tacit_record *record = tacit_queue_next(&client->queue, NULL);
    for (; record != NULL; record = tacit_queue_next(&client->queue, record))
        if (record->state == TACIT_RECORD_QUEUED)
            record->state = TACIT_RECORD_SENT;
}

static enum tacit_status restore_inbound(struct tacit_client *client)
{
    size_t size = tacit_inbound_size(client) * sizeof(uint16_t);
    int len = fetch(client, INBOUND_ID, tacit_inbound(client), size);
    if (len < 0)
        return TACIT_STORE;
    if ((size_t)len > size)
        return TACIT_FULL;
    client->was_up |= len > 0;
    return TACIT_OK;
}

enum tacit_status tacit_restore(struct tacit_client *client)
{
    uint32_t oldest;
    if (!tacit_has_store(client))
        return TACIT_OK;
    enum tacit_status status = restore_inbound(client);
    if (status == TACIT_OK)
        status = find_oldest(client, &oldest);
    for (uint32_t i = 0; status == TACIT_OK && i < client->config->store->messages; i++)
        status = restore_message(client, place_of(client, oldest + i));
    take_as_sent(client);
    return status;
}
