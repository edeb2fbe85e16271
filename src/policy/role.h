/* SPDX-License-Identifier: Apache-2.0 */
/* What a role is made of; for this directory only. */
#pragma once

#include "base/attrs.h"
#include "policy/pattern.h"
#include "policy/policy.h"

#include <stddef.h>

#define ROLE_ACTIONS (POLICY_SUBSCRIBE + 1)

enum role_effect {
    ROLE_DENIES,
    ROLE_GRANTS,
    ROLE_EFFECT_COUNT,
};

struct rule {
    struct pattern pattern; /* over `text` */
    char *text;             /* owned, NUL-terminated */
};

struct rules {
    struct rule *at;
    size_t count;
    size_t room;
};

struct role {
    char *name;
    struct role_options options;
    bool sealed;
    struct rules rules[ROLE_ACTIONS][ROLE_EFFECT_COUNT];
};

/* Copies both. NULL out of memory. */
MQTT_NODISCARD struct role *role_new(const char *name, const struct role_options *options);
void role_free(struct role *role); /* NULL is fine */
