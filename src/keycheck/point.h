/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a public key that is a point of P-256, P-384 or P-521. Thread-safe. */
#pragma once

#include "keycheck/curve.h"
#include "keycheck/keycheck.h"

/* `point` is as SEC 1, 2.3.3 has it. */
enum keycheck_fault point_check(const struct curve *curve, struct mqtt_span point,
                                enum keycheck_depth depth);
