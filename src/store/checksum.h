/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli): finds damage, proves nothing about intent. Thread-safe. */
#pragma once

#include "base/span.h"

#include <stdint.h>

/* The check sum of `bytes` after those whose check sum is `before` (0: none). */
uint32_t checksum_crc32c(uint32_t before, struct mqtt_span bytes);

/* The same, always without the help of the processor. */
uint32_t checksum_crc32c_portable(uint32_t before, struct mqtt_span bytes);

/* The same by this processor's own instruction; NULL: it has none. */
typedef uint32_t (*checksum_function)(uint32_t before, struct mqtt_span bytes);
checksum_function checksum_of_processor(void);
