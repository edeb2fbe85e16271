/* SPDX-License-Identifier: Apache-2.0 */
/* A small SQLite file of ours beside the registry (activity.db, ratchet.db): opened, told from others',
 * written in transactions, its errors as sentences. Inside pki/.
 *
 * Owner: the thread that opened it. Other processes may have it open as well. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

/* All static texts. */
struct database_kind {
    const char *what;        /* "list of who was seen" */
    const char *application; /* PRAGMA application_id, in decimal */
    const char *tables;      /* SQL that makes what is missing; pragmas first */
    const char *advice;      /* what to do about one that is damaged */
};

struct database {
    sqlite3 *db;
    const struct database_kind *kind;
    char path[4096];
};

/* Opens the file; `makes` it, mode 0600, if there is none. -ENOENT: there is none; -EBADMSG: it is
 * damaged or another's; -EBUSY. Nothing is open after a failure. */
MQTT_NODISCARD int database_init(struct database *out, const char *path, bool makes,
                                 const struct database_kind *kind, struct pki_fault *fault);
void database_fini(struct database *database);

/* An SQLite result as our error, with a sentence. */
int database_fail(const struct database *database, int code, struct pki_fault *fault);

/* Both ends of a transaction that writes: SQLite results. Whatever `code` is not SQLITE_OK takes
 * everything back, and is returned. */
MQTT_NODISCARD int database_begin(struct database *database);
MQTT_NODISCARD int database_end(struct database *database, int code);

/* A column's text, cut to the size; empty for NULL. */
void database_column_text(sqlite3_stmt *statement, int column, char *out, size_t size);
