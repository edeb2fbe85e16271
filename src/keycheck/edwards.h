/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with an Ed25519 or Ed448 key: little-endian y, the sign of x in the last bit
 * (RFC 8032). Thread-safe. */
#pragma once

#include "keycheck/keycheck.h"

enum keycheck_fault edwards_check_25519(struct mqtt_span key);
enum keycheck_fault edwards_check_448(struct mqtt_span key);
