/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of other authorities, as a part of admission. */
#pragma once

#include "daemon/admission.h"

/* A certificate of a CA that the operator trusts, but of which the registry knows nothing. */
enum admission admission_foreign_decide(struct admission_rules *rules,
                                        const struct config_listener *listener,
                                        const struct admission_request *request,
                                        struct admission_answer *out);
