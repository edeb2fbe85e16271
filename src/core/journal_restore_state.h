/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of core/journal_restore.h. Private to journal_restore*.c. */
#pragma once

#include "base/attrs.h"
#include "base/list.h"
#include "core/journal_record.h"
#include "core/journal_restore.h"
#include "core/message.h"

#include <stdbool.h>
#include <stddef.h>

/* A session by its number; they come in the order of their numbers. */
struct numbered {
    uint64_t number;
    struct session *session;
    bool starts_anew; /* its expiry: somebody was connected, as far as anybody knows */
};

struct restoring {
    struct restoring_options options;
    struct numbered *sessions;
    size_t session_count;
    size_t session_capacity;
    size_t last; /* found */
    struct list parcels;
    /* Deliveries of one message stand side by side. */
    struct message *message; /* counted; NULL: none */
    struct broker *message_home;
};

/* A wall-clock time on the brokers' clock; now at the earliest. */
uint64_t journal_restore_due_ms(const struct restoring *r, int64_t wall_ms);

struct publication journal_restore_publication(const struct restoring *r,
                                               const struct journal_message *m);

/* The message of a body, once for those who stand side by side and need it. Borrowed; NULL: it
 * needs none. -EBADMSG, -EPROTO, -ENOMEM. */
MQTT_NODISCARD int journal_restore_message(struct restoring *r, struct broker *home,
                                           const struct journal_thing *thing, struct message **out);

/* ---- journal_restore_parcel.c ---- */

MQTT_NODISCARD int journal_restore_parcel(struct restoring *r, const struct journal_thing *thing);

/* To those for whom they were on their way; the parcels are gone then. */
void journal_restore_deliver(struct restoring *r);
