/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of how a connection came: the fields `tls`, `cipher` and `resumed`, once its handshake
 * is over, and `client_hello`, the print of its ClientHello (tls/agreed.h), once that has come. */
#pragma once

#include "daemon/log.h"
#include "tls/agreed.h"

struct arrival_text {
    char print[2 * TLS_HELLO_PRINT_BYTES + 1];
};

/* Adds ARRIVAL_FIELDS fields at most. The line borrows `text`. NULL `tls`: there is none. */
#define ARRIVAL_FIELDS 4
void arrival_add(struct log_line *line, const struct tls_agreed *tls, struct arrival_text *text);
