/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the whole: contract in journal_restore.h. */
#include "core/journal_record.h"
#include "core/journal_restore.h"
#include "core/session.h"
#include "core/shared_state.h"
#include "core/state.h"

static void append(struct record *frame, struct record *other)
{
    uint8_t *at = other->len > 0 ? record_reserve(frame, other->len) : NULL;

    if (at != NULL)
        memcpy(at, other->bytes, other->len);
    frame->failed |= other->failed;
    record_reset(other);
}

void journal_join(struct broker *const *brokers, unsigned count)
{
    struct record *frame = &brokers[0]->journal.frame;
    struct shared *shared = brokers[0]->options.shared;

    for (unsigned i = 1; i < count; i++)
        append(frame, &brokers[i]->journal.frame);
    shared_enter(shared);
    append(frame, &shared->journal.frame);
    shared_exit(shared);
    for (unsigned i = 0; i < count; i++)
        brokers[i]->journal.touches_shared = false;
}

void journal_write_meta(struct broker *broker)
{
    struct record *frame = &broker->journal.frame;
    const struct journal_meta meta = { broker->options.hash_key };

    if (!broker->journal.is_on)
        return;
    size_t begin = journal_begin_put(frame, journal_key(JOURNAL_META, 1), 0);
    journal_meta_write(frame, &meta);
    journal_end_put(frame, begin);
}

void journal_everything(struct broker *broker)
{
    journal_touch_shared(broker);
    list_for_each (link, &broker->session_list)
        journal_session(MQTT_CONTAINER_OF(link, struct session, in_broker));
}
