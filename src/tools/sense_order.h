/* SPDX-License-Identifier: Apache-2.0 */
/* Has something done to what was learned: by the running tacitd, or by this program on the files. */
#pragma once

#include "base/attrs.h"
#include "core/sensing_answer.h"
#include "core/sensing_order.h"
#include "tools/identity_options.h"

/* Fills in the nonce. 0, with what became of it in *out; or the exit code after saying on standard error
 * what is wrong. One at a time for each state folder: waits for others. */
MQTT_NODISCARD int sense_order_give(const struct identity_options *options,
                                    struct sensing_order *order, struct sensing_answer *out);

/* A running tacitd writes down what it has learned now, so that the files are as new as can be. 0, also
 * where detection is off; or the exit code after saying what is wrong. */
MQTT_NODISCARD int sense_order_refresh(const struct identity_options *options);

/* Prints the answer, for people or as JSON with `what` and `name`. Returns the exit code. */
int sense_order_tell(const struct identity_options *options, const char *what, const char *name,
                     const struct sensing_answer *answer);
