/* SPDX-License-Identifier: Apache-2.0 */
/* Where somebody comes from, as far as that is one place: an IPv4 address, or the /64 of IPv6. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PLACE_BYTES 8u

/* The place in an address as connection_facts have it: "192.0.2.1:40000" or "[2001:db8::1]:40000".
 * Returns its length; 0: it has none, as a Unix socket. */
size_t place_of(const char *address, uint8_t out[PLACE_BYTES]);
