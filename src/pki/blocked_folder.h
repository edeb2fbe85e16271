/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of blocked keys as files: *.list in the folder blocked-keys beside the registry. That is
 * where long ones belong, like those of the keys of CVE-2008-0166: `tacit key import` puts them
 * there, and who likes copies a file there. Owner: one thread for each registry. */
#pragma once

#include "base/attrs.h"
#include "pki/blocked_list.h"
#include "pki/fault.h"
#include "pki/id_array.h"
#include "pki/registry.h"

#include <stdint.h>

#define BLOCKED_FOLDER_LIST_MAX ((size_t)64 << 20) /* bytes of a list */

/* A line that is wrong is left out, and told: a slip in one must not let everybody in, nor
 * keep everybody out. */
struct blocked_folder_doubts {
    void *context;
    void (*say)(void *context, const char *text); /* NULL: nobody listens */
};

/* Calls `visit` for each key or modulus of each list, in the order of the files' names. A result
 * other than 0 ends it and is returned. No folder: no lists. Negative errno: a list cannot be
 * read. */
typedef int (*blocked_folder_visit)(void *context, const char *file,
                                    const struct blocked_line *line);
MQTT_NODISCARD int blocked_folder_read(const struct registry *registry,
                                       const struct blocked_folder_doubts *doubts,
                                       blocked_folder_visit visit, void *context,
                                       struct pki_fault *fault);

/* Writes a list of moduli, sorted already, of which `source` says where it is from; one of that
 * name is replaced. `name` is cut down to letters, digits and . _ -, and gets ".list". */
MQTT_NODISCARD int blocked_folder_write(const struct registry *registry, const char *name,
                                        const char *source, const struct id_array *tags,
                                        struct pki_fault *fault);

/* A number that differs from the last one when files have come, gone or been replaced. 0: there
 * is no folder. */
uint64_t blocked_folder_stamp(const struct registry *registry);
