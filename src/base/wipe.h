/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: erased so that the compiler keeps the erasure, compared so that the
 * time tells nothing about the content. */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

void wipe_bytes(void *secret, size_t len);

/* Time depends on the lengths only. */
bool wipe_equal(struct mqtt_span a, struct mqtt_span b);
