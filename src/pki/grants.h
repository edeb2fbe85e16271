/* SPDX-License-Identifier: Apache-2.0 */
/* What the registry grants and denies besides tacit.conf: to a device, to a role, to a group.
 *
 * Patterns are kept as written. What one means is for the policy to say: who adds a grant has
 * asked it, who reads one asks again. Owner: the thread of the registry. Functions return 0 or a
 * negative errno with the reason in *fault (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stdint.h>

#define GRANT_PATTERN_SIZE 1025 /* longest pattern and NUL */
#define GRANT_REASON_SIZE  513  /* longest reason and NUL */

enum grant_subject {
    GRANT_TO_DEVICE,
    GRANT_TO_ROLE,
    GRANT_TO_GROUP,
    GRANT_SUBJECT_COUNT,
};

/* Of the terms -1 stands for what the role has; of a denial they mean nothing. */
struct registry_grant {
    int64_t id; /* made by grants_add() */
    enum grant_subject subject_kind;
    char subject[REGISTRY_TEXT_SIZE];
    bool subscribes; /* else it is about publishing */
    bool denies;
    char pattern[GRANT_PATTERN_SIZE]; /* "" when listed: the row cannot be read */
    int maximum_qos;                  /* 0..2 */
    int retain;                       /* 0, 1 */
    int64_t payload_bytes;
    int64_t rate_messages; /* per rate_seconds and client; 0: no bound */
    int64_t rate_seconds;
    int64_t depth;       /* of a scoped wildcard grant: levels below its literal prefix, 0: any */
    int64_t most_topics; /* 0: it is none */
    char owner[REGISTRY_TEXT_SIZE];
    char reason[GRANT_REASON_SIZE];
    int64_t expires_s; /* UTC; 0: never */
    int64_t created_s; /* set by grants_add() */
};

/* Adds one; *out_id is its number, never used twice. -EINVAL: a name or a number is not valid. */
MQTT_NODISCARD int grants_add(struct registry *registry, const struct registry_grant *grant,
                              int64_t *out_id, struct pki_fault *fault);

/* -ENOENT: there is none of that number. */
MQTT_NODISCARD int grants_remove(struct registry *registry, int64_t id, struct pki_fault *fault);

/* Calls `visit` for each grant in the order of numbers; a result other than 0 ends the list and is
 * returned. The grant is borrowed; `visit` may not change the registry. */
typedef int (*grants_visit)(void *context, const struct registry_grant *grant);
MQTT_NODISCARD int grants_list(struct registry *registry, grants_visit visit, void *context,
                               struct pki_fault *fault);

/* "device", "role", "group". */
const char *grants_subject_text(enum grant_subject kind);
