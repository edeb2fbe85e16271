/* SPDX-License-Identifier: Apache-2.0 */
/* Subscription identifiers of the subscriptions that let a message in. Counted,
 * never changed. */
#pragma once

#include <stdint.h>

struct identifiers {
    uint32_t references;
    uint32_t count;
    uint32_t values[];
};

struct identifiers *identifiers_ref(struct identifiers *identifiers); /* NULL is fine */
void identifiers_unref(struct identifiers *identifiers);              /* NULL is fine */
