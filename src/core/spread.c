/* SPDX-License-Identifier: Apache-2.0 */
#include "core/spread.h"

#include "core/client.h"
#include "core/encode.h"
#include "core/pressure.h"
#include "core/sensed.h"
#include "core/session.h"
#include "core/standing.h"
#include "core/state.h"

#include <string.h>

void spread_begin(struct broker *broker, struct publication *publication, uint32_t count)
{
    publication->is_spread = count >= SPREAD_LEAST;
    broker->spread.of = NULL;
}

/* Aliases are a connection's own: what one gets is no use to another. */
static bool has_aliases(const struct client *client)
{
    return client->version == MQTT_VERSION_5 && client->topic_alias_maximum > 0;
}

static bool fits(const struct spread *spread, const struct session *session,
                 const struct publication *publication, const struct terms *terms)
{
    const struct client *client = session->client;

    return spread->of == publication && spread->version == (uint8_t)client->version
           && spread->space_len == session->space_len && spread->retain == terms->retain
           && spread->identifiers == terms->identifiers && spread->len <= client->maximum_packet
           && !has_aliases(client);
}

static void copy(struct client *client, const struct spread *spread)
{
    uint8_t *at = client_reserve(client, spread->len);

    if (at == NULL)
        return; /* the client is doomed */
    memcpy(at, spread->bytes, spread->len);
    client_written(client, spread->len);
    client->broker->stats.publish_sent++;
    sensed_delivered(client, spread->of->origin == client->session);
}

/* What was just written, for the others. */
static void keep(struct spread *spread, const struct session *session,
                 const struct publication *publication, const struct terms *terms, size_t len)
{
    const struct outbox_chunk *chunk = session->client->outbox.last;

    if (len > SPREAD_BYTES || has_aliases(session->client))
        return;
    spread->of = publication;
    spread->identifiers = terms->identifiers;
    spread->len = (uint32_t)len;
    spread->version = (uint8_t)session->client->version;
    spread->space_len = session->space_len;
    spread->retain = terms->retain;
    memcpy(spread->bytes, chunk->bytes + chunk->end - len, len);
}

static void encode(struct session *session, const struct publication *publication,
                   const struct terms *terms, uint64_t now_ms)
{
    const struct outbox *outbox = &session->client->outbox;
    size_t before = outbox->bytes;
    /* Each field is named: what is not would be zeroed before, all of it. */
    struct wire wire = {
        .packet = { .qos = MQTT_QOS_0,
                    .retain = terms->retain,
                    .duplicate = false,
                    .packet_id = 0,
                    .topic = space_leave(session, publication->topic),
                    .forward = publication->forward,
                    .payload = publication->payload,
                    .has_expiry = false,
                    .expiry_s = 0,
                    .topic_alias = 0,
                    .subscription_identifiers = NULL,
                    .subscription_identifier_count = 0 },
        .expires_ms = publication->expires_ms,
        .identifiers = terms->identifiers,
        .is_echo = publication->origin == session,
    };

    if (encode_publish(session->client, &wire, now_ms) == ENCODED && publication->is_spread)
        keep(&session->broker->spread, session, publication, terms, outbox->bytes - before);
}

enum delivery_result spread_deliver(struct session *session, const struct publication *publication,
                                    const struct terms *terms, uint64_t now_ms)
{
    struct broker *broker = session->broker;
    struct client *client = session->client;

    if (client == NULL || client->state != CLIENT_ACTIVE)
        return DELIVERY_DONE;
    if (client->stalled || pressure_sheds(client)) {
        broker->stats.publish_dropped++;
        return DELIVERY_DROPPED;
    }
    if (publication->is_spread && fits(&broker->spread, session, publication, terms))
        copy(client, &broker->spread);
    else
        encode(session, publication, terms, now_ms);
    return DELIVERY_DONE;
}
