/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the registry, for the files that hold its tables. */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct registry {
    sqlite3 *db;
    sqlite3_stmt *version; /* asked several times a second, hence prepared once */
    sqlite3_stmt *policy_version;
    unsigned depth; /* of transactions that are open */
    bool is_spoilt; /* one inside of the outermost has failed */
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

void registry_bind_hash(sqlite3_stmt *statement, int index, const uint8_t hash[32]);

/* False: no hash as registry_bind_hash() writes it. */
bool registry_column_hash(sqlite3_stmt *statement, int column, uint8_t out[32]);

/* Writes down the certificate that the row of `name` has now; inside a transaction. An SQLite
 * result. */
MQTT_NODISCARD int registry_remember(struct registry *registry, const char *name, int64_t now_s);

/* False: no text, too long, or with a zero byte inside. */
bool registry_column_text(sqlite3_stmt *statement, int column, char *out, size_t size);

/* 32 bytes, which stand in the tables as 64 digits in hex. False: the column holds no such. */
void registry_bind_hash(sqlite3_stmt *statement, int index, const uint8_t hash[32]);
bool registry_column_hash(sqlite3_stmt *statement, int column, uint8_t out[32]);

/* A transaction for writing, which may stand inside of another: then the outermost decides. -EBUSY:
 * somebody else wrote for REGISTRY_BUSY_MS. */
MQTT_NODISCARD int registry_begin(struct registry *registry, struct pki_fault *fault);

/* One for reading only: what is asked inside is of one moment. */
MQTT_NODISCARD int registry_begin_reading(struct registry *registry, struct pki_fault *fault);

/* Keeps what was done if `error` is 0 and nothing inside has failed, takes everything back
 * otherwise. Returns `error`, or why it could not be kept, and nothing is then. */
MQTT_NODISCARD int registry_end(struct registry *registry, int error, struct pki_fault *fault);
