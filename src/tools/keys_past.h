/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a device's key while another one takes its place: NAME.key.old, a second name of the
 * same file, so that it is there until the other one works, and can be wiped then, also after a
 * crash. Negative errno with the reason in *fault. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "tools/enroll_files.h"

#include <stdbool.h>

/* Gives it the second name. -EEXIST: there is one, see keys_past_settle(). */
MQTT_NODISCARD int keys_past_keep(const struct enroll_files *files, struct pki_fault *fault);

/* What is behind the second name goes: overwritten and removed if another key is in its place, which
 * opens, signs and has its certificate; else the old one is in its place still, and keeps it. 0 as
 * well when there is none; *out_wiped says what it was. Else nothing is wiped. */
MQTT_NODISCARD int keys_past_settle(const struct enroll_files *files, bool *out_wiped,
                                    struct pki_fault *fault);
