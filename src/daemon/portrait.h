/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a connection when its key turns up in another place (core/ports.h: struct
 * credential), and when two connections are from one place.
 *
 * Plain text in a struct without pointers: the core keeps a copy as long as the connection lives. */
#pragma once

#include "core/ports.h"
#include "net/facts.h"

#include <stdint.h>

#define PORTRAIT_ADDRESS_BYTES 64
#define PORTRAIT_SERIAL_BYTES  64

struct portrait {
    char address[PORTRAIT_ADDRESS_BYTES];
    char place[PORTRAIT_ADDRESS_BYTES];
    char serial[PORTRAIT_SERIAL_BYTES]; /* of the certificate, cut */
    int64_t since_s;                    /* UTC */
};

/* Of a connection with a certificate, at the time of its CONNECT. The place is the address without
 * the port; of IPv6 the first 64 bits, in which a host takes what addresses it likes. */
void portrait_take(struct portrait *out, const struct connection_facts *facts, int64_t now_s);

/* From a note. False: there is none, *out untouched. */
bool portrait_read(struct mqtt_span note, struct portrait *out);
