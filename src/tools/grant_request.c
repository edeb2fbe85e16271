/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/grant_request.h"

#include "base/span.h"
#include "codec/topic.h"
#include "codec/utf8.h"
#include "config/config_term.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 101 /* bytes of a text that is wrong, and NUL */

/* An option and what was given for it. */
struct given {
    const char *name; /* "--rate" */
    const char *text; /* NULL: it was not */
};

static int refuse(struct pki_fault *fault, const struct given *given, const char *advice)
{
    char shown[SHOWN];
    return pki_fail(fault, -EINVAL, "%s '%s': %s", given->name,
                    identity_print_text(given->text, shown, sizeof(shown)), advice);
}

/* After what config_term.h said: NULL is fine. */
static int judge(struct pki_fault *fault, const struct given *given, const char *advice)
{
    return advice == NULL ? 0 : refuse(fault, given, advice);
}

/* ---- for whom ---- */

int grant_request_subject(const struct identity_options *options, struct grant_request_subject *out,
                          struct pki_fault *fault)
{
    const char *const names[GRANT_SUBJECT_COUNT] = {
        [GRANT_TO_DEVICE] = options->device,
        [GRANT_TO_ROLE] = options->role,
        [GRANT_TO_GROUP] = options->group,
    };
    struct grant_request_subject subject = { GRANT_SUBJECT_COUNT, NULL };

    for (unsigned i = 0; i < GRANT_SUBJECT_COUNT; i++) {
        if (names[i] == NULL)
            continue;
        if (subject.name != NULL)
            return pki_fail(fault, -EINVAL, "--%s and --%s: say one of them",
                            grants_subject_text(subject.kind),
                            grants_subject_text((enum grant_subject)i));
        subject = (struct grant_request_subject){ (enum grant_subject)i, names[i] };
    }
    int error = 0;
    if (subject.kind == GRANT_TO_DEVICE)
        error = identity_registry_check_device(subject.name, fault);
    else if (subject.name != NULL)
        error =
            identity_registry_check_name(grants_subject_text(subject.kind), subject.name, fault);
    if (error == 0)
        *out = subject;
    return error;
}

static int read_subject(const struct identity_options *o, struct registry_grant *out,
                        struct pki_fault *fault)
{
    struct grant_request_subject subject = { GRANT_SUBJECT_COUNT, NULL };
    int error = grant_request_subject(o, &subject, fault);
    if (error < 0)
        return error;
    if (subject.name == NULL)
        return pki_fail(fault, -EINVAL,
                        "for whom? Say --device NAME, --role ROLE or --group GROUP");
    out->subject_kind = subject.kind;
    (void)snprintf(out->subject, sizeof(out->subject), "%s", subject.name);
    return 0;
}

/* ---- what ---- */

static int read_pattern(const struct identity_options *o, struct registry_grant *out,
                        struct pki_fault *fault)
{
    const struct given ways[] = { { "--publish", o->publish },
                                  { "--subscribe", o->subscribe },
                                  { "--deny-publish", o->deny_publish },
                                  { "--deny-subscribe", o->deny_subscribe } };
    const struct given *way = NULL;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(ways); i++) {
        if (ways[i].text == NULL)
            continue;
        if (way != NULL)
            return pki_fail(fault, -EINVAL, "%s and %s: a grant is about one of them; add two",
                            way->name, ways[i].name);
        way = &ways[i];
        out->subscribes = i % 2 == 1;
        out->denies = i >= 2;
    }
    if (way == NULL)
        return pki_fail(fault, -EINVAL,
                        "what? Say --publish, --subscribe, --deny-publish or --deny-subscribe and "
                        "a topic or a pattern");
    if (way->text[0] == '\0')
        return refuse(fault, way, "the pattern is empty");
    if (strlen(way->text) >= sizeof(out->pattern))
        return refuse(fault, way, "the pattern is longer than 1024 bytes");
    memcpy(out->pattern, way->text, strlen(way->text) + 1);
    return 0;
}

/* ---- on which terms ---- */

static int read_qos(const struct given *given, struct registry_grant *out, struct pki_fault *fault)
{
    uint64_t qos;
    if (config_term_number(given->text, 0, 2, &qos) < 0)
        return refuse(fault, given, "write 0, 1 or 2");
    out->maximum_qos = (int)qos;
    return 0;
}

static int read_retain(const struct given *given, struct registry_grant *out,
                       struct pki_fault *fault)
{
    bool is_on = false;
    int error = judge(fault, given, config_term_switch(given->text, &is_on));
    if (error == 0)
        out->retain = is_on;
    return error;
}

static int read_payload(const struct given *given, struct registry_grant *out,
                        struct pki_fault *fault)
{
    uint32_t bytes = 0;
    int error = judge(fault, given, config_term_payload(given->text, &bytes));
    if (error == 0)
        out->payload_bytes = bytes;
    return error;
}

static int read_rate(const struct given *given, struct registry_grant *out, struct pki_fault *fault)
{
    uint32_t messages = 0;
    uint32_t seconds = 0;
    int error = judge(fault, given, config_term_rate(given->text, &messages, &seconds));
    if (error == 0) {
        out->rate_messages = messages;
        out->rate_seconds = seconds;
    }
    return error;
}

static int read_terms(const struct identity_options *o, struct registry_grant *out,
                      struct pki_fault *fault)
{
    const struct {
        struct given given;
        bool is_of_publishing;
        int (*read)(const struct given *given, struct registry_grant *out, struct pki_fault *fault);
    } terms[] = {
        { { "--qos", o->qos }, false, read_qos },
        { { "--retain", o->retain }, true, read_retain },
        { { "--max-payload", o->max_payload }, true, read_payload },
        { { "--rate", o->rate }, true, read_rate },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(terms); i++) {
        const struct given *given = &terms[i].given;
        if (given->text == NULL)
            continue;
        if (out->denies)
            return refuse(fault, given, "a denial has no terms; leave it out");
        if (out->subscribes && terms[i].is_of_publishing)
            return refuse(fault, given, "applies to what is published; leave it out");
        int error = terms[i].read(given, out, fault);
        if (error < 0)
            return error;
    }
    return 0;
}

/* ---- until when, who and why ---- */

static int read_expiry(const char *text, int64_t now_s, struct registry_grant *out,
                       struct pki_fault *fault)
{
    const struct given given = { "--expires", text };
    int64_t date_s = 0;
    int64_t lasts_s = 0;

    if (text == NULL)
        return 0;
    int error = judge(fault, &given, config_term_expiry(text, &date_s, &lasts_s));
    if (error < 0)
        return error;
    if (date_s != 0 && date_s <= now_s)
        return refuse(fault, &given, "that is past; it would grant nothing");
    out->expires_s = lasts_s != 0 ? now_s + lasts_s : date_s;
    return 0;
}

/* It stands in the log, in one line. */
static int read_sentence(const struct given *given, char *out, size_t size, struct pki_fault *fault)
{
    if (given->text == NULL)
        return 0;
    size_t len = strlen(given->text);
    if (len == 0)
        return pki_fail(fault, -EINVAL, "%s is empty; write a value or leave it out", given->name);
    if (len >= size)
        return pki_fail(fault, -EINVAL, "%s is longer than %zu bytes", given->name, size - 1);
    if (strcmp(identity_print_text(given->text, out, size), given->text) != 0)
        return pki_fail(fault, -EINVAL, "%s has to be one line of UTF-8", given->name);
    return 0;
}

/* ---- wildcards ---- */

static int check_wildcards(const struct identity_options *o, const struct registry_grant *grant,
                           struct pki_fault *fault)
{
    const struct {
        const char *text, *option, *advice;
    } needs[] = {
        { o->depth, "--depth", "2, how many levels below the prefix, or any" },
        { o->most_topics, "--most-topics", "100, how many topics one subscription is served" },
        { o->owner, "--owner", "anna, who answers for it" },
        { o->reason, "--reason", "\"...\", why it has to be" },
        { o->expires, "--expires", "30d, a date, or never" },
    };

    if (!grant->subscribes || grant->denies)
        return pki_fail(fault, -EINVAL, "--wildcards belongs to --subscribe");
    if (!mqtt_topic_filter_has_wildcard(span_of(grant->pattern)))
        return pki_fail(fault, -EINVAL, "--wildcards: there is no + or # in what is granted");
    for (size_t i = 0; i < MQTT_ARRAY_LEN(needs); i++) {
        if (needs[i].text == NULL)
            return pki_fail(fault, -EINVAL, "--wildcards needs %s; add %s %s", needs[i].option,
                            needs[i].option, needs[i].advice);
    }
    return 0;
}

static int read_wildcards(const struct identity_options *o, struct registry_grant *out,
                          struct pki_fault *fault)
{
    const struct given depth = { "--depth", o->depth };
    const struct given topics = { "--most-topics", o->most_topics };
    uint32_t levels = 0;
    uint64_t most = 0;

    if (!o->wildcards) {
        if (depth.text == NULL && topics.text == NULL)
            return 0;
        return refuse(fault, depth.text != NULL ? &depth : &topics, "belongs to --wildcards");
    }
    int error = check_wildcards(o, out, fault);
    if (error == 0)
        error = judge(fault, &depth, config_term_depth(depth.text, &levels));
    if (error < 0)
        return error;
    if (config_term_number(topics.text, 1, CONFIG_TERM_TOPICS_MAX, &most) < 0)
        return refuse(fault, &topics, "write a whole number from 1 to 1000000");
    out->depth = levels;
    out->most_topics = (int64_t)most;
    return 0;
}

int grant_request_read(const struct identity_options *options, int64_t now_s,
                       struct registry_grant *out, struct pki_fault *fault)
{
    const struct given owner = { "--owner", options->owner };
    const struct given reason = { "--reason", options->reason };
    struct registry_grant grant = {
        .maximum_qos = -1,
        .retain = -1,
        .payload_bytes = -1,
        .rate_messages = -1,
        .rate_seconds = -1,
    };

    int error = read_subject(options, &grant, fault);
    if (error == 0)
        error = read_pattern(options, &grant, fault);
    if (error == 0)
        error = read_terms(options, &grant, fault);
    if (error == 0)
        error = read_expiry(options->expires, now_s, &grant, fault);
    if (error == 0)
        error = read_sentence(&owner, grant.owner, sizeof(grant.owner), fault);
    if (error == 0)
        error = read_sentence(&reason, grant.reason, sizeof(grant.reason), fault);
    if (error == 0)
        error = read_wildcards(options, &grant, fault);
    if (error == 0)
        *out = grant;
    return error;
}
