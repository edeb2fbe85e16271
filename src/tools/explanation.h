/* SPDX-License-Identifier: Apache-2.0 */
/* One question to the policy, its answer, and why: what `tacit policy explain` tells. The
 * functions that decide are those of the daemon.
 *
 * Owner: the thread of the command. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "policy/policy.h"
#include "policy/share.h"
#include "tools/policy_book.h"

#include <stdbool.h>
#include <stdint.h>

#define EXPLANATION_TEXT_SIZE    512
#define EXPLANATION_WITNESS_SIZE 1024

/* What is asked. Valid (topic_fault.h); borrowed. */
struct question {
    enum policy_action action;
    struct mqtt_span asked;  /* as given */
    struct mqtt_span filter; /* the topic, or the filter without $share/NAME/ */
    bool is_shared;
    bool has_qos;
    uint8_t qos;            /* to subscribe: what is asked for; 2 when nothing was said */
    bool retain;            /* of the message */
    uint32_t payload_bytes; /* likewise */
};

struct explanation {
    const struct policy_book_subject *subject;
    const struct role *role; /* NULL: it has none */
    const struct question *question;
    char space[POLICY_SPACE_BYTES];
    const char *bar;                /* why it is not let in at all; NULL: it is */
    bool is_allowed;                /* nothing objects, the bar included */
    const char *objection;          /* of the policy, static; NULL: none */
    struct policy_publish publish;  /* of a question about publishing */
    struct policy_decision receive; /* of one about subscribing; zero where sharing was refused */
    char needed[EXPLANATION_TEXT_SIZE]; /* the grant that would do, in the words of tacit.conf */
    char witness[EXPLANATION_WITNESS_SIZE]; /* a topic of the filter that is not granted; or "" */
    struct share share;
    const struct share_line *nearest; /* grant, where one is missing; in `share` */
};

/* 0 or -ENOMEM; explanation_fini() in both cases. Borrows all that it is given. */
MQTT_NODISCARD int explanation_make(const struct policy *policy,
                                    const struct policy_book_subject *subject,
                                    const struct question *question, struct explanation *out);
void explanation_fini(struct explanation *explanation);

/* Does the rule of a part count for the question: a grant that covers what is asked (or, with
 * `partly`, some of it), a denial that meets it? */
bool explanation_concerns(const struct explanation *explanation, const struct policy_rule *rule,
                          bool partly);

/* Print it; policy_explain.c says in which form. Return the exit code. */
int explanation_print_people(const struct explanation *explanation);
int explanation_print_json(const struct explanation *explanation);
