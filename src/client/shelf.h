/* SPDX-License-Identifier: Apache-2.0 */
/* A tacit_store in memory that survives the client of a test, and fails when told to. */
#pragma once

#include "client/stand.h"

#define SHELF_ENTRIES 8

struct shelf_entry {
    uint8_t bytes[256];
    size_t len; /* 0: none */
};

struct shelf {
    struct shelf_entry entries[SHELF_ENTRIES];
    bool refuses_put;
    bool refuses_get;
    unsigned gets; /* that succeed before that; 0: no end */
    bool refuses_del;
    struct tacit_store store;
};

/* Empty; the stand's next client uses it. */
void shelf_init(struct shelf *shelf, struct stand *stand);

/* The power fails and comes back: what was under way is lost, the client is made anew and
 * restored. Returns what tacit_restore said; the client is started. */
enum tacit_status shelf_reboot(struct stand *stand);
