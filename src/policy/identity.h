/* SPDX-License-Identifier: Apache-2.0 */
/* Who is on the other end, as far as it was proved. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stdint.h>

#define IDENTITY_NAME_BYTES 128 /* longest device, tenant, site or role name, bytes */

/* Names are NUL-terminated and borrowed; NULL stands for none. Zero is nobody, who
 * may do nothing. They come from a verified certificate and the registry, or from
 * the listener's rule for anonymous clients; never from what the client claims. */
struct identity {
    const char *device;
    const char *tenant;
    const char *site;
    const char *role;
    bool proved; /* by a key: certificate or enhanced authentication */
};

/* May `name` stand for a device, tenant, site or role? 1..IDENTITY_NAME_BYTES
 * bytes of printable ASCII without space, '/', '+', '#', '%', quotes and
 * backslash, not starting with '$' or '.', so that it can be substituted into a
 * topic without changing its shape. NULL may not. */
bool identity_name_is_valid(const char *name);

/* A copy in one heap block, names included; NULL out of memory. */
MQTT_NODISCARD struct identity *identity_new(const struct identity *from);
void identity_free(struct identity *identity); /* NULL is fine */

/* The same identity proved the same way: a session belongs to it (promise I3). A
 * device stays itself when it is given another role; of those without a device
 * name the role is all there is to compare. */
bool identity_equal(const struct identity *a, const struct identity *b);

/* Of two devices, tenants, sites or roles; NULL, which is none, is the same as NULL only. */
bool identity_name_equal(const char *a, const char *b);
