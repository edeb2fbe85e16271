/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the registry, for the files that hold its tables. */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

#include <sqlite3.h>
#include <stdbool.h>

struct registry {
    sqlite3 *db;
    sqlite3_stmt *version; /* asked several times a second, hence prepared once */
    sqlite3_stmt *policy_version;
    char path[4096];
};

/* An SQLite result as our error, with a sentence. */
int registry_fail(const struct registry *registry, int code, struct pki_fault *fault);

MQTT_NODISCARD int registry_prepare(struct registry *registry, const char *sql, sqlite3_stmt **out,
                                    struct pki_fault *fault);

/* Runs a change to its end. How many rows it changed, or a negative errno. */
MQTT_NODISCARD int registry_run(struct registry *registry, sqlite3_stmt *statement,
                                struct pki_fault *fault);

void registry_bind_text(sqlite3_stmt *statement, int index, const char *text);

/* False: no text, too long, or with a zero byte inside. */
bool registry_column_text(sqlite3_stmt *statement, int column, char *out, size_t size);
