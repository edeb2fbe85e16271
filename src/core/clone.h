/* SPDX-License-Identifier: Apache-2.0 */
/* One key in two places: promise I5. Private to the core.
 *
 * A newcomer that meets an earlier connection of its key (sightings.h) waits, as for a verdict,
 * while the earlier one is asked for a sign of life: a PUBREL with a packet identifier that is not
 * in use, which every client has to answer with PUBCOMP. A silent one is closed and the newcomer
 * comes in; a living one is a clone, and the role says what follows. Between shards all this goes
 * by orders that name connections by number.
 *
 * Owner: the shard of the client. */
#pragma once

#include "base/bytes_map.h"
#include "base/list.h"
#include "base/timer_wheel.h"
#include "codec/frame.h"
#include "core/client.h"
#include "core/ports.h"
#include "core/sightings.h"

#include <stdbool.h>
#include <stdint.h>

#define CLONE_ASKERS_MAX  4u /* newcomers that one connection answers at a time; others ask again */
#define CLONE_ROUND_MAX   16u /* connections that a newcomer asks at a time */
#define CLONE_ORDER_BYTES 32u

#define CLONE_HOLD_TEXT "this identity is held: its key was seen in two places"

struct clone_contest;

/* What a client has whose key is looked after. */
struct clone_watch {
    struct bytes_node by_number; /* in broker->watches */
    uint64_t number;
    struct client *client;
    struct sighting *sighting;
    enum policy_clone rule;
    /* while it waits */
    struct clone_contest *contest; /* NULL: it does not */
    struct wheel_timer timer;
    struct list resuming; /* in broker->resuming: to be read again */
    bool has_passed;      /* those it met are gone or ordered away */
    const char *held;     /* the clone is itself: static text; NULL: not known to be one */
    /* while it is asked */
    struct sighting_ref askers[CLONE_ASKERS_MAX];
    unsigned asker_count;
    uint16_t probe_id;
    uint64_t probed_ms;
    /* without a session */
    struct identity *identity; /* owned; NULL: it has a session */
    struct list in_held;       /* in broker->held: hold.h */
};

enum clone_entry {
    CLONE_REFUSED = 0, /* *out_reason says why */
    CLONE_WAITS,       /* connect_go_on() or connect_turn_away() follows */
    CLONE_HELD,        /* comes in, and that is all */
    CLONE_COMES_IN,
};

/* Admission has allowed a CONNECT, whose body is remembered (authentication.h). */
enum clone_entry clone_enter(struct client *client, struct mqtt_span client_id,
                             const struct admission_answer *answer, uint64_t now_ms,
                             uint8_t *out_reason, const char **out_text);

/* It is in. */
void clone_settle(struct client *client);

/* A packet came from a client that is asked for a sign of life. */
void clone_hear(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms);

/* The client goes: who waits for it hears of it. */
void clone_forget(struct client *client, uint64_t now_ms);

/* Those who need wait no longer are read again. Not from inside a call about another client. */
void clone_resume(struct broker *broker);

/* An order of another shard, CLONE_ORDER_BYTES long. */
void clone_obey(struct broker *broker, struct mqtt_span order, uint64_t now_ms);
