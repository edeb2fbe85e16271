/* SPDX-License-Identifier: Apache-2.0 */
#include "core/connack.h"

#include "codec/properties.h"
#include "core/authentication.h"
#include "core/client.h"
#include "core/encode.h"
#include "core/state.h"

#include <stdlib.h>

#define BLOCK_BYTES 256u /* for everything of fixed size */

static void add_number(struct mqtt_writer *w, uint8_t id, enum mqtt_property_type type,
                       uint32_t number)
{
    const struct mqtt_property property = { .id = id, .type = type, .number = number };

    mqtt_property_write(w, &property);
}

static void add_bytes(struct mqtt_writer *w, uint8_t id, enum mqtt_property_type type,
                      struct mqtt_span value)
{
    const struct mqtt_property property = { .id = id, .type = type, .value = value };

    if (value.len > 0)
        mqtt_property_write(w, &property);
}

/* What the broker's limits and the session say. */
static void add_limits(struct mqtt_writer *w, const struct client *client,
                       const struct mqtt_connect *connect, const struct connack_session *session)
{
    const struct limits *limits = &client->broker->limits;
    uint32_t keep_alive_s = client->keep_alive_ms / 1500;

    if (session->expiry_s != connect->session_expiry_s)
        add_number(w, MQTT_PROP_SESSION_EXPIRY, MQTT_PROPERTY_U32, session->expiry_s);
    if (limits->receive_maximum < 65535 || client->broker->options.announce_receive_maximum)
        add_number(w, MQTT_PROP_RECEIVE_MAXIMUM, MQTT_PROPERTY_U16,
                   (uint32_t)limits->receive_maximum);
    if (limits->packet_bytes < MQTT_VARINT_MAX)
        add_number(w, MQTT_PROP_MAXIMUM_PACKET_SIZE, MQTT_PROPERTY_U32,
                   (uint32_t)limits->packet_bytes);
    if (limits->topic_alias_maximum > 0)
        add_number(w, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, MQTT_PROPERTY_U16,
                   (uint32_t)limits->topic_alias_maximum);
    if (keep_alive_s != connect->keep_alive_s) /* [MQTT-3.2.2-21] */
        add_number(w, MQTT_PROP_SERVER_KEEP_ALIVE, MQTT_PROPERTY_U16, keep_alive_s);
}

/* What the role may do. A client without a role is told that it may do nothing. */
static void add_rights(struct mqtt_writer *w, const struct client *client,
                       const struct admission_answer *answer)
{
    const struct role *role = answer->role;

    if (client->maximum_qos < MQTT_QOS_2) /* [MQTT-3.2.2-9] */
        add_number(w, MQTT_PROP_MAXIMUM_QOS, MQTT_PROPERTY_BYTE, client->maximum_qos);
    if (!client->may_retain)
        add_number(w, MQTT_PROP_RETAIN_AVAILABLE, MQTT_PROPERTY_BYTE, 0);
    if (role == NULL || !role_may_use_wildcards(role))
        add_number(w, MQTT_PROP_WILDCARD_AVAILABLE, MQTT_PROPERTY_BYTE, 0);
    if (role == NULL || !role_options_of(role)->shared)
        add_number(w, MQTT_PROP_SHARED_AVAILABLE, MQTT_PROPERTY_BYTE, 0);
}

/* Response Information: where this client may expect answers, by its proved name if it has one. MQTT
 * 5.0 section 4.10. */
static void add_response_information(struct mqtt_writer *w, const struct client *client,
                                     const char *device, struct mqtt_span client_id)
{
    struct mqtt_span prefix = span_of(client->broker->options.response_prefix);
    struct mqtt_span id = device != NULL ? span_of(device) : client_id;
    uint8_t text[512];

    if (prefix.len == 0 || prefix.len + id.len + 1 > sizeof(text))
        return;
    memcpy(text, prefix.data, prefix.len);
    text[prefix.len] = '/';
    memcpy(text + prefix.len + 1, id.data, id.len);
    add_bytes(w, MQTT_PROP_RESPONSE_INFORMATION, MQTT_PROPERTY_UTF8,
              (struct mqtt_span){ text, prefix.len + 1 + id.len });
}

/* Who is not told of it may rely on the disk. */
static void add_durability(struct mqtt_writer *w, const struct client *client)
{
    const struct mqtt_property property = {
        .id = MQTT_PROP_USER_PROPERTY,
        .type = MQTT_PROPERTY_PAIR,
        .name = span_of("durability"),
        .value = span_of(policy_durability_name(client->durability)),
    };

    if (client->durability != POLICY_DURABLE)
        mqtt_property_write(w, &property);
}

static void add_names(struct mqtt_writer *w, const struct client *client,
                      const struct mqtt_connect *connect, const struct admission_answer *answer,
                      const struct connack_session *session)
{
    if (session->id_is_assigned) /* [MQTT-3.2.2-16] */
        add_bytes(w, MQTT_PROP_ASSIGNED_CLIENT_ID, MQTT_PROPERTY_UTF8, session->client_id);
    if (connect->request_response)
        add_response_information(w, client, answer->identity.device, session->client_id);
    add_bytes(w, MQTT_PROP_AUTHENTICATION_METHOD, MQTT_PROPERTY_UTF8,
              authentication_method(client));
    if (client->authentication != NULL)
        add_bytes(w, MQTT_PROP_AUTHENTICATION_DATA, MQTT_PROPERTY_BINARY, answer->data);
}

void connack_accept(struct client *client, const struct mqtt_connect *connect,
                    const struct admission_answer *answer, const struct connack_session *session)
{
    struct mqtt_connack connack = {
        /* [MQTT-3.2.2-1]: MQTT 3.1 has no session present flag. */
        .session_present = session->is_present && client->version != MQTT_VERSION_3_1,
    };
    size_t room = BLOCK_BYTES + 512 + client->broker->limits.client_id_bytes + answer->data.len
                  + authentication_method(client).len;
    uint8_t *block = NULL;

    if (client->version == MQTT_VERSION_5) {
        block = malloc(room);
        if (block == NULL) {
            client_doom(client, 0, "out of memory");
            return;
        }
        struct mqtt_writer w = mqtt_writer_over(block, room);
        add_limits(&w, client, connect, session);
        add_rights(&w, client, answer);
        add_names(&w, client, connect, answer, session);
        add_durability(&w, client);
        connack.properties = mqtt_writer_written(&w);
    }
    encode_connack(client, &connack, NULL);
    free(block);
}

void connack_refuse(struct client *client, uint8_t reason, const char *text,
                    const char *server_reference)
{
    uint8_t block[BLOCK_BYTES];
    struct mqtt_writer w = mqtt_writer_over(block, sizeof(block));
    struct mqtt_connack connack = { .reason = reason };

    if (client->version == MQTT_VERSION_5) {
        add_bytes(&w, MQTT_PROP_SERVER_REFERENCE, MQTT_PROPERTY_UTF8, span_of(server_reference));
        connack.properties = mqtt_writer_written(&w);
    } else {
        connack.reason = mqtt_connack_return_code(reason);
    }
    encode_connack(client, &connack, text);
}
