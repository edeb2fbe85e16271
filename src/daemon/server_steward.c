/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "confine/privileges.h"
#include "daemon/confine_plan.h"
#include "daemon/process.h"
#include "pki/state_layout.h"
#include "steward/channel.h"
#include "steward/process.h"
#include "steward/service.h"
#include "vault/vault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- in the steward ---- */

/* What it is busy with before it answers. */
struct apprentice {
    const struct server *server;
    struct ca_access access;
    char state_config[PATH_MAX];
    const char **files;
    struct steward_service *service;
    struct steward_greeting greeting;
    struct pki_fault why; /* it cannot begin */
};

static int fill_files(struct apprentice *a)
{
    const struct settings *settings = &a->server->config->settings;
    size_t count = settings->file_count;

    a->files = calloc(count + 2, sizeof(a->files[0]));
    if (a->files == NULL
        || state_path(a->server->state_dir, STATE_CONFIGURATION, a->state_config) != 0)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        a->files[i] = settings->files[i];
    a->files[count] = a->state_config;
    const struct steward_options options = {
        .state_dir = a->server->state_dir,
        .access = &a->access,
        .files = a->files,
        .file_count = count + 1,
        .read = settings_disk.read,
        .context = settings_disk.context,
    };
    a->service = steward_service_new(&options);
    return a->service != NULL ? 0 : -ENOMEM;
}

/* The state folder, while everything can be opened. The key of the CA is made and found here, so that
 * the other process never has it. */
static int prepare(struct apprentice *a, bool has_identity)
{
    const char *dir = a->server->state_dir;
    const struct state_options options = { .access = &a->access };
    int error = has_identity ? state_prepare(dir, &options, &a->greeting.made, &a->why) : 0;

    if (error == 0)
        error = state_layout_prepare(dir, &a->why);
    if (error == 0 && has_identity)
        error = state_layout_show_trust(dir, &a->why);
    if (error < 0 || !has_identity)
        return error;
    a->greeting.has_state = true;
    a->greeting.signs = steward_service_open(a->service, &a->greeting.silent) == 0;
    return 0;
}

static int confine(struct apprentice *a)
{
    struct steward_greeting *greeting = &a->greeting;
    const struct config *config = a->server->config;
    struct confine_plan_made made;
    struct confine *confinement = NULL;
    struct confine_report report;
    int error = privileges_drop();

    if (error < 0 || config->sandbox.mode == CONFIG_SANDBOX_OFF)
        return error;
    error = confine_plan_make_steward(config, a->server->state_dir, &made);
    if (error == 0)
        error = confine_prepare(&made.plan, &confinement);
    confine_plan_fini(&made);
    if (error < 0)
        return error;
    confine_enter(confinement, &report);
    confine_free(confinement);
    greeting->is_confined = confine_is_whole(&report);
    greeting->is_instrumented = report.is_instrumented;
    confine_describe(&report, greeting->confined);
    return 0;
}

static int greet(const struct apprentice *a, int status, int fd)
{
    struct der told = { 0 };
    struct steward_message message = { 0 };
    struct steward_answer answer = { .status = status, .fault = a->why };
    int error = status == 0 ? steward_greeting_encode(&a->greeting, &told) : 0;

    answer.result = der_span(&told);
    if (error == 0)
        error = steward_answer_encode(&answer, STEWARD_GREETING, &message);
    if (error == 0)
        error = steward_channel_send(fd, &message, STEWARD_FOREVER);
    steward_message_fini(&message);
    der_fini(&told);
    return error;
}

static int run(void *context, int fd)
{
    const struct server *server = context;
    struct apprentice *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return 1;
    process_name("steward");
    (void)!vault_inherit(); /* tacitd has told of it, if it could not lock its own */
    a->server = server;
    a->access = server_ca_access(server->config);
    (void)pki_fail(&a->why, 0, "out of memory");
    int error = fill_files(a);
    if (error == 0)
        error = prepare(a, endpoint_needs_identity(server->config));
    if (error == 0) {
        error = confine(a);
        if (error < 0)
            (void)pki_fail(&a->why, error, "the steward cannot be confined: %s", strerror(-error));
    }
    int told = greet(a, error, fd);
    if (error == 0 && told == 0)
        error = steward_service_serve(a->service, fd);
    steward_service_free(a->service);
    free(a->files);
    free(a);
    return error == 0 ? 0 : 1;
}

/* ---- in tacitd ---- */

static int judge(const struct server *server, const struct steward_greeting *greeting)
{
    bool is_whole = greeting->is_confined || greeting->is_instrumented;

    if (greeting->confined[0] == '\0')
        return 0;
    if (!greeting->is_confined && server->config->sandbox.mode == CONFIG_SANDBOX_REQUIRED) {
        log_say(server->log, CONFIG_LOG_ERROR, "sandbox = \"required\", but %s",
                greeting->confined);
        return -EPERM;
    }
    log_say(server->log, is_whole ? CONFIG_LOG_INFO : CONFIG_LOG_WARNING, "steward %s",
            greeting->confined);
    return 0;
}

int server_start_steward(struct server *server, struct state_made *out_made)
{
    struct server_confinement *own = &server->confinement;
    struct steward_greeting *greeting = calloc(1, sizeof(*greeting));
    struct pki_fault fault = { "out of memory" };
    int status = greeting != NULL ? 0 : -ENOMEM;

    if (status == 0) {
        (void)pki_fail(&fault, 0, "the steward cannot be started");
        status = steward_process_start(run, server, &own->steward);
    }
    if (status == 0)
        status = steward_link_greet(own->steward, greeting, &fault);
    if (status != 0)
        log_say(server->log, CONFIG_LOG_ERROR, "%s", fault.text);
    if (status == 0)
        status = judge(server, greeting);
    if (status == 0)
        *out_made = greeting->made;
    if (status == 0 && greeting->has_state && !greeting->signs)
        log_say(server->log, CONFIG_LOG_NOTICE, "enrolment and renewal are off: %s",
                greeting->silent.text);
    free(greeting);
    return status;
}

void server_watch_steward(struct server *server)
{
    struct server_confinement *own = &server->confinement;

    if (own->is_steward_gone || !steward_link_is_gone(own->steward))
        return;
    own->is_steward_gone = true;
    log_say(server->log, CONFIG_LOG_ERROR,
            "the steward, who has the key of the CA, has ended: nothing is signed until tacitd is "
            "restarted; no enrolment, no renewal, no revocation list. All else goes on");
}

void server_close_steward(struct server *server)
{
    steward_link_close(server->confinement.steward);
    server->confinement.steward = NULL;
}
