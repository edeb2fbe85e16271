/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of activity.db, for the files that hold its tables. */
#pragma once

#include "base/attrs.h"
#include "pki/activity.h"

#include <sqlite3.h>

struct activity {
    sqlite3 *db;
    char path[4096];
};

/* An SQLite result as our error, with a sentence. */
int activity_fail(const struct activity *activity, int code, struct pki_fault *fault);

/* Both ends of a transaction that writes: SQLite results. Whatever `code` is not SQLITE_OK takes
 * everything back, and is returned. */
MQTT_NODISCARD int activity_begin(struct activity *activity);
MQTT_NODISCARD int activity_end(struct activity *activity, int code);

/* Cut to `size`; "" for what is no text. */
void activity_column_text(sqlite3_stmt *statement, int column, char *out, size_t size);
