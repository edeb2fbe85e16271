/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of the world of broker_fuzz.c: small, so that a short script reaches them. */
#pragma once

#include "core/limits.h"

struct limits broker_small_limits(void);
