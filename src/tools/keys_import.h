/* SPDX-License-Identifier: Apache-2.0 */
/* A device's key, sealed where it lies: the same key, the same certificate. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "tools/enroll_files.h"

/* Seals it into a file beside, opens that, and puts it into the place of the old one, which has a
 * second name then (keys_past.h): whoever calls settles it, before as well. Cut short at any point,
 * the key opens, and said again it goes on. Negative errno with the reason in *fault; -ENOTSUP: that
 * key cannot be sealed. */
MQTT_NODISCARD int keys_import_seal(const struct enroll_files *files, struct pki_fault *fault);
