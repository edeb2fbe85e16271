/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/key_check.h"

#include "keycheck/keycheck.h"
#include "pki/blocked_keys.h"
#include "pki/key_use.h"
#include "pki/public_key.h"
#include "pki/registry.h"
#include "pki/state.h"
#include "tools/identity_print.h"

#include <errno.h>
#include <stdio.h>

/* What was found out about one key. */
struct report {
    const char *file;
    char sha256[65];
    struct keycheck_result check;
    char owner[IDENTITY_URI_NAME_SIZE]; /* "": nobody's */
    char blocked[PKI_FAULT_BYTES];      /* "": it is not */
};

/* NULL in *out: no folder is there, and none was asked for. */
static int open_registry(const struct identity_options *o, struct registry **out,
                         struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    int error = state_check(o->state, fault);
    if (error == -ENOENT && o->state_is_default)
        return 0;
    if (error == 0)
        error = state_path(o->state, STATE_REGISTRY, path);
    return error == 0 ? registry_open(path, out, fault) : error;
}

static int ask_registry(struct registry *registry, const struct public_key *key,
                        struct report *report, struct pki_fault *fault)
{
    int error = key_use_find(registry, key->sha256, report->owner, fault);
    if (error < 0 && error != -ENOENT)
        return error;
    error = blocked_keys_check(registry, public_key_span(key), fault);
    if (error != -EKEYREJECTED)
        return error;
    (void)snprintf(report->blocked, sizeof(report->blocked), "%s", fault->text);
    return 0;
}

static int examine(const char *file, struct registry *registry, struct report *out,
                   struct pki_fault *fault)
{
    struct public_key key;
    struct report report = { .file = file };
    int error = public_key_load(file, &key, fault);
    if (error < 0)
        return error;
    report.check = keycheck_of_spki(public_key_span(&key), KEYCHECK_THOROUGH);
    (void)identity_print_hash(key.sha256, report.sha256);
    if (registry != NULL)
        error = ask_registry(registry, &key, &report, fault);
    public_key_fini(&key);
    if (error == 0)
        *out = report;
    return error;
}

static bool is_found(const struct report *report)
{
    return report->check.fault != KEYCHECK_FINE || report->blocked[0] != '\0';
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static json_t *report_json(const struct report *report)
{
    bool is_weak = report->check.fault != KEYCHECK_FINE;
    return json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?}", "file", report->file, "algorithm",
                     report->check.algorithm, "key_sha256", report->sha256, "weakness",
                     is_weak ? keycheck_text(report->check.fault) : NULL, "blocked",
                     text_or_null(report->blocked), "device", text_or_null(report->owner));
}

static void print_report(const struct report *report)
{
    const char *algorithm = report->check.algorithm;
    (void)printf("%s: %s, SHA-256 %s\n", report->file, algorithm[0] != '\0' ? algorithm : "unknown",
                 report->sha256);
    if (report->check.fault != KEYCHECK_FINE)
        (void)printf("  weak: %s\n", keycheck_text(report->check.fault));
    if (report->blocked[0] != '\0')
        (void)printf("  %s\n", report->blocked);
    if (report->owner[0] != '\0')
        (void)printf("  it is the key of '%s'\n", report->owner);
    if (!is_found(report))
        (void)printf("  nothing is known to be wrong with it\n");
}

/* 0 or 1: whether something was found; negative: said already. */
static int report_all(const struct identity_options *o, struct registry *registry, json_t *array)
{
    int found = 0;
    for (int i = 0; i < o->operand_count; i++) {
        struct pki_fault fault = { "out of memory" };
        struct report report = { 0 };
        if (examine(o->operands[i], registry, &report, &fault) < 0) {
            (void)identity_options_fail(o, IDENTITY_EXIT_FAILED, "%s", fault.text);
            return -EIO;
        }
        if (is_found(&report))
            found = 1;
        if (array == NULL)
            print_report(&report);
        else if (json_array_append_new(array, report_json(&report)) < 0)
            return -ENOMEM;
    }
    return found;
}

int key_check(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct pki_fault fault = { "out of memory" };
    if (open_registry(options, &registry, &fault) < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    if (registry == NULL)
        (void)fprintf(stderr, "%s: there is no state folder; only the key itself is looked at\n",
                      options->command);

    json_t *array = options->json ? json_array() : NULL;
    int found = report_all(options, registry, array);
    registry_close(registry);
    if (found < 0) {
        json_decref(array);
        return IDENTITY_EXIT_FAILED;
    }
    int result = IDENTITY_EXIT_DONE;
    if (options->json)
        result = identity_print_document(array);
    else if (fflush(stdout) != 0)
        result = IDENTITY_EXIT_FAILED;
    return result == IDENTITY_EXIT_DONE && found == 1 ? IDENTITY_EXIT_FOUND : result;
}
