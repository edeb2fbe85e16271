/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_CONFIG "/etc/tacit/tacit.conf"

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

    out[0] = '\0';
    if (server->options->config != NULL) {
        int len = snprintf(out, PATH_MAX, "%s", server->options->config);
        return len < PATH_MAX ? 0 : -ENAMETOOLONG;
    }
    int status = server_find_state(server, NULL, dir);
    if (status == 0)
        status = state_path(dir, STATE_CONFIGURATION, out);
    if (status == 0 && access(out, F_OK) == 0)
        return 0;
    snprintf(out, PATH_MAX, "%s", SYSTEM_CONFIG);
    if (access(SYSTEM_CONFIG, F_OK) != 0)
        out[0] = '\0';
    return 0;
}

int server_read_config(struct server *server, char *out_path, struct config **out)
{
    struct diagnostics diagnostics = { on_line, server, 0 };
    int status = find_config(server, out_path);

    if (status == 0)
        status = config_load(out_path[0] != '\0' ? out_path : NULL, &settings_disk,
                             &server->options->overrides, &diagnostics, out);
    if (status != 0 && diagnostics.errors == 0)
        diagnostics_error(&diagnostics, "configuration", 0, 0, "%s", strerror(-status));
    return status;
}
