/* SPDX-License-Identifier: Apache-2.0 */
/* What was on its way from one shard to another. */
#include "core/client.h"
#include "core/journal_restore_state.h"
#include "core/route.h"
#include "core/session.h"
#include "core/state.h"

#include <errno.h>
#include <stdlib.h>

struct parcel {
    struct list link;
    uint64_t number;
    struct message *message;
    struct broker *home; /* whose message it is */
    struct journal_parcel record;
    uint8_t group[];
};

int journal_restore_parcel(struct restoring *r, const struct journal_thing *thing)
{
    struct journal_parcel record;
    struct message *message;
    int error = journal_parcel_read(thing->bytes, &record);

    if (error == 0 && thing->body_key == 0)
        error = -EBADMSG;
    if (error == 0)
        error = journal_restore_message(r, r->options.brokers[0], thing, &message);
    if (error != 0)
        return error;
    struct parcel *parcel = malloc(sizeof(*parcel) + record.group.len);
    if (parcel == NULL)
        return -ENOMEM;
    *parcel = (struct parcel){
        .number = journal_number_of(thing->key),
        .message = message_ref(message),
        .home = r->message_home,
        .record = record,
    };
    if (record.group.len > 0)
        memcpy(parcel->group, record.group.data, record.group.len);
    parcel->record.group.data = parcel->group;
    list_push_back(&r->parcels, &parcel->link);
    return 0;
}

/* What the parcel carries, on this shard: messages belong to the shard that counts them. */
static struct publication publication_here(const struct parcel *parcel, const struct broker *broker)
{
    struct publication here = message_publication(parcel->message);

    if (broker != parcel->home)
        here.message = NULL;
    here.number = parcel->message->number;
    return here;
}

/* Those of the shard that the parcel was for, as it was cut then, wherever they are now. */
static void deliver_plain(const struct restoring *r, const struct parcel *parcel,
                          struct broker *broker)
{
    struct publication here = publication_here(parcel, broker);
    struct route *route = route_find(broker, here.topic);

    here.qos = (enum mqtt_qos)parcel->record.qos;
    here.retain = parcel->record.retain;
    for (uint32_t i = 0; route != NULL && i < route->target_count; i++) {
        const struct route_target *target = &route->targets[i];
        struct mqtt_span id = session_client_id(target->session);
        struct terms terms;

        route_terms(target, &here, &terms);
        if (siphash(&broker->options.hash_key, id) % parcel->record.shard_count
            == parcel->record.shard)
            (void)session_deliver(target->session, &here, &terms, r->options.now_ms);
    }
    if (broker != parcel->home)
        publication_fini(&here, &broker->messages);
}

static bool deliver_to_group(const struct restoring *r, const struct parcel *parcel,
                             struct broker *broker)
{
    struct share_group *group = share_group_find(broker, parcel->record.group);

    if (group == NULL)
        return false;
    struct publication here = publication_here(parcel, broker);
    bool is_delivered = share_group_deliver(group, &here, r->options.now_ms) == DELIVERY_DONE;
    if (broker != parcel->home)
        publication_fini(&here, &broker->messages);
    return is_delivered;
}

static void deliver_parcel(struct restoring *r, struct parcel *parcel)
{
    bool is_delivered = false;

    for (unsigned i = 0; i < r->options.count; i++) {
        struct broker *broker = r->options.brokers[i];
        const struct limits limits = broker->limits;

        /* Whoever published it may have been told that all is well: no queue is full for it. */
        broker->limits.session_queue_messages = UINT64_MAX;
        broker->limits.session_queue_bytes = UINT64_MAX;
        if (parcel->record.group.len == 0)
            deliver_plain(r, parcel, broker);
        else if (!is_delivered)
            is_delivered = deliver_to_group(r, parcel, broker);
        broker->limits = limits;
    }
    journal_forget_parcel(r->options.brokers[0], parcel->number);
    journal_settle_message(parcel->message);
    message_unref(parcel->message, &parcel->home->messages);
    list_unlink(&parcel->link);
    free(parcel);
}

void journal_restore_deliver(struct restoring *r)
{
    list_for_each_safe (link, following, &r->parcels)
        deliver_parcel(r, MQTT_CONTAINER_OF(link, struct parcel, link));
}
