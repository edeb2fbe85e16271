/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/rival_book.h"

#include "sense/device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64u

enum packet {
    CONNECT = 1,
    CONNACK = 2,
    PUBLISH = 3,
    SUBSCRIBE = 8,
    PINGREQ = 12,
    DISCONNECT = 14,
};

void rival_book_init(struct rival_book *book)
{
    /* Fixed, so that two runs say the same. */
    *book = (struct rival_book){ .key = { 1, 2 } };
    bytes_map_init(&book->by_key, &book->key);
}

void rival_book_fini(struct rival_book *book)
{
    bytes_map_fini(&book->by_key);
    for (size_t i = 0; i < book->count; i++)
        free(book->whos[i]);
    free(book->whos);
}

void rival_book_rest(struct rival_book *book)
{
    for (size_t i = 0; i < book->count; i++) {
        struct rival_who *who = book->whos[i];
        who->start_ms = who->alarm_ms = who->topics = 0;
        who->address = 0;
        memset(who->x, 0, sizeof(who->x));
    }
}

static bool has_room(struct rival_book *book)
{
    if (book->count < book->room)
        return true;
    size_t room = book->room == 0 ? FIRST_ROOM : 2 * book->room;
    struct rival_who **bigger = realloc(book->whos, room * sizeof(struct rival_who *));
    if (bigger == NULL)
        return false;
    book->whos = bigger;
    book->room = room;
    return true;
}

/* `is_new`, which may be NULL: it was not known. NULL: no memory. */
static struct rival_who *who_of(struct rival_book *book, char kind, struct mqtt_span name,
                                uint64_t now_ms, bool *is_new)
{
    char key[RIVAL_NAME_BYTES + 1] = { kind };
    size_t len = name.len < RIVAL_NAME_BYTES ? name.len : RIVAL_NAME_BYTES - 1;

    if (len > 0)
        memcpy(key + 1, name.data, len);
    struct bytes_node *node = bytes_map_find(&book->by_key, span_of(key));
    struct rival_who *who = node != NULL ? MQTT_CONTAINER_OF(node, struct rival_who, node) : NULL;
    if (is_new != NULL)
        *is_new = who == NULL;
    if (who == NULL && has_room(book) && (who = calloc(1, sizeof(*who))) != NULL) {
        memcpy(who->key, key, sizeof(key));
        who->node.key = span_of(who->key);
        if (bytes_map_insert(&book->by_key, &who->node) != 0) {
            free(who);
            return NULL;
        }
        book->whos[book->count++] = who;
    }
    if (who != NULL && who->start_ms == 0)
        who->start_ms = now_ms;
    return who;
}

static void raise(float *x, float to)
{
    *x = to > *x ? to : *x;
}

static void count_publish(struct rival_who *who, const struct replay_event *event, uint32_t topic)
{
    uint64_t bit = UINT64_C(1) << (topic & 63);

    who->x[RIVAL_PUBLISHES]++;
    who->x[RIVAL_BYTES] += (float)event->length;
    raise(&who->x[RIVAL_SIZE], (float)event->length);
    if ((who->topics & bit) == 0)
        who->x[RIVAL_TOPICS]++;
    who->topics |= bit;
}

static void count_up(struct rival_book *book, struct rival_who *who,
                     const struct replay_event *event)
{
    uint32_t address = (uint32_t)siphash(&book->key, event->address) | 1;

    if (who->address != 0 && who->address != address)
        who->x[RIVAL_ADDRESSES]++;
    who->address = address;
    if (event->type == PUBLISH)
        count_publish(who, event, (uint32_t)siphash(&book->key, event->topic));
    if (event->type == SUBSCRIBE) {
        who->x[RIVAL_FILTERS]++;
        who->x[RIVAL_WILDCARDS] +=
            (float)sense_filter_weight((const char *)event->topic.data, event->topic.len);
    }
    who->x[RIVAL_PINGS] += event->type == PINGREQ ? 1 : 0;
    who->x[RIVAL_LEAVES] += event->type == DISCONNECT ? 1 : 0;
    if (event->topic.len > 0 && event->topic.data[0] == '$')
        who->x[RIVAL_RESERVED]++;
}

static bool count_at_door(struct rival_book *book, const struct replay_event *event,
                          struct mqtt_span name, uint64_t now_ms)
{
    struct rival_who *source = who_of(book, 'a', event->address, now_ms, NULL);
    bool is_new = false;

    if (source == NULL)
        return false;
    if (event->type == CONNECT) {
        source->x[RIVAL_CONNECTS]++;
        raise(&source->x[RIVAL_KEEPALIVE], (float)event->keepalive_s);
        return true;
    }
    if (event->answer != 0) {
        source->x[RIVAL_FAILURES]++;
        return true;
    }
    struct rival_who *who = who_of(book, 'd', name, now_ms, &is_new);
    if (who == NULL)
        return false;
    who->x[RIVAL_CONNECTS]++;
    source->x[RIVAL_STRANGERS] += is_new ? 1 : 0;
    return true;
}

bool rival_book_count(struct rival_book *book, const struct replay_event *event, uint64_t now_ms)
{
    struct mqtt_span name = event->client.len > 0 ? event->client : event->address;

    if (event->type == CONNECT || event->type == CONNACK)
        return count_at_door(book, event, name, now_ms);
    struct rival_who *who = who_of(book, 'd', name, now_ms, NULL);
    if (who == NULL)
        return false;
    if (event->is_up)
        count_up(book, who, event);
    else if (event->type == PUBLISH)
        who->x[RIVAL_DELIVERED]++;
    who->x[RIVAL_DENIED] += (float)event->refused;
    return true;
}

void rival_who_close(struct rival_who *who, uint64_t now_ms, struct rival_row *out)
{
    for (unsigned i = 0; i < RIVAL_FEATURES; i++) {
        out->x[i] = log1pf(who->x[i]);
        who->x[i] = 0;
    }
    who->topics = 0;
    who->start_ms = now_ms;
}

bool rival_who_is_device(const struct rival_who *who)
{
    return who->key[0] == 'd';
}
