/* SPDX-License-Identifier: Apache-2.0 */
/* Adding to a sketch in bulk; for sketch.c and sketch_text.c. */
#pragma once

#include "policy/sketch.h"

/* Adds one entry; may leave the sketch with more than it should have, in the order of adding. */
void sketch_add(struct sketch *sketch, const struct sketch_entry *from);

/* Puts the entries in the order of last_s and drops what is too many; the second only when
 * there are twice as many, so that adding many costs no more than sorting a few times. */
void sketch_settle(struct sketch *sketch);
void sketch_settle_at_times(struct sketch *sketch);

void sketch_add_drops(struct sketch *sketch, const struct sketch_drops *drops);
void sketch_set_earlier(struct sketch *sketch, int64_t since_s);
