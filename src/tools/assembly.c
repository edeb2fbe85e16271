/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/assembly.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

bool assembly_take(struct assembly *assembly, const struct tacit_event *event,
                   struct tacit_message *out_message)
{
    struct tacit_bytes piece = event->message.payload;
    if (piece.len < event->total && event->total > assembly->size) {
        assembly->bytes = realloc(assembly->bytes, event->total);
        if (assembly->bytes == NULL)
            err(1, "a message of %u bytes", (unsigned)event->total);
        assembly->size = event->total;
    }
    if (piece.len < event->total)
        memcpy(assembly->bytes + event->offset, piece.data, piece.len);
    if (event->offset + piece.len < event->total)
        return false;
    *out_message = event->message;
    if (piece.len < event->total)
        out_message->payload = (struct tacit_bytes){ assembly->bytes, event->total };
    return true;
}

void assembly_fini(struct assembly *assembly)
{
    free(assembly->bytes);
    *assembly = (struct assembly){ 0 };
}
