/* SPDX-License-Identifier: Apache-2.0 */
/* What `tacit policy` asks: the configuration, the registry and the policy of both, as the tacitd
 * of that state folder would make it now. Nothing is changed by looking.
 *
 * Owner: the thread of the command. */
#pragma once

#include "base/attrs.h"
#include "config/config.h"
#include "pki/registry.h"
#include "policy/policy.h"
#include "policy/sketch.h"
#include "tools/identity_options.h"

#include <stdbool.h>
#include <stdint.h>

struct policy_book_ears;

struct policy_book {
    const struct identity_options *options;
    char path[IDENTITY_OPTIONS_PATH_SIZE]; /* of the configuration; "": the built-in one */
    struct config *config;
    struct registry *registry; /* NULL: there is no state folder yet */
    struct policy *policy;
    int64_t now_s;   /* UTC */
    unsigned doubts; /* rows of the registry that had to be left out, and were told */
    const struct policy_book_ears *ears; /* NULL: standard error */
};

/* Who hears what is wrong; standard error where a function is NULL. Texts are borrowed. */
struct policy_book_ears {
    void *context;
    void (*error)(void *context, const char *text); /* "file:line:column: ..." of the file */
    void (*doubt)(void *context, const char *text); /* a row of the registry that is left out */
};

/* With --config and --state of the options. IDENTITY_EXIT_DONE, or the exit code after saying on
 * standard error what is wrong; policy_book_close() in both cases. */
MQTT_NODISCARD int policy_book_open(const struct identity_options *options,
                                    struct policy_book *out);
/* `ears` are borrowed until policy_book_close(). */
MQTT_NODISCARD int policy_book_open_to(const struct identity_options *options,
                                       const struct policy_book_ears *ears,
                                       struct policy_book *out);
void policy_book_close(struct policy_book *book);

/* The policy that the configuration at `path` would make of the same registry. Likewise; *out is
 * to be given back with policy_unref(). */
MQTT_NODISCARD int policy_book_other(struct policy_book *book, const char *path,
                                     struct policy **out);

/* Somebody whom a question is about. The identity's names lie in `entry`, so it is not copied. */
struct policy_book_subject {
    struct registry_entry entry;
    struct identity identity;
    bool is_registered; /* else made up of --device, --role, --tenant and --site */
    const char *barred; /* why it is not let in at all, static; NULL: it is */
};

/* --device of the registry, its role, tenant and site replaced by --role, --tenant and --site
 * where these are given; a device that is not there needs --role. Likewise. */
MQTT_NODISCARD int policy_book_subject(struct policy_book *book, struct policy_book_subject *out);
void policy_book_subject_of(const struct registry_entry *entry, struct policy_book_subject *out);

/* What a tacitd with this state folder has recorded; what is damaged is left out after saying so.
 * Nothing recorded: an empty sketch. Likewise; sketch_free(). */
MQTT_NODISCARD int policy_book_observed(struct policy_book *book, struct sketch **out);
