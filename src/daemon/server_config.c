/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "audit/hex.h"
#include "config/config_file.h"
#include "pki/audit_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void on_line(void *context, const char *text)
{
    struct server *server = context;

    if (server->log != NULL)
        log_say(server->log, CONFIG_LOG_ERROR, "%s", text);
    else
        fprintf(stderr, "tacitd: %s\n", text);
}

int server_find_state(const struct server *server, const struct config *config, char *out)
{
    const char *named =
        config != NULL && config->state != NULL ? config->state : server->options->overrides.state;

    if (named == NULL)
        return state_default_dir(out);
    int len = snprintf(out, PATH_MAX, "%s", named);
    return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Leaves `out` empty when there is none. */
static int find_config(const struct server *server, char *out)
{
    char dir[PATH_MAX];
    bool has_state = server_find_state(server, NULL, dir) == 0;

    return config_file_find(server->options->config, has_state ? dir : NULL, out, PATH_MAX);
}

struct reading {
    struct server *server;
    uint8_t digest[AUDIT_KEY_HASH_BYTES];
};

/* The digest of each file's text, behind the one of those before it. */
static void digest_further(uint8_t *digest, const char *text, size_t len)
{
    uint8_t both[2 * AUDIT_KEY_HASH_BYTES];

    memcpy(both, digest, AUDIT_KEY_HASH_BYTES);
    audit_key_hash((struct mqtt_span){ (const uint8_t *)text, len }, both + AUDIT_KEY_HASH_BYTES);
    audit_key_hash((struct mqtt_span){ both, sizeof(both) }, digest);
}

/* Says why a file cannot be read that anybody else can. */
static int read_file(void *context, const char *path, char **out_text, size_t *out_len)
{
    struct reading *reading = context;
    int status = settings_disk.read(settings_disk.context, path, out_text, out_len);

    /* Landlock lets tacitd see the files of its start, and the steward those that took their places. */
    if (status == -EACCES && reading->server->confinement.steward != NULL)
        status = steward_link_fetch(reading->server->confinement.steward, path, out_text, out_len);
    if (status == -EACCES && reading->server->log != NULL)
        server_tell_outside(reading->server, path, CONFINE_READ);
    if (status == 0)
        digest_further(reading->digest, *out_text, *out_len);
    return status;
}

int server_read_config(struct server *server, char *out_path, char *out_digest, struct config **out)
{
    struct reading reading = { .server = server };
    const struct settings_files files = { &reading, read_file };
    struct diagnostics diagnostics = { on_line, server, 0 };
    int status = find_config(server, out_path);

    if (status == 0)
        status = config_load(out_path[0] != '\0' ? out_path : NULL, &files,
                             &server->options->overrides, &diagnostics, out);
    if (status != 0 && diagnostics.errors == 0)
        diagnostics_error(&diagnostics, "configuration", 0, 0, "%s", strerror(-status));
    (void)audit_hex_put(reading.digest, sizeof(reading.digest), out_digest);
    return status;
}
