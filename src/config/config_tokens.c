/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "config/config_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct settings_block *block;
    struct diagnostics *diagnostics;
};

static const struct setting *required(const struct reading *r, const char *key)
{
    const struct setting *item = settings_value(r->block, key);

    if (item == NULL)
        settings_complain_block(r->block, r->diagnostics, "tokens: '%s' is missing; write it", key);
    return item;
}

/* Relative to the file in which it stands. */
static int read_key(const struct reading *r, struct config_tokens *out)
{
    const struct setting *item = required(r, "key");
    const char *text = NULL;

    config_value_text(item, r->diagnostics, &text);
    if (text == NULL)
        return 0;
    const char *slash = strrchr(item->file, '/');
    if (slash == NULL || text[0] == '/')
        out->key = strdup(text);
    else if (asprintf(&out->key, "%.*s/%s", (int)(slash - item->file), item->file, text) < 0)
        out->key = NULL;
    return out->key != NULL ? 0 : -ENOMEM;
}

static int read_block(const struct reading *r, const struct config *config,
                      struct config_tokens *out)
{
    const struct {
        const char *key;
        const char **out;
    } texts[] = {
        { "name-claim", &out->name_claim },
        { "role-claim", &out->role_claim },
        { "tenant-claim", &out->tenant_claim },
        { "site-claim", &out->site_claim },
    };

    *out = (struct config_tokens){ .name_claim = "sub" };
    config_value_text(required(r, "issuer"), r->diagnostics, &out->issuer);
    config_value_text(required(r, "audience"), r->diagnostics, &out->audience);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(texts); i++)
        config_value_text(settings_value(r->block, texts[i].key), r->diagnostics, texts[i].out);
    out->role = config_role_name(r->block, "role", config, r->diagnostics);
    if ((out->role == NULL) == (out->role_claim == NULL))
        settings_complain_block(r->block, r->diagnostics,
                                "tokens: write role = \"...\", or role-claim = \"...\" for a claim "
                                "that names it; one of them");
    return read_key(r, out);
}

static bool is_inside(const struct settings *settings, size_t which, size_t i)
{
    return i < settings->block_count && settings->blocks[i].parent == which;
}

int config_tokens_read(const struct settings *settings, size_t which, const struct config *config,
                       struct diagnostics *diagnostics, struct config_listener *out)
{
    size_t count = 0;

    for (size_t i = which + 1; is_inside(settings, which, i); i++)
        count += settings->blocks[i].is_void ? 0 : 1;
    if (count == 0)
        return 0;
    out->tokens = calloc(count, sizeof(out->tokens[0]));
    if (out->tokens == NULL)
        return -ENOMEM;
    for (size_t i = which + 1; is_inside(settings, which, i); i++) {
        const struct reading r = { &settings->blocks[i], diagnostics };
        if (r.block->is_void)
            continue;
        if (!out->is_tls && out->path == NULL)
            settings_complain_block(r.block, diagnostics,
                                    "tokens without TLS would be overheard; write tls = on");
        int status = read_block(&r, config, &out->tokens[out->token_count++]);
        if (status != 0)
            return status;
    }
    return 0;
}

void config_tokens_fini(struct config_listener *listener)
{
    for (size_t i = 0; i < listener->token_count; i++)
        free(listener->tokens[i].key);
    free(listener->tokens);
}
