/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of `tacit grant` asks for, as a row of the registry. Pure: whether the
 * policy would take it (config/rulebook_grant.h), and whether its subject is there, is asked
 * afterwards.
 *
 * Functions return 0, or -EINVAL with the reason in *fault. */
#pragma once

#include "base/attrs.h"
#include "pki/grants.h"

#include <stdint.h>

struct identity_options;

/* Whom it is about: one of --device, --role, --group, a valid name. */
struct grant_request_subject {
    enum grant_subject kind; /* GRANT_SUBJECT_COUNT: none was given */
    const char *name;        /* borrowed from the options */
};

/* At most one of them. */
MQTT_NODISCARD int grant_request_subject(const struct identity_options *options,
                                         struct grant_request_subject *out,
                                         struct pki_fault *fault);

/* All of it; durations count from now_s (UTC). */
MQTT_NODISCARD int grant_request_read(const struct identity_options *options, int64_t now_s,
                                      struct registry_grant *out, struct pki_fault *fault);
