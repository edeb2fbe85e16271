/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_explain.h"

#include "codec/topic.h"
#include "config/config_term.h"
#include "tools/explanation.h"
#include "tools/identity_options.h"
#include "tools/policy_book.h"
#include "tools/topic_fault.h"

#include <stdio.h>
#include <string.h>

#define BYTES_MAX 65535 /* of a topic */

/* ---- the question ---- */

/* Each value as tacit.conf writes it; NULL, or what is wrong, with the option in *out_option. */
static const char *read_message(const struct identity_options *o, struct question *out,
                                const char **out_option)
{
    uint64_t qos = out->action == POLICY_PUBLISH ? 0 : 2;
    const char *fault = NULL;
    out->has_qos = o->qos != NULL;
    *out_option = "--qos";
    if (o->qos != NULL && config_term_number(o->qos, 0, 2, &qos) < 0)
        return "write 0, 1 or 2";
    out->qos = (uint8_t)qos;
    if (o->retain != NULL) {
        *out_option = "--retain";
        fault = config_term_switch(o->retain, &out->retain);
    }
    if (o->max_payload != NULL && fault == NULL) {
        *out_option = "--max-payload";
        fault = config_term_payload(o->max_payload, &out->payload_bytes);
    }
    return fault;
}

static int read_question(const struct identity_options *o, struct question *out)
{
    const char *option;
    *out = (struct question){ .action = o->publish != NULL ? POLICY_PUBLISH : POLICY_SUBSCRIBE };
    if ((o->publish != NULL) == (o->subscribe != NULL))
        return identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                     "what? Say either --publish TOPIC or --subscribe FILTER");
    if (o->subscribe != NULL && (o->retain != NULL || o->max_payload != NULL))
        return identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                     "--retain and --max-payload are about a message; say them "
                                     "with --publish");
    out->asked = span_of(o->publish != NULL ? o->publish : o->subscribe);
    const char *fault = read_message(o, out, &option);
    if (fault == NULL)
        return IDENTITY_EXIT_DONE;
    return identity_options_fail(o, IDENTITY_EXIT_USAGE, "%s: %s", option, fault);
}

/* How deep a topic may be is for the configuration to say, so this comes after reading it. */
static int check_topic(const struct policy_book *book, struct question *question)
{
    bool publishes = question->action == POLICY_PUBLISH;
    unsigned levels = (unsigned)book->config->limits.topic_levels;
    const char *fault = publishes ? topic_fault_of_name(question->asked, levels)
                                  : topic_fault_of_filter(question->asked, levels);
    if (fault != NULL)
        return identity_options_fail(
            book->options, IDENTITY_EXIT_USAGE, "'%.200s' is no topic%s: %s",
            (const char *)question->asked.data, publishes ? "" : " filter", fault);
    struct mqtt_share share = { .filter = question->asked };
    question->is_shared = !publishes && mqtt_share_parse(question->asked, &share) > 0;
    question->filter = share.filter;
    return IDENTITY_EXIT_DONE;
}

/* ---- the answer ---- */

static int explain(const struct policy_book *book, const struct policy_book_subject *subject,
                   const struct question *question)
{
    const struct identity_options *o = book->options;
    struct explanation e;
    int code = IDENTITY_EXIT_FAILED;
    int error = explanation_make(book->policy, subject, question, &e);
    if (error < 0)
        code = identity_options_fail(o, IDENTITY_EXIT_FAILED, "%s", strerror(-error));
    else if (strlen(e.space) + question->asked.len > BYTES_MAX)
        code = identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                     "this topic is longer than 65535 bytes where it lies in the "
                                     "broker, below %s",
                                     e.space);
    else
        code = o->json ? explanation_print_json(&e) : explanation_print_people(&e);
    explanation_fini(&e);
    return code;
}

int policy_explain(const struct identity_options *options)
{
    struct policy_book book;
    struct policy_book_subject subject;
    struct question question;
    int code = read_question(options, &question);
    if (code != IDENTITY_EXIT_DONE)
        return code;
    code = policy_book_open(options, &book);
    if (code == IDENTITY_EXIT_DONE)
        code = check_topic(&book, &question);
    if (code == IDENTITY_EXIT_DONE)
        code = policy_book_subject(&book, &subject);
    if (code == IDENTITY_EXIT_DONE)
        code = explain(&book, &subject, &question);
    policy_book_close(&book);
    return code;
}
