/* SPDX-License-Identifier: Apache-2.0 */
/* What the shards have learned of behaviour, as tacitd last wrote it: learning/behaviour.N. */
#pragma once

#include "base/attrs.h"
#include "core/sensing_part.h"
#include "tools/identity_options.h"

#include <stddef.h>
#include <stdint.h>

/* One of the files, while it is visited. */
struct sense_file {
    const struct sensing_part_head *head;
    unsigned number;   /* of the file */
    int64_t written_s; /* UTC */
};

/* What is visited is borrowed until the call returns; either may be NULL. The roles of a file come
 * before its devices. */
struct sense_files_visit {
    void *context;
    void (*role)(void *context, const struct sense_file *file, const struct sensing_part_role *head,
                 struct mqtt_span name, const struct sense_role *model);
    void (*device)(void *context, const struct sense_file *file,
                   const struct sensing_part_device *head, struct mqtt_span name,
                   const struct sense_device *model);
};

struct sense_files_count {
    unsigned read; /* files */
    unsigned bad;  /* of them, what could not be read, which was said on standard error */
};

/* Reads all of them; of one that is damaged nothing is visited. 0, or the exit code after saying on
 * standard error what is wrong with the state folder. */
MQTT_NODISCARD int sense_files_visit(const struct identity_options *options,
                                     const struct sense_files_visit *visit,
                                     struct sense_files_count *out);

/* The same of one that is open, at its first role. -EBADMSG: damaged, and what comes before that was
 * visited; -ENOMEM. */
MQTT_NODISCARD int sense_files_visit_part(struct sensing_part *part, const struct sense_file *file,
                                          const struct sense_files_visit *visit);

/* The device's name, in what it is known by (core/allowance.h): NUL-terminated, borrowed. */
const char *sense_files_device(struct mqtt_span name);

/* "learn", "shape", "prove", "watch". */
const char *sense_files_phase(enum sense_phase phase);
