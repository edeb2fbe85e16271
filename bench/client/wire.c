/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of the device that reference.c pretends to have; apart, so that they do not count
 * as memory of the application. */
#include <stdint.h>

extern volatile uint8_t reference_wire[4];
volatile uint8_t reference_wire[4];
