/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/enroll_due.h"

#include "pki/identity_uri.h"
#include "tools/enroll_device.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define RETRY_FIRST_S 60
#define RETRY_MAX_S   3600

/* What is renewed, and where. */
struct renewal {
    const struct enroll_options *options;
    struct profile profile;
    struct enroll_files files;
    char host[ENROLL_HOST_SIZE];
    uint16_t port;
    char name[IDENTITY_URI_NAME_SIZE];
    struct enroll_due due;
};

static enum enroll_exit fail(const struct pki_fault *fault)
{
    return enroll_options_fail(ENROLL_EXIT_FAILED, "%s", fault->text);
}

/* ---- what there is ---- */

static enum enroll_exit find_profile(struct renewal *r)
{
    char name[PROFILE_NAME_SIZE];
    int error = 0;

    if (r->options->as != NULL)
        (void)snprintf(name, sizeof(name), "%s", r->options->as);
    else
        error = profile_default(name);
    if (error < 0)
        return enroll_options_fail(ENROLL_EXIT_USAGE, "whose? Say --as NAME");
    error = profile_load(name, &r->profile);
    if (error < 0)
        return enroll_options_fail(ENROLL_EXIT_USAGE, "there is no good profile '%s': %s", name,
                                   strerror(-error));
    return ENROLL_EXIT_DONE;
}

static bool server_of(const struct profile *place, char host[ENROLL_HOST_SIZE], uint16_t *port)
{
    return (place->enrolment[0] != '\0' && enroll_options_split(place->enrolment, host, port))
           || enroll_options_split(place->host, host, port);
}

static enum enroll_exit find_server(struct renewal *r)
{
    const struct enroll_options *o = r->options;

    if (o->server != NULL) {
        memcpy(r->host, o->host, sizeof(r->host));
        r->port = o->enrolment_port;
        return ENROLL_EXIT_DONE;
    }
    return server_of(&r->profile, r->host, &r->port)
               ? ENROLL_EXIT_DONE
               : enroll_options_fail(ENROLL_EXIT_USAGE, "which server? Say --server HOST:PORT");
}

/* Who it is and when it is time stands in the certificate. */
static enum enroll_exit read_certificate(struct renewal *r)
{
    struct pki_fault fault = { "" };
    struct certificate *certificate;
    struct certificate_facts facts;
    struct identity_uri uri;

    if (certificate_load(r->files.certificate, &certificate, &fault) < 0)
        return fail(&fault);
    int error = certificate_facts_of(certificate, &facts, &fault);
    certificate_free(certificate);
    if (error < 0)
        return fail(&fault);
    if (identity_uri_parse(span_of(facts.uri), &uri) < 0)
        return enroll_options_fail(ENROLL_EXIT_FAILED,
                                   "%s was not given out by a broker of this kind",
                                   r->files.certificate);
    memcpy(r->name, uri.name, sizeof(r->name));
    r->due = (struct enroll_due){ facts.registered.not_before_s, facts.registered.not_after_s };
    return ENROLL_EXIT_DONE;
}

static enum enroll_exit open_renewal(struct renewal *r)
{
    struct pki_fault fault = { "" };
    enum enroll_exit code = find_profile(r);

    if (code == ENROLL_EXIT_DONE)
        code = find_server(r);
    if (code != ENROLL_EXIT_DONE)
        return code;
    int error = enroll_files_of(r->profile.key_file, r->profile.certificate_file,
                                r->profile.ca_file, &r->files, &fault);
    if (error == 0)
        error = enroll_files_recover(&r->files, &fault);
    return error < 0 ? fail(&fault) : read_certificate(r);
}

/* ---- renewing ---- */

static enum enroll_exit renew_now(struct renewal *r)
{
    const struct enroll_call call = {
        .host = r->host,
        .port = r->port,
        .operation = "simplereenroll",
        .authority_file = r->files.authority,
        .certificate_file = r->files.certificate,
        .key_file = r->files.key,
    };
    const struct enroll_key key = {
        .is_next = r->options->new_key,
        .store = r->options->has_store ? &r->options->store : NULL,
    };
    enum enroll_exit code = enroll_device_get(&r->files, &call, r->name, &key);

    return code == ENROLL_EXIT_DONE ? read_certificate(r) : code;
}

static enum enroll_exit renew_once(struct renewal *r)
{
    bool is_due = r->options->force || enroll_due_is(&r->due, (int64_t)time(NULL));
    enum enroll_exit code = is_due ? renew_now(r) : ENROLL_EXIT_DONE;

    return code == ENROLL_EXIT_DONE
               ? enroll_device_print(&r->files, r->name, is_due, r->options->json)
               : code;
}

/* ---- staying ---- */

static uint32_t random_number(void)
{
    uint32_t number = 0;

    /* Without one all devices would come at once, which is all that it is against. */
    return getrandom(&number, sizeof(number), 0) == (ssize_t)sizeof(number) ? number : 0;
}

/* False: somebody wants us to end. */
static bool wait_for(int64_t seconds)
{
    sigset_t ends;
    const struct timespec patience = { (time_t)seconds, 0 };

    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    return sigtimedwait(&ends, NULL, &patience) < 0;
}

static void block_signals(void)
{
    sigset_t ends;

    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
}

static enum enroll_exit watch(struct renewal *r)
{
    int64_t retry_s = RETRY_FIRST_S;
    int64_t wait_s =
        r->options->force ? 0 : enroll_due_wait_s(&r->due, (int64_t)time(NULL), random_number());

    block_signals();
    while (wait_for(wait_s)) {
        if (renew_now(r) == ENROLL_EXIT_DONE) {
            retry_s = RETRY_FIRST_S;
            wait_s = enroll_due_wait_s(&r->due, (int64_t)time(NULL), random_number());
            if (enroll_device_print(&r->files, r->name, true, r->options->json) != ENROLL_EXIT_DONE)
                return ENROLL_EXIT_FAILED;
            continue;
        }
        wait_s = retry_s;
        retry_s = retry_s * 2 < RETRY_MAX_S ? retry_s * 2 : RETRY_MAX_S;
    }
    return ENROLL_EXIT_DONE;
}

static enum enroll_exit run(const struct enroll_options *options,
                            enum enroll_exit (*work)(struct renewal *))
{
    struct renewal *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return enroll_options_fail(ENROLL_EXIT_FAILED, "out of memory");
    r->options = options;
    enum enroll_exit code = open_renewal(r);
    if (code == ENROLL_EXIT_DONE)
        code = work(r);
    free(r);
    return code;
}

enum enroll_exit enroll_renew(const struct enroll_options *options)
{
    return run(options, options->watch ? watch : renew_once);
}

enum enroll_exit enroll_renew_key(const char *as, const struct device_key_store *store)
{
    struct enroll_options options = { .as = as, .renew = true, .new_key = store != NULL };

    options.has_store = store != NULL;
    if (store != NULL)
        options.store = *store;
    return run(&options, renew_now);
}

int enroll_renew_ask(const struct profile *place, struct https_reply *out, char *error)
{
    char host[ENROLL_HOST_SIZE];
    uint16_t port;

    if (!server_of(place, host, &port)) {
        (void)snprintf(error, HTTPS_ERROR_SIZE, "the profile names no server for enrolment");
        return -EINVAL;
    }
    return https_ask(&(struct https_request){ .host = host,
                                              .port = port,
                                              .path = ENROLL_EXCHANGE_ROOT "cacerts",
                                              .ca_file = place->ca_file,
                                              .certificate_file = place->certificate_file,
                                              .key_file = place->key_file,
                                              .timeout_ms = ENROLL_EXCHANGE_TIMEOUT_MS },
                     out, error);
}
