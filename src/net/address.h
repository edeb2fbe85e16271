/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses from and to text. Inside net/ only. Numeric throughout: no name
 * is looked up. */
#pragma once

#include "base/attrs.h"
#include "net/porch.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_BYTES 64 /* "[v6 address%zone]:65535" */

struct address {
    struct sockaddr_storage raw;
    socklen_t len;
    bool is_any; /* every address of the machine, both families */
};

/* `text` NULL or "": any. -EINVAL when it is not numeric. */
MQTT_NODISCARD int address_parse(const char *text, uint16_t port, struct address *out);

/* The same for a Unix socket. -ENAMETOOLONG above 107 bytes. */
MQTT_NODISCARD int address_of_path(const char *path, struct address *out);

void address_set_port(struct address *address, uint16_t port);
uint16_t address_port(const struct address *address); /* 0 for a Unix socket */

/* "192.0.2.1:40000", "[2001:db8::1]:40000" or "unix"; an IPv4 address in IPv6 clothes
 * is shown as what it is. */
void address_format(const struct sockaddr_storage *raw, char out[ADDRESS_TEXT_BYTES]);

/* Where it is, for the porch; zeros for a Unix socket. */
struct porch_place address_place(const struct sockaddr_storage *raw);
