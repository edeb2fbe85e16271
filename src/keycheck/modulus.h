/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with an RSA key. Thread-safe. */
#pragma once

#include "keycheck/keycheck.h"
#include "keycheck/spki.h"

#define MODULUS_BITS_MIN 2048
#define MODULUS_BITS_MAX 16384 /* the most that OpenSSL verifies with */

size_t modulus_bits(struct mqtt_span modulus);

enum keycheck_fault modulus_check(const struct spki_rsa *rsa);
