/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of a book as one text, with learned roles in the place of those of the same
 * name. All else stays as it is written, comments too; what was included stands behind it.
 *
 * Owner: the thread of the command. */
#pragma once

#include "base/attrs.h"
#include "policy/learn.h"
#include "tools/policy_book.h"

#include <stdio.h>

/* Called with the name of each role that has no learned one, before it is written unchanged. */
typedef void (*policy_rewrite_kept)(void *context, struct mqtt_span role);

struct policy_rewrite_wish {
    const struct learned *learned;
    policy_rewrite_kept kept; /* NULL: nobody wants to know */
    void *context;
};

/* 0, or the exit code after saying on standard error what is wrong. */
MQTT_NODISCARD int policy_rewrite(const struct policy_book *book,
                                  const struct policy_rewrite_wish *wish, FILE *out);
