/* SPDX-License-Identifier: Apache-2.0 */
/* What the shards decide by: the configuration, the registry as it was read, the keys that are
 * blocked, and the policy that all and the time make together. Built whole, then immutable and counted; the shards go over
 * from one to the next.
 *
 * Building and freeing may take long: the keeper does both, a thread of its own (loop/helpers.h).
 * The registry that is handed in here belongs to that thread. */
#pragma once

#include "base/attrs.h"
#include "config/config.h"
#include "config/rulebook.h"
#include "daemon/token_keys.h"
#include "loop/helpers.h"
#include "pki/account_view.h"
#include "pki/blocked_set.h"
#include "pki/canary_set.h"
#include "pki/registry.h"
#include "pki/registry_view.h"
#include "policy/policy.h"

#include <stdatomic.h>
#include <stdint.h>

struct ruling {
    struct helper_job disposal;
    atomic_uint references;
    struct config *config;         /* counted */
    struct registry_view *view;    /* counted; NULL: there is no registry */
    struct account_view *accounts; /* counted; NULL as the view */
    struct blocked_set *blocked;   /* counted; NULL as the view */
    struct canary_set *canaries;   /* counted; NULL as the view */
    struct token_keys *keys;       /* counted; of the configuration */
    struct policy *policy;         /* counted */
    uint64_t policy_version;       /* registry_policy_version() before the policy was built */
    uint64_t made_us;              /* monotonic */
    uint64_t number; /* in the order of being in force, set before the shards have it; 0: first */
};

/* Of a configuration that has been read. Takes a reference to it. 0, or negative errno with the
 * reason in *fault. */
MQTT_NODISCARD int ruling_new(struct config *config, const struct rulebook_basis *basis,
                              const struct rulebook_doubts *doubts, struct ruling **out,
                              struct pki_fault *fault);

/* What the same configuration makes of the registry and the time now; NULL in *out when nothing
 * has changed. A device that came in addition makes a new view; the policy is then the same. Where
 * keys were blocked or unblocked, the policy is a new one: those who are in are judged again. */
MQTT_NODISCARD int ruling_renew(const struct ruling *before, const struct rulebook_basis *basis,
                                const struct rulebook_doubts *doubts, struct ruling **out,
                                struct pki_fault *fault);

struct ruling *ruling_ref(struct ruling *ruling);

/* Gives a reference back. The last one has `keeper` free it, with `home` as the loop that hears
 * of it; here and now when `keeper` is NULL or busy. NULL is fine. */
void ruling_release(struct ruling *ruling, struct helpers *keeper, struct loop *home);

/* Milliseconds until a grant expires, at least 1; `most_ms` when none does before that. */
uint64_t ruling_patience_ms(const struct ruling *ruling, int64_t wall_ms, uint64_t most_ms);
