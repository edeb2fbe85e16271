/* SPDX-License-Identifier: Apache-2.0 */
/* The policy in force: what tacit.conf says, what the registry adds to it, and what time it is.
 *
 * tacitd builds it anew when one of the three changes, `tacit policy` to answer questions. Owner:
 * the thread that opened the registry; the policy that comes out is immutable and counted. */
#pragma once

#include "base/attrs.h"
#include "config/anchors.h"
#include "config/config.h"
#include "pki/fault.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct registry;

/* Role names that no file can define: of what is granted to a group or a device alone. Nobody has
 * such a role by its name, not even a device whose row in the registry says so. */
#define RULEBOOK_GROUP  "group:"
#define RULEBOOK_DEVICE "device:"

bool rulebook_name_is_reserved(const char *role);

/* What had to be left out: a row of the registry that no policy can have. One sentence each. */
struct rulebook_doubts {
    void *context;
    void (*doubt)(void *context, const char *text); /* NULL: nobody wants to know */
};

/* What a policy is made of besides the configuration. */
struct rulebook_basis {
    struct registry *registry; /* NULL: there is none */
    int64_t now_s;             /* UTC; what has expired by then is left out */
    bool only_looks;           /* a duration that no tacitd has read yet does not begin */
    struct anchors *anchors;   /* remembers when durations began where there is no registry; NULL:
                                  they begin at now_s */
};

/* Sealed. Rows of the registry that are wrong, or name a role that no file defines, are left out
 * one by one. A device that would have more than MEMBER_ROLES_MAX roles (rulebook_members.h), its
 * groups together, is given no right at all: a denial might be among those that do not fit.
 * Negative errno with the reason in *fault. */
MQTT_NODISCARD int rulebook_build(const struct config *config, const struct rulebook_basis *basis,
                                  const struct rulebook_doubts *doubts, struct policy **out,
                                  struct pki_fault *fault);
