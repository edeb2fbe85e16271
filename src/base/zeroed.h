/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for what comes and goes with every connection. */
#pragma once

#include "base/attrs.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* As calloc(1, bytes), for free(). That of glibc does not look at the blocks that the thread has just
 * freed, so that each comes and goes by the long way. */
MQTT_NODISCARD static inline void *zeroed_alloc(size_t bytes)
{
    void *memory = malloc(bytes);

    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}
