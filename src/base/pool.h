/* SPDX-License-Identifier: Apache-2.0 */
/* Pool of equally sized objects, carved from slabs.
 *
 * Owner: one thread. Taking and giving back cost a pointer exchange; memory
 * comes from malloc a slab at a time and whole empty slabs beyond one spare, or what
 * pool_keep() says, are returned to it, so a peak does not stay for ever. `limit` bounds the number
 * of live objects: the pool of a thing that a peer can make grow is a row of
 * core/limits.def. */
#pragma once

#include "base/attrs.h"

#include <stddef.h>

struct pool;

/* Objects of `object_bytes`, at most `limit` of them (0: no limit). NULL when
 * memory is out. */
MQTT_NODISCARD struct pool *pool_new(size_t object_bytes, size_t limit);

/* Up to so many bytes of empty slabs stay, but at least one: for objects of which many come and go
 * together. From the next one on that is given back. */
void pool_keep(struct pool *pool, size_t bytes);

/* Returns those that were empty ever since the last call, but one. For a timer. */
void pool_trim(struct pool *pool);

/* Frees the pool and with it every object. NULL is fine. */
void pool_free(struct pool *pool);

/* An object with undefined content, or NULL at the limit or out of memory. */
MQTT_NODISCARD void *pool_take(struct pool *pool);

/* Gives back an object of this pool. NULL is fine. */
void pool_give(struct pool *pool, void *object);

size_t pool_live(const struct pool *pool);  /* objects */
size_t pool_bytes(const struct pool *pool); /* held from malloc */
