/* SPDX-License-Identifier: Apache-2.0 */
/* A packet whose header announces more than anybody should take. */
#pragma once

#include "tools/attack_check.h"
#include "tools/attack_link.h"

/* Sends the head and 1 KiB of the body. A broker that closes within a second is safe; to another one
 * up to 16 MiB more are offered, more than the buffers of two kernels hold, and what it takes is
 * judged. The body goes on with `pattern` again and again. `what` is the subject: "a CONNECT that
 * announces 200 MB". */
struct attack_bulk {
    struct mqtt_span head, pattern;
    const char *what;
};

void attack_bulk_judge(struct attack_link *link, const struct attack_bulk *bulk,
                       struct attack_finding *out);
