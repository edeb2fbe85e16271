/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as tacit.conf: it is understood or every refusal names a line of it; and
 * afterwards a good text is still understood, whatever libconfuse's scanner met. */
#include "base/invariant.h"
#include "config/config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct text {
    const uint8_t *data;
    size_t len;
};

static int read_text(void *context, const char *path, char **out_text, size_t *out_len)
{
    const struct text *text = context;

    if (strcmp(path, "fuzz.conf") != 0)
        return -ENOENT;
    char *copy = malloc(text->len + 1);
    if (copy == NULL)
        return -ENOMEM;
    if (text->len > 0)
        memcpy(copy, text->data, text->len);
    copy[text->len] = '\0';
    *out_text = copy;
    *out_len = text->len;
    return 0;
}

static void on_line(void *context, const char *line)
{
    (void)context;
    MQTT_INVARIANT(strlen(line) < DIAGNOSTIC_BYTES);
}

static int load(const uint8_t *data, size_t len)
{
    struct text text = { data, len };
    const struct settings_files files = { &text, read_text };
    struct diagnostics diagnostics = { on_line, NULL, 0 };
    struct config *config = NULL;
    int status = config_load("fuzz.conf", &files, NULL, &diagnostics, &config);

    MQTT_INVARIANT((status == 0) == (diagnostics.errors == 0));
    MQTT_INVARIANT(status == 0 || status == -EINVAL);
    if (status == 0)
        MQTT_INVARIANT(config->listener_count > 0);
    config_unref(config);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char good[] = "shards = 1\nlog { level = info }\n";

    (void)load(data, len);
    MQTT_INVARIANT(load((const uint8_t *)good, sizeof(good) - 1) == 0);
    return 0;
}
