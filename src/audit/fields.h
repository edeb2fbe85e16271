/* SPDX-License-Identifier: Apache-2.0 */
/* What a record says besides its number, time and kind: names and texts, as they stand in its
 * line: `,"name":"text"` each.
 *
 * Written in one way only, so that two lines that say the same are the same bytes: a byte of
 * printable ASCII stands for itself, UTF-8 as well; everything else, quotes and the backslash is
 * \u00NN. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define AUDIT_FIELDS_BYTES 3072 /* of a record */
#define AUDIT_VALUE_BYTES  256  /* of a text before it is escaped; the rest is cut off */

/* Zeroed is empty. */
struct audit_fields {
    size_t len;
    bool is_cut; /* something was left out; the record says so by a field "cut" */
    char text[AUDIT_FIELDS_BYTES];
};

/* A field is there whole or not at all. `name`: letters of a to z, digits and underscores. An empty
 * value is left out. */
void audit_fields_add(struct audit_fields *fields, const char *name, struct mqtt_span value);
void audit_fields_add_text(struct audit_fields *fields, const char *name, const char *value);
void audit_fields_add_number(struct audit_fields *fields, const char *name, uint64_t value);

/* The text between the quotes of a value, as much as fits, written to `out`; returns its length. *out_is_cut:
 * something did not fit. */
size_t audit_fields_escape(struct mqtt_span value, char *out, size_t size, bool *out_is_cut);

/* All of them, with the field "cut" where something is missing. Borrowed. */
struct mqtt_span audit_fields_end(struct audit_fields *fields);

/* Takes the next field off `rest`. 1: there was one; 0: `rest` is empty; -EBADMSG: what comes is no
 * field as they are written here. Both are borrowed from `rest`; *out_value is still escaped. */
MQTT_NODISCARD int audit_fields_next(struct mqtt_span *rest, struct mqtt_span *out_name,
                                     struct mqtt_span *out_value);

/* The value of that name, still escaped; empty: there is none. */
struct mqtt_span audit_fields_find(struct mqtt_span fields, const char *name);

/* What an escaped value stands for, at most `size` - 1 bytes and a NUL. Returns its length. */
size_t audit_fields_unescape(struct mqtt_span value, char *out, size_t size);
