/* SPDX-License-Identifier: Apache-2.0 */
/* The ratchet of an identity that may have been renamed: it goes on with the one that is kept under a
 * name it had before, until that is written down under the name of now.
 *
 * Owner: the thread of both files. Functions return a negative errno with the reason in *fault (may be
 * NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/ratchet_file.h"
#include "pki/registry.h"

/* As ratchet_file_find(). `out->name` is the name under which it is kept. */
MQTT_NODISCARD int ratchet_heir_find(struct ratchet_file *file, struct registry *registry,
                                     const char *name, struct ratchet_file_entry *out,
                                     struct pki_fault *fault);

/* As ratchet_file_forget(), under each name it has or had. */
MQTT_NODISCARD int ratchet_heir_forget(struct ratchet_file *file, struct registry *registry,
                                       const char *name, struct pki_fault *fault);
