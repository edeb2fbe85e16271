/* SPDX-License-Identifier: Apache-2.0 */
/* What was done with canaries, in activity.db. Uses that differ in nothing but the time are one
 * row with a count; of each canary the rows that were used last are kept, so that whoever plays
 * with one cannot fill the disk.
 *
 * Owner: the thread that opened the file. Functions return 0 or a negative errno with the reason in
 * *fault (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/activity.h"
#include "pki/registry.h"

#include <stdint.h>

#define CANARY_USE_WHAT_SIZE  16
#define CANARY_USE_WHO_SIZE   65  /* longest client identifier that is kept, and NUL */
#define CANARY_USE_TOPIC_SIZE 257 /* likewise of a topic or a filter */

struct canary_use {
    char name[REGISTRY_TEXT_SIZE]; /* of the canary */
    char what[CANARY_USE_WHAT_SIZE];
    char address[ACTIVITY_ADDRESS_SIZE]; /* without the port */
    char client[CANARY_USE_WHO_SIZE];
    char topic[CANARY_USE_TOPIC_SIZE];
    uint64_t count;
    uint64_t bytes;  /* of all payloads */
    int64_t first_s; /* UTC */
    int64_t last_s;
};

/* Takes down all of them in one transaction, and leaves `most` rows of each canary. */
MQTT_NODISCARD int canary_uses_note(struct activity *activity, const struct canary_use *uses,
                                    size_t count, uint64_t most, struct pki_fault *fault);

/* Calls `visit` for those of `name`, or of all when it is NULL, in the order of their first time; a
 * result other than 0 ends the list and is returned. Borrowed. */
typedef int (*canary_uses_visit)(void *context, const struct canary_use *use);
MQTT_NODISCARD int canary_uses_list(struct activity *activity, const char *name,
                                    canary_uses_visit visit, void *context,
                                    struct pki_fault *fault);
