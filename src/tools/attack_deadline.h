/* SPDX-License-Identifier: Apache-2.0 */
/* How long a broker lets a peer be that does not get on. */
#pragma once

#include "tools/attack_check.h"
#include "tools/attack_link.h"

/* What the peer does once it is connected as `hello` says. */
struct attack_idler {
    struct attack_hello hello;
    struct mqtt_span drip; /* sent byte by byte, one a second; empty: it says nothing */
    const char *what;      /* the subject of the sentence: "a CONNECT at one byte a second" */
};

/* Connects, idles until the broker closes or --patience is over, and judges that. */
void attack_deadline_judge(const struct attack_env *env, const struct attack_idler *idler,
                           struct attack_finding *out);
