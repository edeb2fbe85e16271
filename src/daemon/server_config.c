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

int server_find_state(struct server *server, const struct config *config)
{
    const char *named =
        config != NULL && config->state != NULL ? config->state : server->options->overrides.state;

    if (named == NULL)
        return state_default_dir(server->state_dir);
    int len = snprintf(server->state_dir, PATH_MAX, "%s", named);
    return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Leaves server->config_path empty when there is none. */
static int find_config(struct server *server)
{
    server->config_path[0] = '\0';
    if (server->options->config != NULL) {
        int len = snprintf(server->config_path, PATH_MAX, "%s", server->options->config);
        return len < PATH_MAX ? 0 : -ENAMETOOLONG;
    }
    int status = server_find_state(server, NULL);
    if (status == 0)
        status = state_path(server->state_dir, STATE_CONFIGURATION, server->config_path);
    if (status == 0 && access(server->config_path, F_OK) == 0)
        return 0;
    snprintf(server->config_path, PATH_MAX, "%s", SYSTEM_CONFIG);
    if (access(SYSTEM_CONFIG, F_OK) != 0)
        server->config_path[0] = '\0';
    return 0;
}

int server_read_config(struct server *server, struct config **out)
{
    struct diagnostics diagnostics = { on_line, server, 0 };
    int status = find_config(server);

    if (status == 0)
        status = config_load(server->config_path[0] != '\0' ? server->config_path : NULL,
                             &settings_disk, &server->options->overrides, &diagnostics, out);
    if (status != 0 && diagnostics.errors == 0)
        diagnostics_error(&diagnostics, "configuration", 0, 0, "%s", strerror(-status));
    return status;
}
