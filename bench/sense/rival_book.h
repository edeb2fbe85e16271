/* SPDX-License-Identifier: Apache-2.0 */
/* Who has done what in a window: devices by their client id once they are let in, and addresses for what comes
 * before. */
#pragma once

#include "base/bytes_map.h"
#include "base/siphash.h"
#include "bench/sense/rival.h"
#include "replay/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIVAL_NAME_BYTES 64u

struct rival_who {
    struct bytes_node node;
    char key[RIVAL_NAME_BYTES + 1]; /* 'd' or 'a' and the name */
    uint64_t start_ms;              /* of the window; 0: none was opened in this file */
    uint64_t alarm_ms;              /* of the last odd window; 0: none in this file */
    uint64_t topics;                /* by hash */
    uint32_t address;               /* hash of the last one */
    float x[RIVAL_FEATURES];        /* before logarithms */
};

struct rival_book {
    struct siphash_key key;
    struct bytes_map by_key;
    struct rival_who **whos; /* in the order in which they came */
    size_t count;
    size_t room;
};

void rival_book_init(struct rival_book *book);
void rival_book_fini(struct rival_book *book);

/* Counts an event; false: no memory. Who is new has a window from `now_ms` on. */
bool rival_book_count(struct rival_book *book, const struct replay_event *event, uint64_t now_ms);

/* A file begins: what happens now is forgotten. */
void rival_book_rest(struct rival_book *book);

/* The window as a row; the next one begins at `now_ms`. */
void rival_who_close(struct rival_who *who, uint64_t now_ms, struct rival_row *out);

/* Whether it is a device, not an address; its name behind that. */
bool rival_who_is_device(const struct rival_who *who);
