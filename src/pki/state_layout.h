/* SPDX-License-Identifier: Apache-2.0 */
/* What lies where in a state folder, beyond single files: the folders that a running tacitd works in,
 * and what it may see of the CA.
 *
 * A running tacitd cannot open what is in ca/ and admin/, where the keys are, and makes no files in the
 * state folder itself; its steward keeps a copy of the CA's certificates for it in trust/. Thread:
 * any, one at a time per folder. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"

/* Makes the folders that are missing (0700), and moves what a tacitd of before has put beside them:
 * `observed`. Cut short at any point, the next call completes it. Negative errno. */
MQTT_NODISCARD int state_layout_prepare(const char *dir, struct pki_fault *fault);

/* Only moves `observed` to where it belongs now; for tools, which may come before the next start. What
 * cannot be moved stays. */
void state_layout_move_observed(const char *dir);

/* Makes trust/ what ca/ is: certificates that can be read as such, and nothing else of the files.
 * Negative errno: it stays as it was. */
MQTT_NODISCARD int state_layout_show_trust(const char *dir, struct pki_fault *fault);
