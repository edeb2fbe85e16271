/* SPDX-License-Identifier: Apache-2.0 */
/* What a client can do with a topic whose name is in its certificate and not known beforehand:
 * exact, for all names at once. Pure. */
#pragma once

#include "policy/policy.h"
#include "policy/reach.h"

#include <stdbool.h>
#include <stddef.h>

#define REACH_NAMES_MAX 8 /* that are told of */

/* Of one right. A name that is nowhere in the topic is as good as any other such name. */
struct reach_names {
    bool others;  /* those can, all but `names`; else nobody but `names` */
    size_t count; /* of names */
    bool is_cut;  /* there are more */
    char names[REACH_NAMES_MAX][IDENTITY_NAME_BYTES + 1];
    const struct policy_rule *rule; /* that allows it, to one of them; NULL: none does */
};

/* May somebody come with this name at all? */
typedef bool (*reach_names_permit)(void *context, const char *name);

struct reach_names_question {
    const struct role *role;
    const struct identity *identity; /* its device is replaced */
    struct mqtt_span topic;          /* as in the broker */
    reach_names_permit permits;
    void *context;
};

/* Can anybody? */
static inline bool reach_names_any(const struct reach_names *names)
{
    return names->others || names->count > 0;
}

void reach_names_decide(const struct reach_names_question *question, struct reach_names *out_read,
                        struct reach_names *out_write);
