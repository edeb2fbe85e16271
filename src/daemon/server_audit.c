/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "daemon/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *name_of(const char *path)
{
    return path[0] != '\0' ? path : "built-in";
}

int server_open_audit(struct server *server)
{
    const struct config *config = server->config;
    const struct recorder_options options = {
        .state_dir = server->state_dir,
        .log = server->log,
        .limits = config->limits,
        .target = config->audit.target,
        .place = &server->confinement.audit,
    };

    if (config->audit.log == CONFIG_AUDIT_OFF)
        return 0;
    int status =
        recorder_open(&options, config->audit.log == CONFIG_AUDIT_REQUIRED, &server->recorder);
    if (status != 0)
        log_say(server->log, CONFIG_LOG_ERROR, "no audit log, no start: %s", strerror(-status));
    return status;
}

void server_follow_audit(struct server *server)
{
    const struct config *config = server->config;
    bool has_one = server->recorder != NULL;

    if (has_one)
        recorder_follow(server->recorder, &config->limits, &config->audit.target);
    if (has_one == (config->audit.log == CONFIG_AUDIT_OFF))
        log_say(server->log, CONFIG_LOG_NOTICE,
                "audit { log = ... } takes effect at the next start");
}

void server_close_audit(struct server *server)
{
    struct audit_place *untaken = &server->confinement.audit;

    recorder_close(server->recorder);
    server->recorder = NULL;
    if (untaken->key != NULL)
        audit_place_close(untaken);
}

void server_record_start(const struct server *server)
{
    char text[LOG_LINE_BYTES / 2];

    (void)snprintf(text, sizeof(text),
                   "tacitd %s: configuration %.400s, state %.400s, %u shard%s, %lu files",
                   TACIT_VERSION, name_of(server->config_path), server->state_dir,
                   server->shard_count, server->shard_count == 1 ? "" : "s", process_files());
    const struct log_line line = {
        .level = CONFIG_LOG_INFO,
        .kind = LOG_STARTED,
        .text = text,
        .fields = { { "version", span_of(TACIT_VERSION) },
                    { "file", span_of(name_of(server->config_path)) },
                    { "digest", span_of(server->config_digest) } },
        .field_count = 3,
    };
    log_write(server->log, &line);
}

void server_record_stop(const struct server *server)
{
    const struct log_line line = {
        .level = CONFIG_LOG_NOTICE,
        .kind = LOG_STOPPED,
        .text = "stopped",
    };
    log_write(server->log, &line);
}

void server_record_configuration(const struct server *server, const char *digest, const char *path)
{
    char text[LOG_LINE_BYTES / 2];

    (void)snprintf(text, sizeof(text), "configuration read again: %.800s", name_of(path));
    const struct log_line line = {
        .level = CONFIG_LOG_NOTICE,
        .kind = LOG_CONFIGURATION_READ,
        .text = text,
        .fields = { { "file", span_of(name_of(path)) },
                    { "digest", span_of(digest) },
                    { "digest_before", span_of(server->config_digest) } },
        .field_count = 3,
    };
    log_write(server->log, &line);
}

void server_record_refusal(const struct server *server, const char *why)
{
    char text[LOG_LINE_BYTES];

    (void)snprintf(text, sizeof(text), "%s; the configuration in force stays", why);
    const struct log_line line = {
        .level = CONFIG_LOG_ERROR,
        .kind = LOG_CONFIGURATION_REFUSED,
        .text = text,
        .fields = { { "why", span_of(why) }, { "digest", span_of(server->config_digest) } },
        .field_count = 2,
    };
    log_write(server->log, &line);
}

void server_record_policy(const struct server *server, const struct ruling *before,
                          const struct ruling *now)
{
    char versions[2][24];

    /* A device that came in addition has changed nothing for those who were there. */
    if (before->policy == now->policy)
        return;
    (void)snprintf(versions[0], sizeof(versions[0]), "%" PRIu64, now->policy_version);
    (void)snprintf(versions[1], sizeof(versions[1]), "%" PRIu64, before->policy_version);
    const struct log_line line = {
        .level = CONFIG_LOG_DEBUG,
        .kind = LOG_POLICY_CHANGED,
        .text = "the registry, blocked keys or the expiry of a grant changed who may what",
        .fields = { { "registry_version", span_of(versions[0]) },
                    { "registry_version_before", span_of(versions[1]) } },
        .field_count = 2,
    };
    log_write(server->log, &line);
}
