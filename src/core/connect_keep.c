/* SPDX-License-Identifier: Apache-2.0 */
#include "core/connect_keep.h"

#include "core/client.h"
#include "core/gate.h"
#include "core/state.h"

/* Expiry that the session gets: what was asked for, within the limit. Before MQTT 5
 * a session that is not clean lasts as long as the limit allows. */
uint32_t connect_keep_expiry(const struct client *client, const struct mqtt_connect *connect)
{
    uint64_t limit_s = client->broker->limits.session_expiry_s;

    if (connect->version != MQTT_VERSION_5)
        return connect->clean_start ? 0 : (uint32_t)limit_s;
    return connect->session_expiry_s < limit_s ? connect->session_expiry_s : (uint32_t)limit_s;
}

/* Of what its role and its listener say, the least. */
enum policy_durability connect_keep_level(const struct client *client, const struct role *role)
{
    const struct admission_port *port = &client->broker->options.ports.admission;
    enum policy_durability by_role =
        role != NULL ? role_options_of(role)->durability : POLICY_DURABLE;
    enum policy_durability by_listener = port->find_durability != NULL
                                             ? port->find_durability(port->context, client->facts)
                                             : POLICY_DURABLE;

    return by_role > by_listener ? by_role : by_listener;
}

static bool is_to_be_kept(const struct client *client, const struct mqtt_connect *connect)
{
    return client->broker->journal.is_on && client->durability != POLICY_MEMORY
           && connect_keep_expiry(client, connect) > 0;
}

/* Nobody is promised what cannot be kept. NULL, or why not. */
const char *connect_keep_objection(const struct client *client, const struct mqtt_connect *connect,
                                   uint8_t *out_reason)
{
    const struct journal *journal = &client->broker->journal;

    if (!is_to_be_kept(client, connect) || journal->state == JOURNAL_OPEN)
        return NULL;
    *out_reason = MQTT_SERVER_UNAVAILABLE;
    if (journal->state == JOURNAL_FAILED)
        return "the disk of the broker fails; sessions that last are refused until it works again";
    *out_reason = MQTT_QUOTA_EXCEEDED;
    return connect->client_id.len == 0 || session_find(client->broker, connect->client_id) == NULL
               ? "the store of the broker is full; no further session that lasts is taken"
               : NULL;
}

/* On disk from now on, or not any more. */
void connect_keep_session(struct client *client, const struct mqtt_connect *connect)
{
    struct session *session = client->session;
    bool was_kept = session->number != 0;

    session->is_relaxed = client->durability == POLICY_RELAXED;
    if (!is_to_be_kept(client, connect)) {
        journal_forget_session(session);
        return;
    }
    journal_session(session);
    if (was_kept)
        journal_will(session);
}

/* What CONNACK tells is on disk: that a session went or came, its will, and that it has not expired. */
void connect_keep_hold(struct client *client, const struct journal_mark *before)
{
    if (!journal_has_moved(client->broker, before))
        return;
    journal_hold(client);
    if (client->gate != NULL)
        client->gate->holds_connack = true;
}
