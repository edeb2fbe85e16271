/* SPDX-License-Identifier: Apache-2.0 */
/* The subject alternative names of a certificate being made. Each addition returns 0,
 * -EINVAL (not such a name) or -ENOMEM; a name that is there already is not added twice.
 * Owner: one thread. */
#pragma once

#include "base/attrs.h"

struct alternative_names;
struct x509_st;

MQTT_NODISCARD struct alternative_names *alternative_names_new(void); /* NULL: no memory */
void alternative_names_free(struct alternative_names *names);         /* NULL is fine */

MQTT_NODISCARD int alternative_names_add_uri(struct alternative_names *names, const char *uri);

/* A DNS name (a wildcard as its first label is fine) or a numeric address. */
MQTT_NODISCARD int alternative_names_add_host(struct alternative_names *names, const char *host);

/* The DNS names and addresses of another certificate. */
MQTT_NODISCARD int alternative_names_add_hosts_of(struct alternative_names *names,
                                                  const struct x509_st *certificate);

/* Puts the extension into the certificate. */
MQTT_NODISCARD int alternative_names_apply(const struct alternative_names *names,
                                           struct x509_st *certificate);
