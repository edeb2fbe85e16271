/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "policy/lint.h"

#include <stdio.h>
#include <string.h>

/* ---- what listens, and what is dangerous about it ---- */

static void announce_danger(const struct server *server, const struct config_listener *listener)
{
    if (listener->is_exposed && !listener->is_tls)
        log_say(server->log, CONFIG_LOG_WARNING,
                "listener \"%s\" speaks PLAINTEXT: everybody between it and its clients can read "
                "and change all messages (plaintext = \"i-accept-eavesdropping\")",
                listener->name);
    else if (!listener->is_tls && listener->path == NULL)
        log_say(server->log, CONFIG_LOG_WARNING,
                "listener \"%s\" speaks PLAINTEXT, on this machine only", listener->name);
    if (listener->anonymous_role != NULL)
        log_say(server->log, CONFIG_LOG_WARNING,
                "listener \"%s\" lets ANYBODY in: without a certificate everybody who reaches it "
                "may do what role \"%s\" grants",
                listener->name, listener->anonymous_role);
}

static void announce_unrestricted(const struct server *server, const struct config *config)
{
    for (size_t i = 0; i < config->role_count; i++) {
        const struct config_role *role = &config->roles[i];
        if (role->options.unrestricted)
            log_say(server->log, CONFIG_LOG_WARNING,
                    "role \"%s\" is UNRESTRICTED: who has it reads and writes every topic that no "
                    "rule denies (%s:%u)",
                    role->name, role->origin.file, role->origin.line);
    }
}

static void announce_waived_ratchets(const struct server *server, const struct config *config)
{
    for (size_t i = 0; i < config->role_count; i++) {
        const struct config_role *role = &config->roles[i];
        if (role_options_waive_ratchet(&role->options))
            log_say(server->log, CONFIG_LOG_WARNING, "role \"%s\" %s; %s (%s:%u)", role->name,
                    lint_what(LINT_RATCHET_WAIVED), lint_advice(LINT_RATCHET_WAIVED),
                    role->origin.file, role->origin.line);
    }
}

void server_announce(const struct server *server, const struct config *config)
{
    static const char *const clients[] = {
        [CONFIG_CLIENTS_REQUIRED] = "TLS, client certificates required",
        [CONFIG_CLIENTS_OPTIONAL] = "TLS, client certificates optional",
        [CONFIG_CLIENTS_NONE] = "TLS, no client certificates",
    };

    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        char place[200];
        const char *how = listener->is_tls         ? clients[listener->clients]
                          : listener->path != NULL ? "Unix socket"
                                                   : "plaintext";
        endpoint_describe(listener, place, sizeof(place));
        log_say(server->log, CONFIG_LOG_INFO, "listener \"%s\" on %s: %s", listener->name, place,
                how);
        announce_danger(server, listener);
    }
    announce_unrestricted(server, config);
    announce_waived_ratchets(server, config);
}

/* ---- the next three commands ---- */

/* As a shell wants it: quoted only when it has to be. */
static void print_word(const char *word)
{
    if (word[0] != '\0'
        && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_./:@%+=-")
               == strlen(word)) {
        fputs(word, stdout);
        return;
    }
    putchar('\'');
    for (const char *at = word; *at != '\0'; at++) {
        if (*at == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*at);
    }
    putchar('\'');
}

/* The tool that lies beside us, called as we were. */
static void print_tool(const struct server *server)
{
    const char *slash = strrchr(server->program, '/');
    char path[PATH_MAX];

    if (slash == NULL)
        snprintf(path, sizeof(path), "tacit");
    else
        snprintf(path, sizeof(path), "%.*s/tacit", (int)(slash - server->program), server->program);
    print_word(path);
}

static const struct config_listener *find_tls(const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (config->listeners[i].is_tls)
            return &config->listeners[i];
    }
    return NULL;
}

static void print_add(const struct server *server, const struct config_listener *listener,
                      const char *name, const char *role)
{
    char usual[PATH_MAX];

    print_tool(server);
    printf(" device add %s --role %s", name, role);
    if (state_default_dir(usual) != 0 || strcmp(usual, server->state_dir) != 0) {
        fputs(" --state ", stdout);
        print_word(server->state_dir);
    }
    if (listener->port != 8883)
        printf(" --port %u", listener->port);
}

static void print_commands(const struct server *server, const struct config_listener *listener)
{
    const struct policy *policy = server->ruling->policy;

    if (policy_find_role(policy, "device") == NULL
        || policy_find_role(policy, "controller") == NULL) {
        fputs("Add devices in another terminal, in the roles of your configuration:\n\n  ", stdout);
        print_add(server, listener, "NAME", "ROLE");
        fputs("\n\n", stdout);
        return;
    }
    fputs("Type these three in another terminal:\n\n  ", stdout);
    print_add(server, listener, "lamp", "device");
    fputs(" && ", stdout);
    print_add(server, listener, "switch", "controller");
    fputs("\n  ", stdout);
    print_tool(server);
    fputs(" sub --as lamp -t devices/lamp/set\n  ", stdout);
    print_tool(server);
    fputs(" pub --as switch -t devices/lamp/set -m on\n\n"
          "The second waits for messages; type the third in one terminal more.\n\n",
          stdout);
}

void server_greet(const struct server *server)
{
    const struct config_listener *listener = find_tls(server->config);

    if (!server->is_first_start || listener == NULL)
        return;
    printf("\nFirst start: %s now holds a certificate authority, a server certificate\n"
           "and an admin identity. Nobody may do anything yet but what roles grant.\n",
           server->state_dir);
    print_commands(server, listener);
    fflush(stdout);
}
