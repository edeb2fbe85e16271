/* SPDX-License-Identifier: Apache-2.0 */
/* Words of the steward's messages that the codec's reader and writer do not have: text of a bounded
 * length, and wide numbers. Failures stick in the reader. Pure functions. */
#pragma once

#include "codec/reader.h"
#include "codec/writer.h"

#include <stddef.h>
#include <stdint.h>

/* Two-byte length, then text without NUL, to `out` of `size` bytes with one; longer text fails. */
void steward_get_text(struct mqtt_reader *r, char *out, size_t size);

uint64_t steward_get_u64(struct mqtt_reader *r);
int64_t steward_get_s64(struct mqtt_reader *r);
bool steward_get_bool(struct mqtt_reader *r); /* 0 or 1; all else fails */

void steward_put_u64(struct mqtt_writer *w, uint64_t value);
void steward_put_s64(struct mqtt_writer *w, int64_t value);
