/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: from the first change of a turn to the word that they are on disk. The things in them
 * are journal_things.c. */
#include "core/journal.h"

#include "core/client.h"
#include "core/gate.h"
#include "core/shared_state.h"
#include "core/state.h"

#include <stdlib.h>

void journal_init(struct broker *broker, uint64_t now_ms)
{
    struct journal *journal = &broker->journal;

    journal->is_on = broker->options.ports.journal.submit != NULL;
    journal->state = JOURNAL_OPEN;
    journal->number = 1;
    journal->wall_offset_ms = broker->options.wall_ms - (int64_t)now_ms;
    if (journal->is_on) {
        shared_enter(broker->options.shared);
        broker->options.shared->journal.is_on = true;
        broker->options.shared->journal.wall_offset_ms = journal->wall_offset_ms;
        shared_exit(broker->options.shared);
    }
    list_init(&journal->gated);
    list_init(&journal->blocked);
}

void broker_abandon(struct broker *broker)
{
    broker->journal.is_on = false;
}

void journal_fini(struct broker *broker)
{
    broker_abandon(broker);
    record_fini(&broker->journal.frame);
}

struct journal_mark journal_mark(const struct broker *broker)
{
    const struct journal *journal = &broker->journal;

    return (struct journal_mark){ journal->number, journal->frame.len, journal->shared_moves };
}

void journal_touch_shared(struct broker *broker)
{
    broker->journal.touches_shared = true;
    broker->journal.shared_moves++;
}

bool journal_has_moved(const struct broker *broker, const struct journal_mark *since)
{
    const struct journal *journal = &broker->journal;

    return journal->number != since->number || journal->frame.len != since->len
           || journal->shared_moves != since->shared_moves;
}

/* ---- those who wait ---- */

static bool is_empty(const struct journal *journal)
{
    return journal->frame.len == 0 && !journal->touches_shared && !journal->is_awaited;
}

void journal_hold(struct client *client)
{
    struct journal *journal = &client->broker->journal;
    uint64_t frame = is_empty(journal) ? journal->number - 1 : journal->number;
    uint64_t done = client->durability == POLICY_RELAXED ? journal->written : journal->confirmed;

    if (!journal->is_on || client->durability == POLICY_MEMORY || frame <= done)
        return;
    journal->is_awaited |= frame == journal->number;
    if (!gate_close(client, frame))
        client_doom(client, 0, "out of memory");
}

static size_t backlog_bytes(const struct journal *journal)
{
    return (size_t)(journal->submitted_bytes - journal->confirmed_bytes) + journal->frame.len;
}

void journal_press(struct client *client)
{
    struct broker *broker = client->broker;

    if (MQTT_LIKELY(backlog_bytes(&broker->journal) < broker->limits.store_backlog_bytes)
        || client->is_blocked)
        return;
    struct client_aside *aside = client_aside(client);
    if (aside == NULL)
        return;
    client->is_blocked = true;
    broker->stats.store_blocked++;
    list_push_back(&broker->journal.blocked, &aside->blocked);
}

/* Those that are still here are read again; the transport gives them what had arrived. */
static void unblock(struct broker *broker, uint64_t now_ms)
{
    struct list ready;
    struct list *link;

    if (list_is_empty(&broker->journal.blocked)
        || backlog_bytes(&broker->journal) > broker->limits.store_backlog_bytes / 2)
        return;
    list_init(&ready);
    while ((link = list_take_first(&broker->journal.blocked)) != NULL)
        list_push_back(&ready, link);
    while ((link = list_take_first(&ready)) != NULL) {
        struct client *client = MQTT_CONTAINER_OF(link, struct client_aside, blocked)->client;

        client->is_blocked = false;
        client->received_ms = now_ms; /* it was not silent, it was not heard */
        if (!client_is_waiting(client))
            broker->options.ports.transport.resume(client->transport);
    }
}

void broker_confirm(struct broker *broker, const struct journal_progress *progress, uint64_t now_ms)
{
    struct journal *journal = &broker->journal;

    journal->state = progress->state;
    if (progress->written > journal->written)
        journal->written = progress->written;
    if (progress->confirmed > journal->confirmed)
        journal->confirmed = progress->confirmed;
    if (progress->confirmed_bytes > journal->confirmed_bytes)
        journal->confirmed_bytes = progress->confirmed_bytes;
    gate_open(broker);
    unblock(broker, now_ms);
    broker_reap(broker, now_ms);
}

/* ---- frames ---- */

/* What a frame lacks is not on disk, so nothing that comes later may be called so. */
static void give_up(struct broker *broker)
{
    broker->journal.is_on = false;
    broker->journal.state = JOURNAL_FAILED;
    broker->options.ports.journal.broken(broker->options.ports.journal.context,
                                         broker->options.shard);
}

static void submit_shared(const struct broker *broker)
{
    const struct journal_port *port = &broker->options.ports.journal;
    struct shared *shared = broker->options.shared;

    shared_enter(shared);
    struct record *frame = &shared->journal.frame;
    if (frame->len > 0)
        /* Under the lock, so that what two shards change is written in the order of the changes. */
        port->submit(port->context, broker->options.shard, 0, frame->bytes, frame->len);
    *frame = (struct record){ .failed = frame->failed };
    shared_exit(shared);
}

void broker_flush_journal(struct broker *broker)
{
    const struct journal_port *port = &broker->options.ports.journal;
    struct journal *journal = &broker->journal;

    if (MQTT_LIKELY(is_empty(journal)) || !journal->is_on)
        return;
    if (journal->touches_shared)
        submit_shared(broker);
    journal->touches_shared = false;
    if (journal->frame.failed || broker->options.shared->journal.frame.failed) {
        give_up(broker);
        return;
    }
    struct record frame = journal->frame;
    journal->frame = (struct record){ 0 };
    journal->is_awaited = false;
    journal->submitted_bytes += frame.len;
    port->submit(port->context, broker->options.shard, journal->number++, frame.bytes, frame.len);
}

int64_t journal_wall_ms(const struct broker *broker, uint64_t then_ms)
{
    return (int64_t)then_ms + broker->journal.wall_offset_ms;
}

void broker_set_wall(struct broker *broker, int64_t wall_ms, uint64_t now_ms)
{
    broker->journal.wall_offset_ms = wall_ms - (int64_t)now_ms;
    shared_enter(broker->options.shared);
    broker->options.shared->journal.wall_offset_ms = broker->journal.wall_offset_ms;
    shared_exit(broker->options.shared);
}
