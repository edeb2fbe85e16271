/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that tacitd has blocked for a time, as it shows them to its tools, and what a tool asks for:
 * learning/blocked and learning/pardon.SECONDS.ADDRESS of the state folder. A request is a name, so
 * that tacitd need not be able to read what another user has made.
 *
 * Functions return 0 or a negative errno. Thread: any; one writer. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BARRED_PLACE_BYTES 8u
#define BARRED_TEXT_BYTES  64u

/* An address, or the /64 of IPv6. */
struct barred_place {
    uint8_t bytes[BARRED_PLACE_BYTES];
    uint8_t len; /* 4 or 8 */
};

/* Of "192.0.2.1", "2001:db8::1" or "2001:db8::/64". False: it is none of them. */
MQTT_NODISCARD bool barred_place_of(const char *text, struct barred_place *out);

/* "192.0.2.1", or "2001:db8::/64"; returns `out` of BARRED_TEXT_BYTES. */
const char *barred_place_text(const struct barred_place *place, char *out);

struct barred {
    struct barred_place place;
    int64_t since_s; /* UTC */
    int64_t until_s;
    unsigned times; /* that it was blocked within a day of the time before */
};

/* Replaces what stands there. */
MQTT_NODISCARD int barred_write(const char *state_dir, const struct barred *all, size_t count);

/* What stands there, also when its time is over; malloc'ed. None is fine: 0 and no rows. What is no
 * row is passed over. */
MQTT_NODISCARD int barred_load(const char *state_dir, struct barred **out, size_t *out_count);

/* For a running tacitd: that place is free, and not to be blocked for so long. */
MQTT_NODISCARD int barred_pardon(const char *state_dir, const struct barred_place *place,
                                 uint32_t for_s);

/* Takes each such request away and calls `visit` for it. What cannot be taken away is not visited. */
typedef void (*barred_visit)(void *context, const struct barred_place *place, uint32_t for_s);
void barred_take(const char *state_dir, barred_visit visit, void *context);
