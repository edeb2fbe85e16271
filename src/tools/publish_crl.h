/* SPDX-License-Identifier: Apache-2.0 */
/* The revocation list after a change of the registry, by the commands that change it. */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

struct identity_options;

/* Publishes a new list in the state folder if the CA's key is there; else a running tacitd, or the
 * machine that has the key, does it. Says on standard error when it should have worked and did not:
 * the change itself stands. */
void publish_crl(const struct identity_options *options, struct registry *registry);
