/* SPDX-License-Identifier: Apache-2.0 */
/* What is usual, feature by feature, and the evidence against it: for people and for programs. */
#pragma once

#include "sense/evidence.h"

#include <jansson.h>
#include <stdbool.h>

/* `is_device`: also what is the device's own. */
void sense_known_print(const struct sense_role *role, const struct sense_device *device,
                       bool is_device);
void sense_known_print_evidence(const struct sense_role *role, const struct sense_device *device,
                                const struct sense_standing *standing);

/* One object a feature; NULL out of memory. */
json_t *sense_known_json(const struct sense_role *role, const struct sense_device *device,
                         const struct sense_standing *standing, bool is_device);
