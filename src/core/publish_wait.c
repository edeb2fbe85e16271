/* SPDX-License-Identifier: Apache-2.0 */
/* Publications that other shards have yet to reply to: contract in publish.h. */
#include "core/client.h"
#include "core/publish.h"
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

static struct mqtt_span key_of(const uint64_t *ticket)
{
    return (struct mqtt_span){ (const uint8_t *)ticket, sizeof(*ticket) };
}

static void forget(struct publish_wait *wait)
{
    if (wait->ticket != 0)
        bytes_map_remove(&wait->session->broker->waits, &wait->by_ticket);
    list_unlink(&wait->in_session);
    free(wait->text);
    free(wait);
}

static struct publish_wait *wait_of(struct list *link)
{
    return MQTT_CONTAINER_OF(link, struct publish_wait, in_session);
}

static struct publish_wait *wait_new(struct client *client, const struct mqtt_publish *publish)
{
    struct publish_wait *wait = calloc(1, sizeof(*wait));

    if (wait == NULL) {
        client_doom(client, MQTT_UNSPECIFIED_ERROR, "out of memory");
        return NULL;
    }
    wait->session = client->session;
    wait->client = client;
    wait->packet_id = publish->packet_id;
    wait->qos = publish->qos;
    return wait;
}

static void push(struct publish_wait *wait)
{
    struct list *waits = &wait->session->waits;

    if (waits->next == NULL)
        list_init(waits);
    list_push_back(waits, &wait->in_session);
}

void publish_await(struct client *client, const struct mqtt_publish *publish,
                   const struct routed *routed, uint64_t ticket)
{
    struct publish_wait *wait = wait_new(client, publish);

    if (wait == NULL)
        return;
    wait->ticket = ticket;
    wait->routed = *routed;
    wait->by_ticket.key = key_of(&wait->ticket);
    if (bytes_map_insert(&client->broker->waits, &wait->by_ticket) == 0) {
        push(wait);
        return;
    }
    free(wait);
    client_doom(client, MQTT_UNSPECIFIED_ERROR, "out of memory");
}

/* Those of a connection that is gone keep nobody waiting. */
static bool is_anybody_before(const struct client *client)
{
    list_for_each (link, &client->session->waits)
        if (wait_of(link)->client == client)
            return true;
    return false;
}

/* NULL also out of memory: without it, it is an answer, too. */
static char *copy(const char *text)
{
    size_t size = text != NULL ? strlen(text) + 1 : 0;
    char *memory = size > 0 ? malloc(size) : NULL;

    return memory != NULL ? memcpy(memory, text, size) : NULL;
}

bool publish_queue(struct client *client, const struct mqtt_publish *publish, uint8_t reason,
                   const char *text)
{
    if (client->session->answers || !is_anybody_before(client))
        return false;
    struct publish_wait *wait = wait_new(client, publish);
    if (wait == NULL)
        return true;
    wait->has_answer = true;
    wait->reason = reason;
    wait->text = copy(text);
    push(wait);
    return true;
}

static void answer(struct publish_wait *wait)
{
    struct client *client = wait->client;
    const struct mqtt_publish publish = { .packet_id = wait->packet_id, .qos = wait->qos };

    /* What was written for it may be in any frame that is not confirmed yet. */
    client->broker->journal.entered = (struct journal_mark){ 0 };
    if (wait->has_answer)
        publish_answer(client, &publish, wait->reason, wait->text);
    else
        publish_settle(client, &publish, &wait->routed);
}

/* Answers from the front whatever can be. */
static void drain(struct session *session)
{
    session->answers = true;
    list_for_each_safe (link, following, &session->waits) {
        struct publish_wait *wait = wait_of(link);
        const struct client *client = wait->client;

        if (client != NULL && wait->routed.awaited > 0)
            break;
        if (client == NULL)
            continue;
        if (client->state == CLIENT_ACTIVE)
            answer(wait);
        forget(wait);
    }
    session->answers = false;
}

void publish_replied(struct broker *broker, uint64_t ticket, const struct routed *routed)
{
    struct bytes_node *node = bytes_map_find(&broker->waits, key_of(&ticket));

    if (node == NULL)
        return;
    struct publish_wait *wait = MQTT_CONTAINER_OF(node, struct publish_wait, by_ticket);
    struct session *session = wait->session;
    wait->routed.accepted += routed->accepted;
    wait->routed.refused |= routed->refused;
    if (--wait->routed.awaited > 0)
        return;
    if (wait->client != NULL) {
        drain(session);
        return;
    }
    if (wait->routed.refused && wait->routed.accepted == 0)
        publish_disown(session, wait->packet_id);
    forget(wait);
}

bool publish_is_awaited(struct client *client, uint16_t packet_id)
{
    struct list *waits = &client->session->waits;

    if (waits->next == NULL)
        return false;
    list_for_each (link, waits) {
        struct publish_wait *wait = wait_of(link);

        if (wait->qos != MQTT_QOS_2 || wait->packet_id != packet_id || wait->has_answer)
            continue;
        /* In the order of this connection, behind answers that were queued on it. */
        wait->client = client;
        list_unlink(link);
        list_push_back(waits, link);
        return true;
    }
    return false;
}

void publish_leave(struct client *client)
{
    struct session *session = client->session;

    if (session == NULL || session->waits.next == NULL)
        return;
    list_for_each_safe (link, following, &session->waits) {
        struct publish_wait *wait = wait_of(link);

        wait->client = NULL;
        if (wait->qos != MQTT_QOS_2 || wait->has_answer)
            forget(wait);
    }
}

void publish_forget(struct session *session)
{
    if (session->waits.next == NULL)
        return;
    list_for_each_safe (link, following, &session->waits)
        forget(wait_of(link));
}
