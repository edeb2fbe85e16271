/* SPDX-License-Identifier: Apache-2.0 */
/* Text that may hold anything, made fit for a terminal. UTF-8 stays as it is, but for control
 * characters, signs that turn the direction of writing, and bytes that are no UTF-8: of those
 * every byte becomes \xNN. */
#pragma once

#include "base/span.h"

#include <stdio.h>

/* Returns the columns it takes where every character takes one. */
size_t printable_put(FILE *file, struct mqtt_span text);

/* Followed by spaces up to `width` columns; nothing is cut off. */
void printable_pad(FILE *file, struct mqtt_span text, size_t width);
