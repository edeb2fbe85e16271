/* SPDX-License-Identifier: Apache-2.0 */
/* How a key gets from where it is to where it shall be. Pure functions. */
#pragma once

#include "keystore/key_facts.h"

#include <stdbool.h>

enum keys_plan {
    KEYS_PLAN_REFUSE = 0, /* it is better kept where it is */
    KEYS_PLAN_STAY,       /* it is there */
    KEYS_PLAN_SEAL,       /* the same key, sealed */
    KEYS_PLAN_REPLACE,    /* another key is made there, and the broker takes it instead */
};

struct keys_plan_wish {
    enum key_protection to;
    bool new_key; /* whether the old one could go there or not */
    bool has_tpm; /* which would seal */
};

enum keys_plan keys_plan_decide(const struct key_facts *from, const struct keys_plan_wish *wish);
