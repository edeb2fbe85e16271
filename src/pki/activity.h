/* SPDX-License-Identifier: Apache-2.0 */
/* Who was seen when, and from where; and what was done with canaries (canary_uses.h). A file of its own beside the registry: whatever is written to
 * the registry makes tacitd read it anew, and devices come and go all the time. tacitd writes it
 * in batches; the tool reads it meanwhile. It may be deleted: then nobody has been seen yet.
 *
 * Owner: the thread that opened it. Functions return 0 or a negative errno with the reason in
 * *fault (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "pki/identity_uri.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACTIVITY_ADDRESS_SIZE 64 /* longest address with its port and NUL */

struct activity;

struct activity_seen {
    char name[IDENTITY_URI_NAME_SIZE];
    char address[ACTIVITY_ADDRESS_SIZE]; /* where it was last; cut when longer */
    int64_t first_s;                     /* seconds since 1970, UTC */
    int64_t last_s;
};

/* Made (mode 0600) when it is not there and `makes` says so, else -ENOENT. -EBADMSG: somebody
 * else's file. */
MQTT_NODISCARD int activity_open(const char *path, bool makes, struct activity **out,
                                 struct pki_fault *fault);
void activity_close(struct activity *activity); /* NULL is fine */

/* Takes down all of them in one transaction; of each name the earliest first and the latest last
 * time count. */
MQTT_NODISCARD int activity_note(struct activity *activity, const struct activity_seen *seen,
                                 size_t count, struct pki_fault *fault);

/* -ENOENT: it was never seen. */
MQTT_NODISCARD int activity_find(struct activity *activity, const char *name,
                                 struct activity_seen *out, struct pki_fault *fault);
