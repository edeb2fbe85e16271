/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/signing.h"

#include "config/config_file.h"
#include "tools/terminal.h"

#include <stdio.h>
#include <string.h>

static void say_line(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "%s\n", text);
}

static int ask(void *context, const char *what, struct passphrase *out)
{
    char prompt[IDENTITY_OPTIONS_PATH_SIZE + 32];
    (void)context;
    (void)snprintf(prompt, sizeof(prompt),
                   "%s of %s: ", strncmp(what, "pkcs11:", 7) == 0 ? "PIN" : "Passphrase", what);
    return terminal_ask_passphrase(prompt, out);
}

static void read_config(const struct identity_options *o, struct signing *signing)
{
    char path[IDENTITY_OPTIONS_PATH_SIZE];
    const struct config_overrides overrides = { .state = o->state, .shards = -1, .log_format = -1 };
    struct diagnostics diagnostics = { say_line, NULL, 0 };
    if (config_file_find(o->config, o->state, path, sizeof(path)) < 0 || path[0] == '\0')
        return;
    if (config_load(path, &settings_disk, &overrides, &diagnostics, &signing->config) < 0)
        (void)fprintf(stderr, "%s: %s cannot be read; the CA's key is looked for in %s\n",
                      o->command, path, o->state);
}

void signing_open(const struct identity_options *options, struct signing *out)
{
    *out = (struct signing){ .access = { .ask = ask } };
    read_config(options, out);
    if (out->config != NULL) {
        out->access.key = out->config->ca.key;
        out->access.passphrase_file = out->config->ca.passphrase_file;
    }
    if (options->passphrase_file != NULL)
        out->access.passphrase_file = options->passphrase_file;
}

void signing_close(struct signing *signing)
{
    config_unref(signing->config);
    *signing = (struct signing){ 0 };
}
