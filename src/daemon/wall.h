/* SPDX-License-Identifier: Apache-2.0 */
/* What time it is. Thread: any. */
#pragma once

#include <stdint.h>

int64_t wall_now_ms(void); /* milliseconds since 1970, UTC */
