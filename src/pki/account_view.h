/* SPDX-License-Identifier: Apache-2.0 */
/* What tacitd needs of the accounts all the time, in memory and without any secret: a sibling of
 * registry_view.h, built and replaced with it. Immutable and counted; thread-safe for reading. */
#pragma once

#include "base/attrs.h"
#include "pki/accounts.h"

struct account_view;

/* Strings are never NULL; empty tenant and site stand for none. */
struct account_view_entry {
    const char *name;
    const char *role;
    const char *tenant;
    const char *site;
    enum registry_status status;
    bool is_burnt;
    bool is_canary; /* canaries.h */
    uint64_t stamp; /* another one for every password that is set */
};

/* Reads all accounts. Counted once. */
MQTT_NODISCARD int account_view_new(struct registry *registry, struct account_view **out,
                                    struct pki_fault *fault);
struct account_view *account_view_ref(struct account_view *view);
void account_view_unref(struct account_view *view); /* NULL is fine */

/* Borrowed, or NULL; also when `view` is. */
const struct account_view_entry *account_view_find(const struct account_view *view,
                                                   struct mqtt_span name);
