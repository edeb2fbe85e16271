/* SPDX-License-Identifier: Apache-2.0 */
/* The registry's tables and how an older file becomes a current one. */
#pragma once

#include "base/attrs.h"

struct sqlite3;

/* Makes or migrates the tables, each step in one transaction. Returns an SQLite result code,
 * SQLITE_NOTADB for a database of somebody else, SQLITE_SCHEMA for one of a newer tacit. */
MQTT_NODISCARD int registry_schema_migrate(struct sqlite3 *db);
