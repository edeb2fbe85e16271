/* SPDX-License-Identifier: Apache-2.0 */
/* Who may have a password looked at (promise A2), decided before anything is hashed.
 *
 * A wrong password is booked to where it came from: an IPv4 address or an IPv6 /64, and that place
 * together with the account it named. Never to the account alone: nobody can lock out another. Of
 * one place LOCKOUT_FREE wrong ones are looked at, then one after 30 s, and each further one after
 * twice the time, up to 15 minutes; an hour without one, and it is forgotten. What is being looked
 * at counts as wrong until it turns out right. The same wrong password over again is refused
 * without a look and is not booked: it is a thing that was set up wrongly, not a guess.
 *
 * An account is known at a place where it logged in within 7 days: there its log-in depends on
 * that pair alone, and on no budget. All others share a number of looks per second, which bounds
 * what guesses from many places cost.
 *
 * Pure: time is an argument, monotonic. Owner: whoever holds the lock around it. Bounded tables,
 * whose least useful entry goes when there is no room. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOCKOUT_FREE      5
#define LOCKOUT_FIRST_MS  30000u
#define LOCKOUT_MOST_MS   900000u
#define LOCKOUT_FORGET_MS 3600000u
#define LOCKOUT_KNOWN_MS  604800000u

struct lockout;

struct lockout_bounds {
    uint64_t places;      /* places and pairs that are remembered */
    uint64_t known;       /* pairs that are known */
    uint64_t looks_per_s; /* of the unknown together; twice as many at once */
};

/* Zero refuses. */
enum lockout_verdict {
    LOCKOUT_LATER = 0, /* too many wrong ones from there */
    LOCKOUT_BUSY,      /* others are being looked at */
    LOCKOUT_REPEAT,    /* it was wrong before, and still is */
    LOCKOUT_GO,        /* lockout_settle() has to follow */
};

enum lockout_outcome {
    LOCKOUT_UNDECIDED = 0, /* it was not looked at after all */
    LOCKOUT_WRONG,
    LOCKOUT_RIGHT,
};

/* One attempt. Filled by lockout_describe(), then by lockout_ask(). */
struct lockout_try {
    uint64_t place;
    uint64_t pair;
    uint64_t tag;  /* what was tried; 0: cannot be told again */
    bool is_free;  /* costs nothing to look at: no budget */
    bool is_known; /* the pair is */
};

/* What an attempt is made of. `address` is text as in connection_facts; one that cannot be read
 * (a Unix socket) is a place of its own. */
struct lockout_facts {
    const char *address;
    struct mqtt_span account;
    struct mqtt_span secret; /* empty: tag 0 */
    uint64_t stamp;          /* of the account's password; with another one, it is another try */
    bool is_free;
};

/* NULL out of memory. */
MQTT_NODISCARD struct lockout *lockout_new(const struct siphash_key *key,
                                           const struct lockout_bounds *bounds, uint64_t now_ms);
void lockout_free(struct lockout *lockout); /* NULL is fine */

/* Other bounds from now on; the tables keep their size. */
void lockout_set_rate(struct lockout *lockout, uint64_t looks_per_s);

void lockout_describe(const struct lockout *lockout, const struct lockout_facts *facts,
                      struct lockout_try *out);

enum lockout_verdict lockout_ask(struct lockout *lockout, struct lockout_try *attempt,
                                 uint64_t now_ms);

/* How a LOCKOUT_GO went. Milliseconds for which the place is locked by it; 0: it is not. */
uint64_t lockout_settle(struct lockout *lockout, const struct lockout_try *attempt,
                        enum lockout_outcome outcome, uint64_t now_ms);
