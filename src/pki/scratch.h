/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for one test, and an identity to put into a registry. Linked into tests only. */
#pragma once

#include "pki/registry.h"

#include <stddef.h>

#define SCRATCH_PATH_SIZE 256

struct scratch {
    char folder[64];
};

/* cmocka set-up and tear-down: *state is a struct scratch. */
int scratch_make(void **state);
int scratch_remove(void **state);

/* Empties the folder without removing it. */
void scratch_clear(const struct scratch *scratch);

void scratch_path(const struct scratch *scratch, const char *name, char out[SCRATCH_PATH_SIZE]);

/* How many entries the folder has. */
size_t scratch_count(const struct scratch *scratch);

/* An active device with a key and certificate that follow from `seed` (0..255). */
struct registry_entry scratch_entry(const char *name, unsigned seed);
