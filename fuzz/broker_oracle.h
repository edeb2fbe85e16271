/* SPDX-License-Identifier: Apache-2.0 */
/* Who has to get a message, by a look at every subscription; and what has to be there again after
 * a crash, by a look at everything that is kept. */
#pragma once

#include "broker_witness.h"

#include <stddef.h>

#define FORESEEN 64u /* sessions; of more than these nothing is foreseen */
#define KEPT     512u

struct foreseen_session {
    char client_id[24];
    unsigned shard;
    struct actor *actor; /* NULL: nobody is connected */
    bool is_wanted;      /* by a subscription of its own */
    bool is_certain;     /* nothing may keep it from that */
    unsigned groups;     /* shared subscriptions that match */
};

/* Zero foresees nothing. */
struct foreseen {
    struct foreseen_session sessions[FORESEEN];
    size_t count;
    uint64_t marker;
    unsigned groups; /* different shared subscriptions that match */
    struct actor *publisher;
    bool is_permitted; /* to the publisher */
    bool is_taken;     /* unless the publisher is disconnected for it */
};

/* Before `publisher` sends that, whose payload begins with a marker that was never used. */
void oracle_foresee(struct world *world, struct actor *actors, struct actor *publisher,
                    const struct mqtt_publish_out *publish, struct foreseen *out);

/* After that. Each session has it once, or not at all, as foreseen. */
void oracle_check(const struct world *world, const struct foreseen *foreseen);

/* All that a crash must not take, each thing as a number. */
struct kept {
    uint64_t things[KEPT];
    size_t count;
    bool is_known; /* it is all on disk, and there are not too many */
};

void oracle_keep(struct world *world, struct kept *out);
void oracle_check_kept(struct world *world, const struct kept *before);
