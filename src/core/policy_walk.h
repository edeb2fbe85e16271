/* SPDX-License-Identifier: Apache-2.0 */
/* The walk that follows a change of policy and ends what is no longer granted.
 *
 * Owner: the shard. Nothing depends on it for safety: every use of a right is judged by the
 * policy in force (standing.h). It gives back memory and index, and tells what has ended. */
#pragma once

#include "base/list.h"
#include "core/state.h"

struct client;
struct session;
struct subscription;

/* Takes over what the policy in force says of it; it may be gone afterwards. */
void policy_walk_judge(struct subscription *subscription);

/* What is on its way to the client has to be gone within the second that promise W4 gives, or the
 * client is closed. */
void policy_walk_recall(struct client *client, uint64_t now_ms);

/* What these links belong to is about to go: the walk's cursors move on. */
void policy_walk_leave(struct policy_walk *walk, const struct session *session);

static inline void policy_walk_skip_delivery(struct policy_walk *walk, const struct list *link)
{
    if (walk->delivery == link)
        walk->delivery = link->next;
}

static inline void policy_walk_skip_subscription(struct policy_walk *walk, const struct list *link)
{
    if (walk->subscription == link)
        walk->subscription = link->next;
}
