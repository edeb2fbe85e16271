/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "daemon/confine_plan.h"
#include "daemon/named_files.h"
#include "pki/private_file.h"
#include "policy/lint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- another user ---- */

/* A new state folder is made by root for the user, who may not be able to; an old one keeps its
 * owner, and state_check() says what is wrong with that. */
static int give_state(struct server *server, const struct privileges_user *user)
{
    bool is_new = false;
    int status = private_file_make_dir(server->state_dir, &is_new);

    if (status == 0 && is_new && chown(server->state_dir, user->id, user->group) != 0)
        status = -errno;
    if (status != 0)
        log_say(server->log, CONFIG_LOG_ERROR, "state folder %s cannot be made for user %s: %s",
                server->state_dir, user->name, strerror(-status));
    return status;
}

static int become(struct server *server, const char *name)
{
    struct privileges_user *user = &server->confinement.user;
    int status = privileges_find_user(name, user);

    if (status != 0) {
        log_say(server->log, CONFIG_LOG_ERROR,
                "user = \"%.60s\": %s; make one (adduser --system --group %.60s), or name another",
                name, status == -ENOENT ? "there is no such user" : strerror(-status), name);
        return status;
    }
    status = give_state(server, user);
    if (status != 0)
        return status;
    status = privileges_become(user);
    if (status != 0)
        log_say(server->log, CONFIG_LOG_ERROR, "cannot become user %s: %s", name,
                strerror(-status));
    return status;
}

int server_become_user(struct server *server)
{
    const char *name = server->config->sandbox.user;

    if (geteuid() == 0 && name != NULL)
        return become(server, name);
    if (geteuid() == 0)
        log_say(server->log, CONFIG_LOG_WARNING,
                "tacitd runs as root and stays it: write user = \"NAME\" in tacit.conf, or let "
                "the service manager start it as a user of its own");
    else if (name != NULL)
        log_say(server->log, CONFIG_LOG_NOTICE,
                "user = \"%.60s\" has no effect: only root becomes somebody else", name);
    return 0;
}

/* ---- giving up the rest ---- */

/* The key of the audit log lies where no files can be made afterwards. What fails here is told by the
 * recorder, which tries it again. */
static void open_audit_place(struct server *server)
{
    if (server->config->audit.log != CONFIG_AUDIT_OFF)
        (void)!audit_place_open(server->state_dir, &server->confinement.audit, NULL);
}

static int enter(struct server *server)
{
    struct server_confinement *own = &server->confinement;
    struct confine_plan_made made;

    open_audit_place(server);
    int status = confine_plan_make(server->config, server->state_dir, &made);
    if (made.revealed != NULL)
        log_say(server->log, CONFIG_LOG_WARNING,
                "%s is readable for tacitd because the configuration says so, and the keys of the "
                "CA with it: name a folder that the state folder does not lie in",
                made.revealed);
    if (status == 0)
        status = confine_prepare(&made.plan, &own->confine);
    confine_plan_fini(&made);
    if (status != 0) {
        log_say(server->log, CONFIG_LOG_ERROR, "confinement cannot be prepared: %s",
                strerror(-status));
        return status;
    }
    confine_enter(own->confine, &own->report);
    return 0;
}

static int judge(struct server *server)
{
    const struct confine_report *report = &server->confinement.report;
    bool is_whole = confine_is_whole(report);
    char text[CONFINE_TEXT_BYTES];

    confine_describe(report, text);
    if (!is_whole && server->config->sandbox.mode == CONFIG_SANDBOX_REQUIRED) {
        log_say(server->log, CONFIG_LOG_ERROR, "sandbox = \"required\", but %s", text);
        return -EPERM;
    }
    log_say(server->log, is_whole || report->is_instrumented ? CONFIG_LOG_INFO : CONFIG_LOG_WARNING,
            "%s", text);
    return 0;
}

int server_confine(struct server *server)
{
    int status = privileges_drop();

    server->confinement.mode = server->config->sandbox.mode;
    if (status != 0) {
        log_say(server->log, CONFIG_LOG_ERROR, "capabilities cannot be given up: %s",
                strerror(-status));
        return status;
    }
    if (server->config->sandbox.mode == CONFIG_SANDBOX_OFF) {
        log_say(server->log, CONFIG_LOG_WARNING,
                "not confined: sandbox = \"off\"; whoever takes tacitd over has all that its user "
                "has");
        return 0;
    }
    status = enter(server);
    return status == 0 ? judge(server) : status;
}

/* Stays as it is written: a warning, no fault. */
static void print_waived_ratchets(const struct config *config)
{
    for (size_t i = 0; i < config->role_count; i++) {
        const struct config_role *role = &config->roles[i];
        if (role_options_waive_ratchet(&role->options))
            printf("%s:%u: warning: role \"%s\" %s; %s\n", role->origin.file, role->origin.line,
                   role->name, lint_what(LINT_RATCHET_WAIVED), lint_advice(LINT_RATCHET_WAIVED));
    }
}

void server_print_check(const struct config *config, const char *path)
{
    struct confine_report here;
    char text[CONFINE_TEXT_BYTES];

    confine_look(&here);
    confine_describe(&here, text);
    printf("%s: good\n", path[0] != '\0' ? path : CONFIG_BUILTIN_NAME);
    if (config->sandbox.mode == CONFIG_SANDBOX_OFF)
        printf("a start would be not confined: sandbox = \"off\"\n");
    else
        printf("a start would be %s\n", text);
    print_waived_ratchets(config);
}

/* ---- a configuration that is read later ---- */

/* The steward reads it, and the next one that is put in its place. */
static bool is_configuration(const struct server *server, const char *path)
{
    const struct settings *settings = &server->config->settings;
    char own[STATE_PATH_SIZE];

    for (size_t i = 0; i < settings->file_count; i++) {
        if (strcmp(settings->files[i], path) == 0)
            return true;
    }
    return state_path(server->state_dir, STATE_CONFIGURATION, own) == 0 && strcmp(own, path) == 0;
}

void server_tell_outside(struct server *server, const char *path, enum confine_access access)
{
    if (confine_covers(server->confinement.confine, path, access) || is_configuration(server, path))
        return;
    log_say(server->log, CONFIG_LOG_WARNING,
            "%s is outside of what tacitd may %s since its start: restart tacitd to use it", path,
            access == CONFINE_READ ? "read" : "write");
}

static void on_named(void *context, const char *path, enum confine_access access)
{
    server_tell_outside(context, path, access);
}

void server_follow_confinement(struct server *server, const struct config *config)
{
    const struct config_sandbox *wanted = &config->sandbox;
    const char *user = server->confinement.user.name;

    named_files_walk(config, on_named, server);
    if (wanted->mode != server->confinement.mode)
        log_say(server->log, CONFIG_LOG_NOTICE, "sandbox takes effect at the next start");
    if (user[0] != '\0' && (wanted->user == NULL || strcmp(wanted->user, user) != 0))
        log_say(server->log, CONFIG_LOG_NOTICE, "user takes effect at the next start");
}
