/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in without being in the registry: by a listener's anonymous-role or certificate-role,
 * or by an assign block. As src/daemon/admission.c decides it, asked without a certificate. */
#pragma once

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

enum policy_stranger_kind {
    POLICY_STRANGER_ANONYMOUS,
    POLICY_STRANGER_CERTIFICATE,
    POLICY_STRANGER_ASSIGN,
};

/* Borrowed from the configuration. */
struct policy_stranger {
    enum policy_stranger_kind kind;
    const char *name;                   /* of the listener or the assign block */
    struct policy_origin origin;        /* likewise */
    const char *role;                   /* what it is given, as the two below */
    const char *tenant;                 /* NULL: none */
    const char *site;                   /* NULL: none */
    const struct config_assign *assign; /* NULL: of a listener */
    size_t before;                      /* assign blocks that are asked first */
};

const char *policy_stranger_kind_text(enum policy_stranger_kind kind);

/* Does the name of the device come from the certificate, so that it may be any? `*out_name` is
 * the only one where an assign block names it, else NULL. */
bool policy_stranger_has_name(const struct policy_stranger *stranger, const char **out_name);

/* Calls `visit` for each; a result other than 0 ends it and is returned. */
typedef int (*policy_stranger_visit)(void *context, const struct policy_stranger *stranger);
int policy_strangers_each(const struct config *config, policy_stranger_visit visit, void *context);

/* The assign block that gets all certificates that this stranger could come with, or those with
 * that common name (NULL: with any), before it is asked; NULL: none does. */
const struct config_assign *policy_strangers_taker(const struct config *config,
                                                   const struct policy_stranger *stranger,
                                                   const char *common_name);
