/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_check.h"

#include "tools/check_holders.h"
#include "tools/check_roles.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/policy_book.h"
#include "tools/policy_findings.h"
#include "tools/policy_print.h"
#include "tools/printable.h"

#include <stdio.h>

struct check {
    const struct identity_options *options;
    struct policy_book book;
    struct policy_findings findings;
    json_t *errors; /* of the file; NULL: they go to standard error */
    bool failed;    /* memory is out */
};

static void on_error(void *context, const char *text)
{
    struct check *check = context;
    json_t *line = policy_print_text_json(text);
    check->failed |= line == NULL || json_array_append_new(check->errors, line) < 0;
}

static void on_doubt(void *context, const char *text)
{
    static const struct policy_finding like = {
        .origin = { "registry", 0, 0 },
        .severity = LINT_WARNING,
        .word = "left-out",
    };
    struct check *check = context;
    policy_findings_add(&check->findings, &like, "%s", text);
}

/* ---- the answer ---- */

static const char *name_of(const struct policy_book *book)
{
    return book->path[0] != '\0' ? book->path : CONFIG_BUILTIN_NAME;
}

static void print_count(size_t count, const char *one, bool *is_first)
{
    if (count == 0)
        return;
    (void)printf("%s%zu %s%s", *is_first ? " " : ", ", count, one, count == 1 ? "" : "s");
    *is_first = false;
}

static void print_people(const struct check *check)
{
    const struct policy_findings *findings = &check->findings;
    bool is_first = true;
    policy_findings_print(findings);
    (void)printable_put(stdout, span_of(name_of(&check->book)));
    (void)putchar(':');
    print_count(policy_findings_count(findings, LINT_ERROR), "error", &is_first);
    print_count(policy_findings_count(findings, LINT_WARNING), "warning", &is_first);
    print_count(policy_findings_count(findings, LINT_NOTE), "note", &is_first);
    (void)puts(is_first ? " in order" : "");
}

static int print_json(struct check *check)
{
    const struct policy_findings *f = &check->findings;
    json_t *o = json_object();
    bool is_whole =
        !check->failed
        && policy_print_set(o, "configuration", policy_print_text_json(name_of(&check->book)))
        && policy_print_set(o, "errors", json_incref(check->errors))
        && policy_print_set(o, "findings", policy_findings_json(f))
        && policy_print_set(o, "counts",
                            json_pack("{s:I, s:I, s:I}", "error",
                                      (json_int_t)policy_findings_count(f, LINT_ERROR), "warning",
                                      (json_int_t)policy_findings_count(f, LINT_WARNING), "note",
                                      (json_int_t)policy_findings_count(f, LINT_NOTE)));
    if (is_whole)
        return identity_print_document(o);
    json_decref(o);
    return identity_print_document(NULL);
}

static int answer(struct check *check)
{
    int code = IDENTITY_EXIT_DONE;
    policy_findings_sort(&check->findings);
    if (check->options->json)
        code = print_json(check);
    else
        print_people(check);
    if (fflush(stdout) != 0)
        code = IDENTITY_EXIT_FAILED;
    bool is_found = policy_findings_count(&check->findings, LINT_NOTE) < check->findings.count;
    return code == IDENTITY_EXIT_DONE && is_found ? (int)IDENTITY_EXIT_FOUND : code;
}

/* ---- the command ---- */

static int look(struct check *check)
{
    struct pki_fault fault = { "out of memory" };
    check_roles(&check->book, &check->findings);
    int error = check_holders(&check->book, &check->findings, &fault);
    if (error < 0 || check->findings.failed)
        return identity_options_fail(check->options, IDENTITY_EXIT_FAILED, "%s",
                                     error < 0 ? fault.text : "out of memory");
    return answer(check);
}

static int run(struct check *check)
{
    const struct policy_book_ears ears = {
        .context = check,
        .error = check->errors != NULL ? on_error : NULL,
        .doubt = on_doubt,
    };
    int code = policy_book_open_to(check->options, &ears, &check->book);
    if (code == IDENTITY_EXIT_DONE)
        code = look(check);
    else if (json_array_size(check->errors) > 0)
        (void)print_json(check);
    policy_book_close(&check->book);
    policy_findings_fini(&check->findings);
    return code;
}

int policy_check(const struct identity_options *options)
{
    struct identity_options o = *options;
    if (o.operand_count > 0 && o.config != NULL)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE,
                                     "which file, '%.200s' or '%.200s'? Name one", o.operands[0],
                                     o.config);
    if (o.operand_count > 0)
        o.config = o.operands[0];
    struct check check = { .options = &o, .errors = o.json ? json_array() : NULL };
    if (o.json && check.errors == NULL)
        return identity_options_fail(&o, IDENTITY_EXIT_FAILED, "out of memory");
    int code = run(&check);
    json_decref(check.errors);
    return code;
}
