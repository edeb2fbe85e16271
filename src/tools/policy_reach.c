/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_reach.h"

#include "policy/reach.h"
#include "tools/identity_options.h"
#include "tools/policy_book.h"
#include "tools/policy_strangers.h"
#include "tools/reach_names.h"
#include "tools/reach_report.h"
#include "tools/topic_fault.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TENANT_ROOT   "$tenant/"
#define TENANT_LEVELS 2 /* "$tenant/NAME/" before what the client names */
#define SHOW_AFTER_MS 1000
#define SHOW_EVERY    1024 /* devices */

struct search {
    const struct policy_book *book;
    struct mqtt_span topic;
    struct reach_report report;
    const struct policy_stranger *stranger; /* whose names are being tried */
    bool shows;                             /* somebody looks at standard error */
    struct timespec began;
    size_t looked_at; /* devices */
};

/* ---- how far it is ---- */

static uint64_t elapsed_ms(const struct search *s)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)((now.tv_sec - s->began.tv_sec) * 1000
                      + (now.tv_nsec - s->began.tv_nsec) / 1000000);
}

static void show_progress(struct search *s)
{
    s->looked_at++;
    if (s->shows && s->looked_at % SHOW_EVERY == 0 && elapsed_ms(s) > SHOW_AFTER_MS)
        (void)fprintf(stderr, "\r%zu devices", s->looked_at);
}

static void end_progress(const struct search *s)
{
    if (s->shows)
        (void)fputs("\r\033[K", stderr);
}

/* ---- those of the registry ---- */

static int on_entry(void *context, const struct registry_entry *entry)
{
    struct search *s = context;
    struct policy_book_subject subject;
    show_progress(s);
    policy_book_subject_of(entry, &subject);
    const struct role *role = policy_find(s->book->policy, &subject.identity);
    if (subject.barred != NULL || role == NULL) {
        s->report.barred[entry->status]++;
        return 0;
    }
    struct reach reach = reach_decide(role, &subject.identity, s->topic);
    reach_report_device(&s->report, &subject, role, &reach);
    return 0;
}

/* ---- the others ---- */

/* A name of the registry is not for a stranger, and some belong to another assign block. */
static bool permits(void *context, const char *name)
{
    struct search *s = context;
    struct registry_entry entry;
    if (policy_strangers_taker(s->book->config, s->stranger, name) != NULL)
        return false;
    return s->book->registry == NULL || registry_find(s->book->registry, name, &entry, NULL) != 0;
}

/* Without a name, or with the only one there can be. */
static void decide_known(struct search *s, const struct role *role, const struct identity *identity,
                         struct reach_names *read, struct reach_names *write)
{
    struct reach reach = reach_decide(role, identity, s->topic);
    *read = (struct reach_names){ .others = reach.read.verdict == POLICY_ALLOW };
    *write = (struct reach_names){ .others = reach.write.verdict == POLICY_ALLOW };
    read->rule = read->others ? reach.read.rule : NULL;
    write->rule = write->others ? reach.write.rule : NULL;
}

static int on_stranger(void *context, const struct policy_stranger *stranger)
{
    struct search *s = context;
    const struct role *role = policy_find_role(s->book->policy, stranger->role);
    struct identity identity = { .tenant = stranger->tenant,
                                 .site = stranger->site,
                                 .role = stranger->role };
    struct reach_names read = { 0 };
    struct reach_names write = { 0 };
    const char *name;
    s->stranger = stranger;
    bool has_name = policy_stranger_has_name(stranger, &name);
    if (role == NULL)
        return 0;
    identity.proved = has_name;
    identity.device = name;
    if (has_name && name == NULL)
        reach_names_decide(&(struct reach_names_question){ .role = role,
                                                           .identity = &identity,
                                                           .topic = s->topic,
                                                           .permits = permits,
                                                           .context = s },
                           &read, &write);
    else if (!has_name || (identity_name_is_valid(name) && permits(s, name)))
        decide_known(s, role, &identity, &read, &write);
    reach_report_stranger(&s->report, stranger, role, &read, &write);
    return 0;
}

/* ---- the command ---- */

static int check_topic(const struct policy_book *book, struct mqtt_span topic)
{
    bool is_tenants = span_starts_with(topic, span_of(TENANT_ROOT));
    unsigned levels =
        (unsigned)book->config->limits.topic_levels + (is_tenants ? TENANT_LEVELS : 0);
    const char *fault = topic_fault_of_name(topic, levels);
    if (fault == NULL)
        return IDENTITY_EXIT_DONE;
    return identity_options_fail(book->options, IDENTITY_EXIT_USAGE, "'%.200s' is no topic: %s",
                                 (const char *)topic.data, fault);
}

static int search(struct search *s)
{
    struct pki_fault fault = { "out of memory" };
    const struct policy_book *book = s->book;
    int error = 0;
    reach_report_begin(&s->report, s->topic);
    if (book->registry != NULL)
        error = registry_list(book->registry, on_entry, s, &fault);
    end_progress(s);
    if (error < 0)
        return identity_options_fail(book->options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    (void)policy_strangers_each(book->config, on_stranger, s);
    return reach_report_end(&s->report);
}

int policy_reach(const struct identity_options *options)
{
    struct policy_book book;
    struct search s = {
        .book = &book,
        .topic = span_of(options->operands[0]),
        .report = { .json = options->json },
        .shows = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) != 1,
    };
    (void)clock_gettime(CLOCK_MONOTONIC, &s.began);
    int code = policy_book_open(options, &book);
    if (code == IDENTITY_EXIT_DONE)
        code = check_topic(&book, s.topic);
    if (code == IDENTITY_EXIT_DONE)
        code = search(&s);
    policy_book_close(&book);
    return code;
}
