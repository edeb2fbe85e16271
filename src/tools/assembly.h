/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a message that arrives in pieces together. Heap; a tool has the room. */
#pragma once

#include <tacit/client.h>

#include "base/attrs.h"

struct assembly {
    uint8_t *bytes;
    size_t size;
};

/* Takes an event MESSAGE. True once the message is whole: *out_message is it, borrowed
 * until the next call. Out of memory the process ends. */
MQTT_NODISCARD bool assembly_take(struct assembly *assembly, const struct tacit_event *event,
                                  struct tacit_message *out_message);
void assembly_fini(struct assembly *assembly);
