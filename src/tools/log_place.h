/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log of a state folder, for those who read it: as far as it had come at the moment of
 * opening, beside a tacitd that writes to it. */
#pragma once

#include "audit/folder.h"
#include "audit/place.h"
#include "base/attrs.h"
#include "tools/identity_options.h"

#include <stddef.h>
#include <stdint.h>

struct log_place {
    const struct identity_options *options; /* borrowed */
    struct audit_place audit;
    struct audit_folder files;
    uint64_t last_bytes; /* of the newest file, at that moment */
    struct audit_statement head;
    bool has_head; /* and the key has signed it */
};

/* Waits until nobody is in the middle of writing. 0, or the exit code after saying on standard error
 * what is wrong. */
MQTT_NODISCARD int log_place_open(const struct identity_options *options, struct log_place *out);
void log_place_close(struct log_place *place);

/* The same moment again, later: for who found a file removed since. Negative errno: nothing is listed
 * then. */
MQTT_NODISCARD int log_place_relist(struct log_place *place);

/* Reads the file at `index` as it was at that moment (-ENOENT: it was removed since, to make room) and
 * calls `on_line` for each whole line, which
 * is borrowed. *out_rest: how many bytes are behind the last newline. What `on_line` returns other
 * than 0 ends it and is returned; negative errno. */
typedef int (*log_place_line)(void *context, struct mqtt_span line);
MQTT_NODISCARD int log_place_read(const struct log_place *place, size_t index,
                                  log_place_line on_line, void *context, size_t *out_rest);

/* Says that it could not be read. Returns the exit code. */
int log_place_fail(const struct log_place *place, int error);
