/* SPDX-License-Identifier: Apache-2.0 */
#include "steward/service.h"

#include "pki/crl.h"
#include "pki/ocsp.h"
#include "pki/state.h"
#include "pki/state_ca.h"
#include "pki/state_layout.h"
#include "steward/channel.h"
#include "steward/greeting.h"
#include "steward/request.h"
#include "steward/warrant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AUTHORITIES_MAX \
    4 /* that sign at once: after a renewal, enrolment still has the one before */

struct authority {
    struct ca *ca;
    uint8_t fingerprint[STEWARD_BY_BYTES];
};

struct steward_service {
    struct steward_options options;
    struct authority authorities[AUTHORITIES_MAX]; /* the newest last */
    uint8_t keys[AUTHORITIES_MAX][KEY_SHA256_BYTES];
    size_t count;
    struct crl_entries last; /* revocation list that was signed here, or only its number */
};

struct steward_service *steward_service_new(const struct steward_options *options)
{
    struct steward_service *service = calloc(1, sizeof(*service));

    if (service != NULL)
        service->options = *options;
    return service;
}

void steward_service_free(struct steward_service *service)
{
    if (service == NULL)
        return;
    for (size_t i = 0; i < service->count; i++)
        ca_close(service->authorities[i].ca);
    crl_entries_fini(&service->last);
    free(service);
}

/* ---- the keys ---- */

static void forget(struct steward_service *service, size_t which)
{
    ca_close(service->authorities[which].ca);
    service->count--;
    for (size_t i = which; i < service->count; i++) {
        service->authorities[i] = service->authorities[i + 1];
        memcpy(service->keys[i], service->keys[i + 1], KEY_SHA256_BYTES);
    }
}

/* Takes it over. */
static int keep(struct steward_service *service, struct ca *ca, struct pki_fault *fault)
{
    struct certificate_facts facts;
    int error = certificate_facts_of(ca_certificate(ca), &facts, fault);

    if (error < 0) {
        ca_close(ca);
        return error;
    }
    for (size_t i = 0; i < service->count; i++) {
        if (memcmp(service->authorities[i].fingerprint, facts.registered.fingerprint,
                   STEWARD_BY_BYTES)
            == 0) {
            forget(service, i);
            break;
        }
    }
    if (service->count == AUTHORITIES_MAX)
        forget(service, 0);
    struct authority *authority = &service->authorities[service->count];
    authority->ca = ca;
    memcpy(authority->fingerprint, facts.registered.fingerprint, STEWARD_BY_BYTES);
    memcpy(service->keys[service->count], facts.key_sha256, KEY_SHA256_BYTES);
    service->count++;
    return 0;
}

static int find_key(struct steward_service *service, struct pki_fault *fault)
{
    struct ca *ca;
    int error = state_ca_open(service->options.state_dir, service->options.access, &ca, fault);

    return error == 0 ? keep(service, ca, fault) : error;
}

static const struct ca *find(const struct steward_service *service,
                             const uint8_t by[STEWARD_BY_BYTES], struct pki_fault *fault)
{
    for (size_t i = 0; i < service->count; i++) {
        if (memcmp(service->authorities[i].fingerprint, by, STEWARD_BY_BYTES) == 0)
            return service->authorities[i].ca;
    }
    (void)pki_fail(fault, -ENOKEY, "the steward does not have the key of that CA");
    return NULL;
}

int steward_service_open(struct steward_service *service, struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    struct crl_facts facts;

    if (state_path(service->options.state_dir, STATE_CRL, path) == 0
        && crl_read(path, &facts, NULL) == 0)
        service->last.number = facts.number;
    return find_key(service, fault);
}

/* ---- requests ---- */

static int on_prepare(struct steward_service *service, struct mqtt_span body, struct der *out,
                      struct pki_fault *fault)
{
    const struct state_options options = { .access = service->options.access, .only_server = true };
    struct state_made made = { 0 };

    (void)body;
    int error = state_prepare(service->options.state_dir, &options, &made, fault);
    return error == 0 ? steward_made_encode(&made, out) : error;
}

static int on_open(struct steward_service *service, struct mqtt_span body, struct der *out,
                   struct pki_fault *fault)
{
    (void)body;
    int error = find_key(service, fault);
    return error == 0 ? certificate_encode(
               ca_certificate(service->authorities[service->count - 1].ca), out)
                      : error;
}

static int on_show(struct steward_service *service, struct mqtt_span body, struct der *out,
                   struct pki_fault *fault)
{
    (void)body;
    (void)out;
    return state_layout_show_trust(service->options.state_dir, fault);
}

static int issue(const struct steward_service *service, const struct steward_issue *wanted,
                 const struct csr *csr, struct der *out, struct pki_fault *fault)
{
    struct certificate *certificate = NULL;
    const struct ca *ca = find(service, wanted->by, fault);
    const struct ca_identity_request request = {
        .csr = csr,
        .kind = wanted->kind,
        .name = wanted->name,
        .extension = wanted->has_extension ? &wanted->extension : NULL,
        .now_s = (int64_t)time(NULL),
        .days = wanted->days,
    };

    if (ca == NULL)
        return -ENOKEY;
    int error = warrant_issue(csr, service->keys[0], service->count, fault);
    if (error == 0)
        error = ca_issue_identity(ca, &request, &certificate, fault);
    if (error == 0)
        error = certificate_encode(certificate, out);
    certificate_free(certificate);
    return error;
}

static int on_issue(struct steward_service *service, struct mqtt_span body, struct der *out,
                    struct pki_fault *fault)
{
    struct steward_issue wanted;
    struct csr *csr;
    int error = steward_issue_decode(body, &wanted);

    if (error == 0)
        error = csr_parse_again(wanted.csr, &csr, fault);
    if (error < 0)
        return error;
    error = issue(service, &wanted, csr, out, fault);
    csr_free(csr);
    return error;
}

static int make_list(struct steward_service *service, const struct ca *ca,
                     struct crl_entries *entries, struct der *out, struct pki_fault *fault)
{
    int64_t now_s = (int64_t)time(NULL);
    int error = warrant_list(&service->last, entries, now_s, fault);

    return error == 0 ? crl_list_sign_der(entries, ca, now_s, out, fault) : error;
}

static int on_list(struct steward_service *service, struct mqtt_span body, struct der *out,
                   struct pki_fault *fault)
{
    struct crl_entries entries = { 0 };
    uint8_t by[STEWARD_BY_BYTES] = { 0 };
    int error = steward_list_decode(body, by, &entries);
    const struct ca *ca = error == 0 ? find(service, by, fault) : NULL;

    if (error < 0)
        return error;
    error = ca != NULL ? make_list(service, ca, &entries, out, fault) : -ENOKEY;
    if (error < 0) {
        crl_entries_fini(&entries);
        return error;
    }
    crl_entries_fini(&service->last);
    service->last = entries;
    return 0;
}

static int on_vouch(struct steward_service *service, struct mqtt_span body, struct der *out,
                    struct pki_fault *fault)
{
    struct certificate *server = NULL;
    uint8_t by[STEWARD_BY_BYTES] = { 0 };
    int64_t now_s = (int64_t)time(NULL);
    int error = steward_vouch_decode(body, by, &server);

    if (error < 0)
        return error;
    const struct ca *ca = find(service, by, fault);
    error = ca != NULL ? warrant_vouch(server, ca, now_s, fault) : -ENOKEY;
    if (error == 0)
        error = ocsp_make(server, ca, now_s, out, fault);
    certificate_free(server);
    return error;
}

static bool is_named(const struct steward_service *service, struct mqtt_span path)
{
    for (size_t i = 0; i < service->options.file_count; i++) {
        if (span_equal(path, span_of(service->options.files[i])))
            return true;
    }
    return false;
}

static int on_read(struct steward_service *service, struct mqtt_span body, struct der *out,
                   struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    char *text = NULL;
    size_t len = 0;

    if (body.len >= sizeof(path) || !is_named(service, body))
        return pki_fail(fault, -EACCES, "the configuration of the start does not name that file");
    memcpy(path, body.data, body.len);
    path[body.len] = '\0';
    int error = service->options.read(service->options.context, path, &text, &len);
    if (error < 0)
        return pki_fail(fault, error, "%s: %s", path, strerror(-error));
    *out = (struct der){ (uint8_t *)text, len };
    return 0;
}

/* ---- serving ---- */

typedef int (*on_request)(struct steward_service *service, struct mqtt_span body, struct der *out,
                          struct pki_fault *fault);

int steward_service_answer(struct steward_service *service, const struct steward_message *request,
                           struct steward_message *out)
{
    static const on_request handlers[STEWARD_KIND_COUNT] = {
        [STEWARD_PREPARE] = on_prepare, [STEWARD_OPEN] = on_open, [STEWARD_SHOW] = on_show,
        [STEWARD_ISSUE] = on_issue,     [STEWARD_LIST] = on_list, [STEWARD_VOUCH] = on_vouch,
        [STEWARD_READ] = on_read,
    };
    struct der result = { 0 };
    struct steward_answer answer = { .fault = { "that is no request" } };
    on_request handler = handlers[request->kind];

    answer.status = handler != NULL
                        ? handler(service, steward_message_body(request), &result, &answer.fault)
                        : -EBADMSG;
    answer.result = answer.status == 0 ? der_span(&result) : (struct mqtt_span){ NULL, 0 };
    int error = steward_answer_encode(&answer, request->kind, out);
    der_fini(&result);
    return error;
}

static int serve_one(struct steward_service *service, int fd)
{
    struct steward_message request = { 0 };
    struct steward_message answer = { 0 };
    int error = steward_channel_receive(fd, STEWARD_REQUEST, STEWARD_FOREVER, &request);

    if (error == 0)
        error = steward_service_answer(service, &request, &answer);
    if (error == 0)
        error = steward_channel_send(fd, &answer, STEWARD_FOREVER);
    steward_message_fini(&request);
    steward_message_fini(&answer);
    return error;
}

int steward_service_serve(struct steward_service *service, int fd)
{
    int error;

    do {
        error = serve_one(service, fd);
    } while (error == 0);
    return error == -EPIPE ? 0 : error;
}
