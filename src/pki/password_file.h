/* SPDX-License-Identifier: Apache-2.0 */
/* A line of a password file of mosquitto:
 *
 *   line = USER ":" VERIFIER        VERIFIER as in password.h, "$6$" or "$7$"
 *
 * Empty lines and lines that begin with '#' are nothing. */
#pragma once

#include "base/attrs.h"
#include "pki/password.h"
#include "pki/registry.h"

struct password_line {
    char user[REGISTRY_TEXT_SIZE];
    char verifier[PASSWORD_VERIFIER_SIZE];
};

/* 1: *out is filled; 0: the line is nothing; -EINVAL with the reason in *fault, which never has
 * any of what stands behind the colon. */
MQTT_NODISCARD int password_line_parse(struct mqtt_span line, struct password_line *out,
                                       struct pki_fault *fault);
