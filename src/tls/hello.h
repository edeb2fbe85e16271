/* SPDX-License-Identifier: Apache-2.0 */
/* A look at the first bytes of a TLS connection, before anything is spent on it: has the client's
 * first message come as a whole, and which ticket does it show? And the print of that message.
 *
 * Nothing is judged here: what is no ClientHello counts as whole, for OpenSSL to refuse it. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "tls/agreed.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_HELLO_MAX_BYTES (5u + 16384u) /* what one record can have */

struct tls_hello {
    size_t wants;            /* bytes there have to be to know more; 0: it is whole */
    struct mqtt_span ticket; /* the first one (RFC 8446, 4.2.11); borrowed; empty: none */
};

struct tls_hello tls_hello_read(struct mqtt_span bytes);

/* The print (agreed.h) of a ClientHello without its header of four bytes. What is cut off counts as
 * empty from there on. False, *out untouched: it is longer than TLS_HELLO_MAX_BYTES, or there is no
 * memory. */
MQTT_NODISCARD bool tls_hello_print(struct mqtt_span body, uint8_t out[TLS_HELLO_PRINT_BYTES]);
