/* SPDX-License-Identifier: Apache-2.0 */
/* An input as text that ends with NUL, exactly sized: whoever reads on is seen. */
#pragma once

#include "base/invariant.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The caller frees it. */
static inline char *terminated_copy(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);

    MQTT_INVARIANT(text != NULL);
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    return text;
}
