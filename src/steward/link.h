/* SPDX-License-Identifier: Apache-2.0 */
/* tacitd's end: what it asks its steward for. Thread-safe: requests wait for each other. Functions
 * return 0 or a negative errno with the reason in *fault; -EPIPE: the steward is gone, or did not
 * answer for STEWARD_WAIT_MS and counts as gone; it does not come back before a restart. */
#pragma once

#include "base/attrs.h"
#include "pki/ca.h"
#include "pki/fault.h"
#include "pki/state.h"
#include "steward/greeting.h"

#include <stdbool.h>
#include <stddef.h>

#define STEWARD_WAIT_MS 30000 /* a token takes its time */

struct steward_link;

/* Over that descriptor, which it takes over in any case; NULL: no memory. */
MQTT_NODISCARD struct steward_link *steward_link_new(int fd);

/* The steward ends by that, and is waited for, a second at most. NULL is fine. */
void steward_link_close(struct steward_link *link);

/* What the steward says first, however long it takes. Before all else, once. */
MQTT_NODISCARD int steward_link_greet(struct steward_link *link, struct steward_greeting *out,
                                      struct pki_fault *fault);

/* Is there nobody at the other end? */
bool steward_link_is_gone(struct steward_link *link);

/* state_prepare() with only_server; -EBUSY as there. */
MQTT_NODISCARD int steward_link_prepare(struct steward_link *link, struct state_made *out,
                                        struct pki_fault *fault);

/* The CA that signs, as state_ca_open() finds it now; not to be used once the link is closed. */
MQTT_NODISCARD int steward_link_open_ca(struct steward_link *link, struct ca **out,
                                        struct pki_fault *fault);

/* Makes trust/ what ca/ is. */
MQTT_NODISCARD int steward_link_show(struct steward_link *link, struct pki_fault *fault);

/* A file of the configuration, as settings_disk reads it. -EACCES: it was not named at the start. */
MQTT_NODISCARD int steward_link_fetch(struct steward_link *link, const char *path, char **out_text,
                                      size_t *out_len);
