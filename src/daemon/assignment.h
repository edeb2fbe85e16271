/* SPDX-License-Identifier: Apache-2.0 */
/* Which role the configuration gives to those whom the registry does not know. Thread: any. */
#pragma once

#include "config/config.h"
#include "core/ports.h"
#include "net/facts.h"

#include <stdbool.h>

/* The first assign block that this certificate of another CA fits; NULL: none. */
const struct config_assign *assignment_find(const struct config *config,
                                            const struct tls_peer *peer);

/* Would a certificate of another CA with this common name be given this role now? Of its other
 * attributes nothing is known any more. */
bool assignment_is_still(const struct config *config, const struct identity *identity);

/* Would somebody without a certificate? */
bool assignment_anonymous_is_still(const struct config *config, const struct identity *identity);
