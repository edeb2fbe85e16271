/* SPDX-License-Identifier: Apache-2.0 */
/* Who has come and not proved itself yet: how many of them from one address, from one network and
 * in all, and how many bytes they hold. Inside net/ and for the daemon, which makes it.
 *
 * A guest is a connection from accept until its client is let in. An address is an IPv4 address or
 * an IPv6 /64; a network is a /24 or a /48. An address from which somebody was let in lately is
 * known: it may have PORCH_KNOWN_TIMES as many guests, its network does not count against it, and
 * it goes last when somebody has to. A Unix socket has no address; it counts in all only, as known:
 * the file system says who may connect there.
 *
 * Pure: time is an argument, monotonic. Thread-safe through the lock given to porch_new(), taken
 * once per call. Nothing grows: all tables are made at the start, for limits.unproved and
 * limits.known_addresses as they are then; the hash is keyed, so that a peer cannot choose
 * addresses that collide. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "core/limits.h"
#include "core/ports.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORCH_KNOWN_TIMES 4
#define PORCH_KNOWN_MS    604800000u /* an address is known for a week after it was seen last */
#define PORCH_QUIET       16         /* guests of a network up to which it is quiet */

struct porch;

/* Where a connection comes from, as far as it is looked at. Zero: no address. */
struct porch_place {
    uint8_t bytes[8];
    uint8_t len;         /* of the address: 4 or 8 */
    uint8_t network_len; /* of the network: the first 3 or 6 */
};

/* What there can be too much of. */
enum porch_want {
    PORCH_PLACES = 0,
    PORCH_BYTES, /* who holds none does not help */
    PORCH_WANTS,
};

/* Guests up to which unknown addresses come in while memory is short: somebody has to be able to take
 * what is kept for him, also after a restart, when nobody is known. */
#define PORCH_SHORT_MOST 64u

/* Of each shard; what it has asked others for and not got yet, one for each guest that it took
 * instead. */
#define PORCH_ASKED_MOST 16u

/* Zero refuses. */
enum porch_verdict {
    PORCH_FULL = 0, /* limits.unproved is exceeded, and nobody has gone yet who was to */
    PORCH_ADDRESS,  /* limits.unproved_per_address is reached */
    PORCH_NETWORK,  /* limits.unproved_per_network is reached */
    PORCH_OVER,     /* it is in, and limits.unproved is exceeded: somebody has to go */
    PORCH_IN,
};

/* Zero is served last. */
enum porch_standing {
    PORCH_CROWD = 0,
    PORCH_STILL, /* there are few from its network */
    PORCH_KNOWN,
};

struct porch_figures {
    uint64_t guests; /* now */
    uint64_t most;   /* at one time */
    uint64_t bytes;  /* held by them now */
};

/* `lock` is copied; its functions may be NULL for one thread. NULL out of memory. */
MQTT_NODISCARD struct porch *porch_new(const struct siphash_key *key,
                                       const struct shared_lock *lock, const struct limits *limits);
void porch_free(struct porch *porch); /* NULL is fine */

/* Other bounds from now on; limits.unproved cannot become more than it was at the start. */
void porch_set_limits(struct porch *porch, const struct limits *limits);

/* Somebody has come. With PORCH_IN and PORCH_OVER *out_guest names it (never 0) until
 * porch_leave(). */
enum porch_verdict porch_enter(struct porch *porch, const struct porch_place *place,
                               uint64_t now_ms, uint32_t *out_guest);

/* It holds so many bytes now. False: limits.unproved_bytes is exceeded, somebody has to go. */
bool porch_hold(struct porch *porch, uint32_t guest, uint32_t bytes);

/* It is that shard's from now on; after porch_enter() it is shard 0's. */
void porch_move(struct porch *porch, uint32_t guest, unsigned shard);

/* There is too much because of this guest: which shard is to give way? Its own when it is one of a
 * crowd, or when no other shard has more of it; else the one that has the most. */
unsigned porch_giver(struct porch *porch, uint32_t guest, enum porch_want want);

/* There is still too much of it. */
bool porch_is_over(struct porch *porch, enum porch_want want);

/* It has gone, or was let in: then its address is known from now on. */
void porch_leave(struct porch *porch, uint32_t guest, bool is_let_in, uint64_t now_ms);

/* Was somebody let in from there lately? */
bool porch_knows(struct porch *porch, const struct porch_place *place, uint64_t now_ms);

enum porch_standing porch_standing(struct porch *porch, uint32_t guest);

/* While memory is short: it is not known, and there are PORCH_SHORT_MOST others. */
bool porch_bars(struct porch *porch, uint32_t guest);

/* Three quarters of limits.unproved are here. */
bool porch_is_crowded(struct porch *porch);

/* Who of `guests`, in the order in which they are to go, is the one to go: of the network that has
 * the most, the first. Returns its index; 0 also when there is none. */
size_t porch_choose(struct porch *porch, const uint32_t *guests, size_t count);

struct porch_figures porch_figures(struct porch *porch);
