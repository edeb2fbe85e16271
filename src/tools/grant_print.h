/* SPDX-License-Identifier: Apache-2.0 */
/* A grant of the registry in words, and as JSON. What a row holds may have been written by any
 * program: nothing of it reaches a terminal or JSON unlooked at. */
#pragma once

#include "pki/grants.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define GRANT_PRINT_SIZE 2048 /* enough for any sentence; longer ones are cut */

/* "publish", "subscribe", "not publish", "not subscribe". */
const char *grant_print_action(const struct registry_grant *grant);

/* Its own terms as they are written for `tacit grant add`: "qos 1, rate 10/s"; "" for none.
 * Returns `out`. */
const char *grant_print_terms(const struct registry_grant *grant, char *out, size_t size);

/* "device lamp may publish "x/y" (qos 1) until 2026-12-24 10:00 UTC". Returns `out`. */
const char *grant_print_sentence(const struct registry_grant *grant, char *out, size_t size);

/* NULL out of memory. What has expired by now_s (UTC) is marked. The caller owns it. */
json_t *grant_print_json(const struct registry_grant *grant, int64_t now_s);
