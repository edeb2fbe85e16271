/* SPDX-License-Identifier: Apache-2.0 */
/* Small pieces of memory in pages of their own: what is allocated here shares no page with anything
 * else, so that all of it that is given back leaves the process, however much of the rest
 * lives on. malloc() keeps a page as long as one piece of it is in use, and a connection whose handshake
 * is over would leave some dozens of small pieces in pages that OpenSSL has filled.
 *
 * Thread-safe but for slabs_close(). Pieces of one size lie together in slabs of SLABS_SLAB_BYTES; one
 * that is empty is given back to the kernel, but for one of each size and `most_ready` for any: pages
 * that go and come with every handshake cost it more than the rest of what is done here. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLABS_SLAB_BYTES  32768u
#define SLABS_PIECE_BYTES 24576u /* the largest: OpenSSL's buffer of a record fits */

struct slabs;

/* Address space for so many slabs; memory is taken as it is used. `most_ready`: so many that are empty
 * keep their pages until slabs_trim(). Negative errno. */
MQTT_NODISCARD int slabs_open(uint32_t most, uint32_t most_ready, struct slabs **out);
void slabs_close(struct slabs *slabs); /* with all that is in it; NULL is fine */

/* Aligned to 16. NULL: too large, or there is no slab left: the caller goes to malloc(). */
void *slabs_alloc(struct slabs *slabs, size_t bytes);
void slabs_free(struct slabs *slabs, void *piece); /* of slabs_alloc() */

/* ---- what one thread keeps ----
 *
 * Of small pieces a few that this thread has given back, for itself to take again: most live for some
 * microseconds, and to take and give one this way is 9 ns in place of 23. Owner: one thread. */

#define SLABS_NEAR_BYTES 1024u
#define SLABS_NEAR_SIZES 20u /* up to that */
#define SLABS_NEAR_MOST  8u  /* of each size */

/* Zeroed is fine. */
struct slabs_near {
    uint8_t counts[SLABS_NEAR_SIZES];
    void *pieces[SLABS_NEAR_SIZES][SLABS_NEAR_MOST];
};

void *slabs_near_take(struct slabs_near *near, size_t bytes); /* NULL: there is none of that size */
/* False: it is too large, or there are enough; it goes to slabs_free(). */
MQTT_NODISCARD bool slabs_near_keep(struct slabs_near *near, const struct slabs *slabs,
                                    void *piece);
void slabs_near_drop(struct slabs_near *near, struct slabs *slabs); /* gives all of them back */

/* Those that are empty are given back, of all sizes and the ready ones; who comes next makes new ones. */
void slabs_trim(struct slabs *slabs);

bool slabs_hold(const struct slabs *slabs, const void *piece);
size_t slabs_room(const struct slabs *slabs, const void *piece); /* bytes that it has */

/* Slabs that are not given back. */
uint32_t slabs_in_use(const struct slabs *slabs);
