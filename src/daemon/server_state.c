/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int complain(const struct server *server, int status, const char *text)
{
    log_say(server->log, CONFIG_LOG_ERROR, "%s", text);
    return status;
}

static int open_registry(struct server *server)
{
    struct pki_fault fault = { "the path of the state folder is too long" };
    int status = state_path(server->state_dir, STATE_REGISTRY, server->registry_path);

    if (status == 0)
        status = registry_open(server->registry_path, &server->registry, &fault);
    if (status == 0)
        status = state_trust_domain(server->state_dir, server->trust_domain, &fault);
    return status == 0 ? 0 : complain(server, status, fault.text);
}

struct ca_access server_ca_access(const struct config *config)
{
    return (struct ca_access){ .key = config->ca.key,
                               .passphrase_file = config->ca.passphrase_file };
}

void server_tell_ca_end(const struct server *server, const struct state_made *made)
{
    char text[16] = "?";
    struct tm parts;
    time_t end = (time_t)made->ca_not_after_s;

    if (made->ca_not_after_s - server_now_s() >= CA_DEVICE_DAYS * INT64_C(86400))
        return;
    if (gmtime_r(&end, &parts) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%d", &parts);
    log_say(server->log, CONFIG_LOG_WARNING,
            "the CA is valid until %s, and nothing that it signs for longer; say `tacit ca renew` "
            "where the root's key is",
            text);
}

static void tell_about_ca(const struct server *server, const struct state_made *made)
{
    if (made->is_overdue)
        log_say(server->log, CONFIG_LOG_WARNING, "a certificate is to be renewed and cannot be: %s",
                made->overdue.text);
    server_tell_ca_end(server, made);
}

int server_open_state(struct server *server)
{
    struct state_made made = { 0 };
    struct pki_fault fault = { "" };
    bool needs_identity = endpoint_needs_identity(server->config);
    int status = server_start_steward(server, &made);

    if (status != 0)
        return status;
    server->is_first_start = made.ca;
    status = state_claim(server->state_dir, &server->claim, &fault);
    if (status != 0)
        return complain(server, status, fault.text);
    if (made.server && !made.ca)
        log_say(server->log, CONFIG_LOG_NOTICE, "the server certificate was renewed");
    if (needs_identity)
        tell_about_ca(server, &made);
    return needs_identity ? open_registry(server) : 0;
}

int server_open_logins(struct server *server, const struct siphash_key *key)
{
    char folder[PATH_MAX];
    char secret[PATH_MAX + 16];
    struct pki_fault fault = { "the path of the state folder is too long" };
    int status = state_path(server->state_dir, STATE_STORE, folder);

    if (server->registry == NULL)
        return 0;
    (void)snprintf(secret, sizeof(secret), "%s/scram-secret", folder);
    const struct logins_options options = {
        .registry_path = server->registry_path,
        .secret_path = secret,
        .limits = &server->config->limits,
        .hash_key = *key,
        .log = server->log,
    };
    if (status == 0)
        status = logins_open(&options, &server->logins, &fault);
    return status == 0 ? 0 : complain(server, status, fault.text);
}

int server_open_ratchets(struct server *server)
{
    char path[PATH_MAX];
    struct pki_fault fault = { "the path of the state folder is too long" };
    int status = state_path(server->state_dir, STATE_RATCHET, path);
    const struct ratchets_options options = {
        .path = path,
        .registry_path = server->registry_path,
        .queue = (unsigned)server->config->limits.ratchet_queue,
        .log = server->log,
    };

    if (server->registry == NULL)
        return 0;
    if (status == 0)
        status = ratchets_open(&options, &server->ratchets, &fault);
    return status == 0 ? 0 : complain(server, status, fault.text);
}

void server_close_state(struct server *server)
{
    registry_close(server->registry);
    server_close_steward(server);
    if (server->claim >= 0)
        close(server->claim);
    server->registry = NULL;
    server->claim = -1;
}
