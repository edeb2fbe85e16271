/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of one file to settings, by libconfuse.
 *
 * libconfuse stops at its first complaint; what came before it is in the settings. Not
 * thread-safe: its scanner is global. */
#pragma once

#include "base/attrs.h"
#include "config/settings.h"

/* Called for each value of the key "include", with the name as it is written. */
typedef int (*settings_include)(void *context, const char *name, const char *file, unsigned line);

/* `text` is NUL-terminated and has passed config_text_check(). `file` is owned by
 * *settings. -ENOMEM, or 0 whatever there was to complain about. */
MQTT_NODISCARD int settings_syntax_parse(const char *text, const char *file,
                                         struct diagnostics *diagnostics, struct settings *settings,
                                         settings_include include, void *include_context);
