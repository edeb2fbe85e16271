/* SPDX-License-Identifier: Apache-2.0 */
/* What the core and the net have to tell, as lines of the log: who, what, why.
 *
 * Thread-safe as the log is. */
#pragma once

#include "core/ports.h"
#include "daemon/log.h"
#include "net/net.h"
#include "pki/identity_extension.h"

/* struct event_port's `report`; `context` is the struct log. */
void event_log_report(void *context, const struct event *event);

/* The same, of EVENT_CONNECTED with a certificate of our own CA: how well its key is kept, as that
 * says. NULL: it does not. */
void event_log_connected(struct log *log, const struct event *event,
                         const struct identity_extension *key);

/* struct net_hooks' `refused`; `context` is the struct log. */
void event_log_refused(void *context, const struct connection_facts *facts, enum net_refusal why,
                       const char *text);
