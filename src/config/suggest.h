/* SPDX-License-Identifier: Apache-2.0 */
/* The word somebody probably meant. Pure. */
#pragma once

#include <stddef.h>

/* The candidate nearest to `word`, or NULL when none is near enough to be what was
 * meant. Insertions, deletions, replacements and swaps of neighbours count one each. */
const char *suggest_nearest(const char *word, const char *const *candidates, size_t count);
