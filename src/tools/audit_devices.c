/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/audit_devices.h"

#include "pki/activity.h"
#include "pki/crl.h"
#include "pki/registry_audit.h"
#include "pki/registry_life.h"
#include "pki/state.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_DAYS 30
#define DAY_S        86400
#define MIN_RSA_BITS 3072 /* good beyond 2030 */

struct audit {
    const struct identity_options *options;
    struct registry *registry;
    struct activity *activity; /* NULL: nobody was seen yet */
    struct pki_fault fault;
    char crl[STATE_PATH_SIZE];
    bool has_crl;
    int64_t now_s;
    int64_t days;
    unsigned count;
    json_t *findings; /* NULL: for people */
};

/* 0 or -ENOMEM. */
__attribute__((format(printf, 4, 5))) static int find(struct audit *a, const char *name,
                                                      const char *what, const char *format, ...)
{
    char detail[512];
    char shown[IDENTITY_URI_NAME_SIZE];
    char clean[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    (void)identity_print_text(name, shown, sizeof(shown));
    (void)identity_print_text(detail, clean, sizeof(clean));
    a->count++;
    if (a->findings == NULL) {
        (void)printf("%-24s %-16s %s\n", shown, what, clean);
        return 0;
    }
    json_t *one = json_pack("{s:s, s:s, s:s}", "device", shown, "finding", what, "detail", clean);
    return json_array_append_new(a->findings, one) < 0 ? -ENOMEM : 0;
}

/* ---- one identity ---- */

static int check_expiry(struct audit *a, const struct registry_entry *e)
{
    char until[IDENTITY_PRINT_TIME_SIZE];
    int64_t left_s = e->certificate.not_after_s - a->now_s;

    (void)identity_print_time(e->certificate.not_after_s, until);
    if (left_s <= 0)
        return find(a, e->name, "expired", "its certificate ran out at %s", until);
    if (left_s <= a->days * DAY_S)
        return find(a, e->name, "expiring", "its certificate runs out at %s", until);
    return 0;
}

static int check_seen(struct audit *a, const struct registry_entry *e)
{
    struct activity_seen seen;
    char last[IDENTITY_PRINT_TIME_SIZE];
    char added[IDENTITY_PRINT_TIME_SIZE];
    int error =
        a->activity != NULL ? activity_find(a->activity, e->name, &seen, &a->fault) : -ENOENT;

    if (error == -ENOENT)
        return find(a, e->name, "never-seen", "it was added at %s and has never connected",
                    identity_print_time(e->created_s, added));
    if (error < 0)
        return error;
    if (a->now_s - seen.last_s <= a->days * DAY_S)
        return 0;
    return find(a, e->name, "not-seen", "it was last seen at %s, from %s",
                identity_print_time(seen.last_s, last), seen.address);
}

static bool is_old(const char *algorithm)
{
    if (strncmp(algorithm, "RSA ", 4) == 0)
        return strtoul(algorithm + 4, NULL, 10) < MIN_RSA_BITS;
    return strncmp(algorithm, "DSA", 3) == 0;
}

static int check_key(struct audit *a, const struct registry_entry *e)
{
    bool is_plain = strcmp(e->protection, "plain") == 0;
    bool is_unknown = e->protection[0] == '\0' || strcmp(e->protection, "unknown") == 0;
    int error = 0;

    if (is_plain)
        error = find(a, e->name, "extractable-key", "its key is a plain file that can be copied");
    else if (is_unknown)
        error = find(a, e->name, "extractable-key",
                     "it is not known how its key is kept; it may be copied");
    if (error == 0 && is_old(e->algorithm))
        error = find(a, e->name, "old-algorithm",
                     "its key is %s; renew it with EC P-256 or Ed25519", e->algorithm);
    return error;
}

static int check_one(void *context, const struct registry_entry *e)
{
    struct audit *a = context;
    int error = 0;

    if (e->status != REGISTRY_ACTIVE)
        return 0;
    error = check_expiry(a, e);
    if (error == 0)
        error = check_seen(a, e);
    return error == 0 ? check_key(a, e) : error;
}

/* ---- what lies between them ---- */

static int check_trouble(void *context, enum registry_trouble trouble, const char *name,
                         const char *detail)
{
    struct audit *a = context;

    switch (trouble) {
    case REGISTRY_SHARED_KEY:
        return find(a, name, "shared-key",
                    "its key belongs to %s; tacit never lets that happen, so somebody else has "
                    "written to the registry",
                    detail);
    case REGISTRY_BLOCKED_KEY:
        return find(a, name, "blocked-key", "its key is blocked: %s", detail);
    case REGISTRY_STRAY:
        return find(a, name, "stray", "its certificate %s is good, and it is not in the registry",
                    detail);
    case REGISTRY_REVOKED_ONLY:
        return find(a, name, "no-certificate",
                    "its certificate is revoked (%s); it waits for a new one", detail);
    case REGISTRY_TOKEN:
        return find(a, name, "pending-token", "it may be enrolled with a token until %s", detail);
    case REGISTRY_TROUBLE_COUNT:
        break;
    }
    return 0;
}

static int check_listed(void *context, const struct registry_issued *issued)
{
    struct audit *a = context;
    bool is_listed = false;
    int error =
        a->has_crl ? crl_lists(a->crl, issued->certificate.serial, &is_listed, &a->fault) : 0;

    if (error < 0)
        return error;
    if (is_listed)
        return 0;
    return find(a, issued->name, "not-on-crl",
                "its certificate %s is revoked (%s), and the published list does not say so",
                issued->certificate.serial, registry_reason_text(issued->reason));
}

static int check_crl(struct audit *a)
{
    struct crl_facts facts;
    char until[IDENTITY_PRINT_TIME_SIZE];
    int error = state_path(a->options->state, STATE_CRL, a->crl);

    if (error == 0)
        error = crl_read(a->crl, &facts, &a->fault);
    a->has_crl = error == 0;
    if (error != 0 && error != -ENOENT)
        return error;
    if (a->has_crl && facts.next_update_s <= a->now_s) {
        error = find(a, "-", "crl-stale", "the published revocation list is out of date since %s",
                     identity_print_time(facts.next_update_s, until));
        if (error < 0)
            return error;
    }
    return registry_list_revoked(a->registry, a->now_s, check_listed, a, &a->fault);
}

/* ---- all together ---- */

static int open_all(struct audit *a)
{
    char path[STATE_PATH_SIZE];
    int error = identity_registry_open(a->options, &a->registry, &a->fault);

    if (error == 0 && state_path(a->options->state, STATE_ACTIVITY, path) < 0)
        error = pki_fail(&a->fault, -ENAMETOOLONG, "%s: the path is too long", a->options->state);
    if (error == 0)
        error = activity_open(path, false, &a->activity, &a->fault);
    return error == -ENOENT && a->registry != NULL ? 0 : error;
}

static int audit(struct audit *a)
{
    int error = open_all(a);

    if (error == 0)
        error = registry_list(a->registry, check_one, a, &a->fault);
    if (error == 0)
        error = registry_list_troubles(a->registry, a->now_s, check_trouble, a, &a->fault);
    if (error == 0)
        error = check_crl(a);
    activity_close(a->activity);
    registry_close(a->registry);
    return error;
}

static int finish(struct audit *a)
{
    if (a->findings != NULL) {
        int code = identity_print_document(
            json_pack("{s:i, s:o}", "count", (int)a->count, "findings", a->findings));
        a->findings = NULL;
        if (code != IDENTITY_EXIT_DONE)
            return code;
    } else if (a->count == 0) {
        (void)puts("nothing was found");
    }
    if (fflush(stdout) != 0)
        return IDENTITY_EXIT_FAILED;
    return a->count > 0 ? AUDIT_EXIT_FINDINGS : IDENTITY_EXIT_DONE;
}

int audit_devices(const struct identity_options *options)
{
    struct audit a = { .options = options,
                       .now_s = (int64_t)time(NULL),
                       .days = options->days > 0 ? options->days : DEFAULT_DAYS };

    if (options->json) {
        a.findings = json_array();
        if (a.findings == NULL)
            return identity_options_fail(options, IDENTITY_EXIT_FAILED, "out of memory");
    }
    int error = audit(&a);
    if (error == 0)
        return finish(&a);
    json_decref(a.findings);
    return identity_registry_fail(options, error, &a.fault);
}
