/* SPDX-License-Identifier: Apache-2.0 */
/* What `tacit policy replay` found, in the orders in which it is told.
 *
 * Owner: the thread of the command. */
#pragma once

#include "base/attrs.h"
#include "policy/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One recorded use. Everything is borrowed from the sketch and the policies, but for `shape`. */
struct policy_replay_line {
    struct sketch_entry entry;
    bool changes;                /* the rest is set if so */
    struct replay_change change; /* its entry is NULL */
    char *shape; /* the topic with %{device} and so on for the identity's names; owned */
};

struct policy_replay_lines {
    struct policy_replay_line *lines; /* by identity, action, topic */
    size_t count;
    size_t room;
};

/* How many identities and uses there are, and how many of them lose or gain something. */
struct policy_replay_sums {
    size_t identities;
    size_t identities_losing;
    size_t losing; /* uses: all or some of their topics would be refused */
    size_t gaining;
};

/* Uses that change alike: of how many identities, how often, when last. */
struct policy_replay_group {
    const struct policy_replay_line *first;
    size_t identities;
    size_t uses;
    uint64_t count;
    int64_t last_s;
};

/* 0 or -ENOMEM; policy_replay_lines_fini() in both cases. */
MQTT_NODISCARD int policy_replay_lines_of(const struct sketch *sketch, const struct policy *now,
                                          const struct policy *then,
                                          struct policy_replay_lines *out);
void policy_replay_lines_fini(struct policy_replay_lines *lines);

bool policy_replay_line_loses(const struct policy_replay_line *line);

struct policy_replay_sums policy_replay_lines_sum(const struct policy_replay_lines *lines);

/* The changes, those that lose first; the caller frees the array. -ENOMEM. */
MQTT_NODISCARD int policy_replay_lines_group(const struct policy_replay_lines *lines,
                                             struct policy_replay_group **out, size_t *out_count);
