/* SPDX-License-Identifier: Apache-2.0 */
/* Keys whose private half is a small number, found by baby steps and giant steps: some
 * milliseconds. Thread-safe. */
#pragma once

#include "keycheck/curve.h"

/* Is the point, uncompressed and on the curve, k times the generator, with k or -k from 1 to
 * 65535? 1: it is; 0: no; -1: out of memory. */
int multiple_is_small(const struct curve *curve, struct mqtt_span point);
