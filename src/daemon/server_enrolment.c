/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "attest/message.h"
#include "attest/roots.h"
#include "net/listener.h"
#include "pki/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 64

/* ---- what is told ---- */

static void say_granted(struct log *log, const struct est_report *report)
{
    char text[256];
    bool is_renewal = strcmp(report->operation, "simplereenroll") == 0;

    snprintf(text, sizeof(text), "%s has %s a certificate, from %s", report->name,
             is_renewal ? "renewed" : "been given", report->address);
    const struct log_line line = {
        .level = CONFIG_LOG_NOTICE,
        .kind = LOG_ENROLLED,
        .text = text,
        .fields = { { "event", span_of(is_renewal ? "renewed" : "enrolled") },
                    { "device", span_of(report->name) },
                    { "address", span_of(report->address) } },
        .field_count = 3,
    };
    log_write(log, &line);
}

static void say_refused(struct log *log, const struct est_report *report)
{
    char text[1024];
    char status[16];

    snprintf(status, sizeof(status), "%u", report->status);
    snprintf(text, sizeof(text), "enrolment of %s from %s refused (%s, %s): %.700s",
             report->name[0] != '\0' ? report->name : "somebody", report->address,
             report->operation[0] != '\0' ? report->operation : "no operation", status,
             report->reason);
    const struct log_line line = {
        .level = CONFIG_LOG_WARNING,
        .kind = LOG_ENROLMENT_REFUSED,
        .text = text,
        .fields = { { "event", span_of("enrolment-refused") },
                    { "device", span_of(report->name) },
                    { "address", span_of(report->address) },
                    { "operation", span_of(report->operation) },
                    { "status", span_of(status) },
                    { "reason", span_of(report->reason) } },
        .field_count = 6,
    };
    log_write(log, &line);
}

/* A TPM has proved that it has the key, or not: what counts is the second of the two requests, and a
 * refusal of either. */
static void say_attestation(struct log *log, const struct est_report *report)
{
    char text[1024];
    bool is_good = report->status < 300;

    if (is_good && strcmp(report->operation, ATTEST_ANSWER_PATH) != 0)
        return;
    snprintf(text, sizeof(text), "the key of %s is %sattested by its TPM, from %s%s%.700s",
             report->name[0] != '\0' ? report->name : "somebody", is_good ? "" : "not ",
             report->address, is_good ? "" : ": ", report->reason);
    const struct log_line line = {
        .level = is_good ? CONFIG_LOG_NOTICE : CONFIG_LOG_WARNING,
        .kind = is_good ? LOG_ATTESTED : LOG_ATTESTATION_REFUSED,
        .text = text,
        .fields = { { "event", span_of(is_good ? "attested" : "attestation-refused") },
                    { "device", span_of(report->name) },
                    { "address", span_of(report->address) },
                    { "reason", span_of(report->reason) } },
        .field_count = is_good ? 3 : 4,
    };
    log_write(log, &line);
}

/* What anybody may fetch is not worth a line. */
static void on_report(void *context, const struct est_report *report)
{
    const struct server *server = context;
    bool is_attestation = strcmp(report->operation, ATTEST_CLAIM_PATH) == 0
                          || strcmp(report->operation, ATTEST_ANSWER_PATH) == 0;
    bool is_grant = strcmp(report->operation, "simpleenroll") == 0
                    || strcmp(report->operation, "simplereenroll") == 0;

    if (report->canary != NULL)
        alarm_raise(
            server->alarm,
            &(struct alarm_use){ .what = report->status == 0 ? ALARM_HANDSHAKE : ALARM_ENROLMENT,
                                 .canary = report->canary,
                                 .address = report->address,
                                 .tls = report->tls,
                                 .text = report->reason[0] != '\0' ? report->reason : NULL });
    if (is_attestation)
        say_attestation(server->log, report);
    else if (report->status >= 300 && (is_grant || report->status >= 500))
        say_refused(server->log, report);
    else if (is_grant && report->status < 300)
        say_granted(server->log, report);
}

/* ---- before anything changes ---- */

static int try_roots(const struct config_enrolment *enrolment, char *out_why)
{
    struct attest_roots *roots = NULL;

    if (!enrolment->is_on || enrolment->attestation_roots == NULL)
        return 0;
    int status = attest_roots_load(enrolment->attestation_roots, &roots);
    attest_roots_free(roots);
    if (status != 0)
        snprintf(out_why, ENDPOINT_WHY_BYTES,
                 "attestation-roots (%.120s:%u): %.250s: no certificates in PEM", enrolment->file,
                 enrolment->line, enrolment->attestation_roots);
    return status;
}

int server_try_enrolment(const struct config *config, char *out_why)
{
    const struct config_enrolment *enrolment = &config->enrolment;

    for (size_t i = 0; enrolment->is_on && i < enrolment->manufacturer_count; i++) {
        const struct config_manufacturer *m = &enrolment->manufacturers[i];
        struct pki_fault fault = { "out of memory" };
        struct bundle *authorities = NULL;
        int status = bundle_load(m->ca, &authorities, &fault);
        bundle_free(authorities);
        if (status != 0) {
            snprintf(out_why, ENDPOINT_WHY_BYTES, "manufacturer \"%.100s\" (%.120s:%u): %.250s",
                     m->name, enrolment->file, enrolment->line, fault.text);
            return status;
        }
    }
    return try_roots(enrolment, out_why);
}

static bool is_same_place(const struct config *a, const struct config *b)
{
    return a->enrolment.port == b->enrolment.port
           && strcmp(a->enrolment.address, b->enrolment.address) == 0;
}

static int explain_bind(int error, const struct config_enrolment *enrolment, char *out_why)
{
    snprintf(out_why, ENDPOINT_WHY_BYTES,
             "enrolment cannot listen on %.100s port %u: %s; choose another port in the block "
             "enrolment, or write port = off",
             enrolment->address[0] != '\0' ? enrolment->address : "every address,", enrolment->port,
             error == -EADDRINUSE ? "it is in use" : strerror(-error));
    return error;
}

int server_bind_enrolment(struct server *server, const struct config *config, char *out_why)
{
    struct server_enrolment *e = &server->enrolment;
    const struct config_enrolment *wanted = &config->enrolment;

    int status = server_try_enrolment(config, out_why);
    if (status != 0 || !wanted->is_on || (e->fd >= 0 && is_same_place(e->config, config)))
        return status;
    status = listener_bind(&(struct listener_options){ .name = "enrolment",
                                                       .address = wanted->address,
                                                       .port = wanted->port,
                                                       .backlog = BACKLOG },
                           1, &e->next_fd);
    if (status == 0)
        return 0;
    e->next_fd = -1;
    (void)explain_bind(status, wanted, out_why);
    if (wanted->is_own)
        return status;
    log_say(server->log, CONFIG_LOG_WARNING, "%s", out_why);
    return 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void server_unbind_enrolment(struct server *server)
{
    close_fd(&server->enrolment.next_fd);
}

/* ---- opening ---- */

/* Where the files are. The issuing authorities, and the root above them where there is one. */
static int fill_paths(struct server *server)
{
    struct server_enrolment *e = &server->enrolment;
    int status = state_path(server->state_dir, STATE_SERVER_CERTIFICATE, e->certificate);

    if (status == 0)
        status = state_path(server->state_dir, STATE_SERVER_KEY, e->key);
    if (status == 0)
        status = state_path(server->state_dir, STATE_SHOWN_CA, e->authority);
    if (status == 0)
        status = state_path(server->state_dir, STATE_SHOWN_ROOT, e->root);
    if (status == 0)
        status = state_path(server->state_dir, STATE_CRL, e->crl);
    return status;
}

static int fill_manufacturers(struct server_enrolment *e)
{
    const struct config_enrolment *config = &e->config->enrolment;

    free(e->manufacturers);
    e->manufacturers = calloc(config->manufacturer_count + 1, sizeof(e->manufacturers[0]));
    if (e->manufacturers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < config->manufacturer_count; i++) {
        const struct config_manufacturer *m = &config->manufacturers[i];
        e->manufacturers[i] = (struct est_manufacturer){
            .name = m->name,
            .ca_path = m->ca,
            .device_name = m->device_name,
            .role = m->role,
            .tenant = m->tenant,
            .site = m->site,
        };
    }
    return 0;
}

static void fill_options(struct server *server, struct est_options *out)
{
    struct server_enrolment *e = &server->enrolment;
    const struct limits *limits = &e->config->limits;

    *out = (struct est_options){
        .registry_path = server->registry_path,
        .certificate_path = e->certificate,
        .key_path = e->key,
        .authority_paths = { e->authority, e->root },
        .authority_count = access(e->root, R_OK) == 0 ? 2 : 1,
        .crl_path = e->crl,
        .manufacturers = e->manufacturers,
        .manufacturer_count = e->config->enrolment.manufacturer_count,
        .limits = { .connections = (uint32_t)limits->enrolment_connections,
                    .timeout_ms = (uint32_t)limits->enrolment_timeout_ms,
                    .failures = (uint32_t)limits->enrolment_failures,
                    .failures_all = (uint32_t)limits->enrolment_failures_all,
                    .sources = (uint32_t)limits->enrolment_sources,
                    .attestations = (uint32_t)limits->enrolment_attestations,
                    .attestation_ms = (uint32_t)limits->enrolment_attestation_ms },
        .attestation_roots = e->config->enrolment.attestation_roots,
        .report = on_report,
        .context = server,
    };
}

static int start(struct server *server, struct pki_fault *fault)
{
    struct server_enrolment *e = &server->enrolment;
    struct est_options options;
    struct ca *ca;
    int status = fill_paths(server);

    if (status == 0)
        status = fill_manufacturers(e);
    if (status == 0)
        status = steward_link_open_ca(server->confinement.steward, &ca, fault);
    if (status != 0)
        return status;
    fill_options(server, &options);
    options.ca = ca;
    /* Its own descriptor: ours goes on listening while one enrolment follows the other. */
    options.fd = fcntl(e->fd, F_DUPFD_CLOEXEC, 0);
    if (options.fd < 0) {
        ca_close(ca);
        return pki_fail(fault, -errno, "%s", strerror(errno));
    }
    return est_open(&options, &e->est, fault);
}

/* By e->next, which becomes e->config. Without a CA key the broker runs all the same. */
static void follow(struct server *server)
{
    struct server_enrolment *e = &server->enrolment;
    struct pki_fault fault = { "out of memory" };
    const struct config_enrolment *wanted = &e->next->enrolment;

    est_close(e->est);
    e->est = NULL;
    if (e->next_fd >= 0 || !wanted->is_on || (e->fd >= 0 && !is_same_place(e->config, e->next))) {
        close_fd(&e->fd);
        e->fd = e->next_fd;
        e->next_fd = -1;
    }
    config_unref(e->config);
    e->config = e->next;
    e->next = NULL;
    if (e->fd < 0 || server->registry_path[0] == '\0')
        return;
    if (start(server, &fault) != 0) {
        log_say(server->log, CONFIG_LOG_WARNING, "enrolment is off: %s", fault.text);
        close_fd(&e->fd);
        return;
    }
    log_say(server->log, CONFIG_LOG_INFO, "enrolment on %s port %u: HTTPS (EST), by one-time token",
            wanted->address[0] != '\0' ? wanted->address : "every address,", wanted->port);
}

void server_open_enrolment(struct server *server)
{
    server->enrolment.next = config_ref(server->config);
    follow(server);
}

/* ---- following another configuration ---- */

static void work_follow(struct helper_job *job)
{
    struct server_enrolment *e = MQTT_CONTAINER_OF(job, struct server_enrolment, job);

    follow(e->server);
}

static void on_followed(struct helper_job *job)
{
    (void)job;
}

void server_follow_enrolment(struct server *server)
{
    struct server_enrolment *e = &server->enrolment;

    e->server = server;
    e->next = config_ref(server->config);
    if (helpers_submit(server->keeper, &e->job, server->shards[0].loop, work_follow, on_followed)
        != 0)
        follow(server);
}

void server_close_enrolment(struct server *server)
{
    struct server_enrolment *e = &server->enrolment;

    est_close(e->est);
    e->est = NULL;
    close_fd(&e->fd);
    close_fd(&e->next_fd);
    config_unref(e->config);
    config_unref(e->next);
    e->config = NULL;
    e->next = NULL;
    free(e->manufacturers);
    e->manufacturers = NULL;
}
