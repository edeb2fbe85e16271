/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alias.h"

#include "core/client.h"
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

struct alias_topic {
    uint32_t len;
    uint8_t bytes[];
};

struct alias_table_in {
    uint16_t count;
    struct alias_topic *topics[]; /* by alias - 1 */
};

struct alias_out {
    uint64_t hash;
    struct alias_topic *topic;
};

struct alias_table_out {
    uint16_t count; /* aliases given: 1..count */
    uint16_t capacity;
    struct alias_out entries[];
};

static struct alias_topic *topic_copy(struct mqtt_span topic)
{
    struct alias_topic *copy = malloc(sizeof(*copy) + topic.len);

    if (copy == NULL)
        return NULL;
    copy->len = (uint32_t)topic.len;
    memcpy(copy->bytes, topic.data, topic.len);
    return copy;
}

static struct mqtt_span topic_span(const struct alias_topic *topic)
{
    return (struct mqtt_span){ topic->bytes, topic->len };
}

static struct alias_table_in *table_in(struct client *client)
{
    uint16_t count = (uint16_t)client->broker->limits.topic_alias_maximum;

    if (client->aliases_in == NULL) {
        client->aliases_in =
            calloc(1, sizeof(struct alias_table_in) + count * sizeof(struct alias_topic *));
        if (client->aliases_in != NULL)
            client->aliases_in->count = count;
    }
    return client->aliases_in;
}

enum mqtt_status alias_resolve(struct client *client, struct mqtt_publish *publish)
{
    struct alias_table_in *table;
    struct alias_topic **slot;

    if (!publish->has_topic_alias)
        return MQTT_OK;
    /* What CONNACK announced stays true for this connection even if the limit
     * was changed since: the table keeps the size it was made with. */
    table = client->aliases_in;
    if (publish->topic_alias
        > (table != NULL ? table->count : client->broker->limits.topic_alias_maximum))
        return MQTT_ERR_TOPIC_ALIAS; /* [MQTT-3.3.2-9] */
    table = table_in(client);
    if (table == NULL) {
        client_doom(client, MQTT_UNSPECIFIED_ERROR, "out of memory");
        return MQTT_ERR_TOPIC_ALIAS_UNKNOWN;
    }
    slot = &table->topics[publish->topic_alias - 1];
    if (publish->topic.len == 0) {
        if (*slot == NULL)
            return MQTT_ERR_TOPIC_ALIAS_UNKNOWN;
        publish->topic = topic_span(*slot);
        return MQTT_OK;
    }
    if (*slot != NULL && span_equal(topic_span(*slot), publish->topic))
        return MQTT_OK;
    free(*slot);
    *slot = topic_copy(publish->topic);
    if (*slot == NULL)
        client_doom(client, MQTT_UNSPECIFIED_ERROR, "out of memory");
    return MQTT_OK;
}

static struct alias_table_out *table_out(struct client *client)
{
    uint16_t capacity = client->topic_alias_maximum;

    if (client->aliases_out == NULL) {
        client->aliases_out =
            calloc(1, sizeof(struct alias_table_out) + capacity * sizeof(struct alias_out));
        if (client->aliases_out != NULL)
            client->aliases_out->capacity = capacity;
    }
    return client->aliases_out;
}

void alias_for_outgoing(struct client *client, struct mqtt_publish_out *out)
{
    struct alias_table_out *table = table_out(client);
    uint64_t hash;

    if (table == NULL)
        return; /* an alias saves bytes, nothing depends on it */
    hash = siphash(&client->broker->options.hash_key, out->topic);
    for (uint16_t i = 0; i < table->count; i++) {
        const struct alias_out *entry = &table->entries[i];
        if (entry->hash == hash && span_equal(topic_span(entry->topic), out->topic)) {
            out->topic_alias = (uint16_t)(i + 1);
            out->topic = (struct mqtt_span){ 0 };
            return;
        }
    }
    if (table->count == table->capacity)
        return;
    struct alias_topic *topic = topic_copy(out->topic);
    if (topic == NULL)
        return;
    table->entries[table->count++] = (struct alias_out){ hash, topic };
    out->topic_alias = table->count;
}

void alias_forget_unsent(struct client *client, const struct mqtt_publish_out *out)
{
    struct alias_table_out *table = client->aliases_out;

    if (out->topic_alias == 0 || out->topic.len == 0)
        return;
    table->count--;
    free(table->entries[table->count].topic);
}

void alias_fini(struct client *client)
{
    if (client->aliases_in != NULL)
        for (uint16_t i = 0; i < client->aliases_in->count; i++)
            free(client->aliases_in->topics[i]);
    free(client->aliases_in);
    client->aliases_in = NULL;
    if (client->aliases_out != NULL)
        for (uint16_t i = 0; i < client->aliases_out->count; i++)
            free(client->aliases_out->entries[i].topic);
    free(client->aliases_out);
    client->aliases_out = NULL;
}
