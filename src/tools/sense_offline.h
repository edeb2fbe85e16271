/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out an order on the files of what was learned, while no tacitd runs. */
#pragma once

#include "base/attrs.h"
#include "core/sensing_answer.h"
#include "core/sensing_order.h"
#include "tools/identity_options.h"

/* With the state folder locked. Where nothing was learned yet, models are kept for the first start.
 * Negative errno; what was done to files before the one that failed stays. */
MQTT_NODISCARD int sense_offline_do(const struct identity_options *options,
                                    const struct sensing_order *order, struct sensing_answer *out);
