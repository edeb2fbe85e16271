/* SPDX-License-Identifier: Apache-2.0 */
/* What is found out before the first check: is a broker there, who is let in, which MQTT it speaks,
 * and a topic over which messages go. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>

struct attack_env;

/* Fills in the rest of *env. False after a line on standard error: nobody is there. That somebody is
 * not let in is no failure: checks that need him are skipped. */
MQTT_NODISCARD bool attack_recon_run(struct attack_env *env);
