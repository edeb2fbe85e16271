/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot file: a series of opaque records, there whole or not at all: how version 0.1 kept
 * everything, read at an upgrade.
 *
 * Each record carries a CRC-32C, the trailer the number of records and a CRC over all, so that damage is noticed
 * and located. The format is docs/store-format.md. Owner: one thread. Functions return 0 or a
 * negative errno. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

/* Largest record: the largest MQTT packet and what the core keeps with it. */
#define SNAPSHOT_RECORD_MAX_BYTES (272u * 1024u * 1024u)
#define SNAPSHOT_VERSION          1
#define SNAPSHOT_PATH_SIZE        4096 /* longest path and NUL */

/* What reading found. */
struct snapshot_report {
    int64_t created_ms;     /* valid once the header was; else 0 */
    uint64_t record_count;  /* delivered */
    uint64_t damage_offset; /* bytes from the start of the file to where the damaged part begins */
    const char *damage;     /* static text: what is wrong there; NULL: nothing is */
    /* Name the damaged file was given; empty if it could not be renamed. */
    char kept_aside[SNAPSHOT_PATH_SIZE];
};

/* Hands each record (borrowed) to `visit` in the order of writing, after its check sum was
 * verified; a result other than 0 ends the reading and is returned, the file stays.
 *
 * -ENOENT: there is none. -EBADMSG: damaged; the records before the damage were delivered, the
 * file is renamed to PATH.damaged-<n>, and *out says where and why. -EPROTO: written by a
 * newer tacit; the file stays. *out is filled whenever the file could be opened. */
typedef int (*snapshot_visit)(void *context, struct mqtt_span record, int64_t created_ms);
MQTT_NODISCARD int snapshot_read(const char *path, snapshot_visit visit, void *context,
                                 struct snapshot_report *out);
