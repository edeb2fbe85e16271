/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of one file to settings, top-down over the grammar of settings.h.
 *
 * Every complaint has a line and a column. After one the reader goes on where the next entry
 * can begin: at a word in a new line, or behind the brace that closes what was not understood. */
#pragma once

#include "base/attrs.h"
#include "config/settings.h"

/* Called for each value of the key "include"; `name` has its text and place. 0 or -ENOMEM. */
typedef int (*settings_include)(void *context, const struct setting *name);

struct settings_source {
    char *text; /* changed: strings are unescaped in place */
    size_t len;
    const char *file; /* owned by the settings */
};

/* -ENOMEM, or 0 whatever there was to complain about. */
MQTT_NODISCARD int settings_syntax_parse(const struct settings_source *source,
                                         struct diagnostics *diagnostics, struct settings *settings,
                                         settings_include include, void *include_context);
