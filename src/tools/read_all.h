/* SPDX-License-Identifier: Apache-2.0 */
/* A file whose length nobody knows before, such as standard input. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Grows a buffer, malloc'ed or NULL, of which `len` bytes are in use, so that there is room to read into.
 * False: out of memory, and it is as it was. */
MQTT_NODISCARD bool read_all_room(char **buffer, size_t *size, size_t len);

/* All of it, malloc'ed. -ENOMEM; -EFBIG: it has more than `most` bytes; what the system says. */
MQTT_NODISCARD int read_all(FILE *file, size_t most, char **out_bytes, size_t *out_len);
