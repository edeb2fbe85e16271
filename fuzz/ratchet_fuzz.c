/* SPDX-License-Identifier: Apache-2.0 */
/* What a device says of its ratchet is written again in the same bytes, and is of one length only. */
#include "codec_promise.h"
#include "ratchet/message.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratchet_message message;
    uint8_t again[RATCHET_MESSAGE_BYTES];

    if (ratchet_message_decode((struct mqtt_span){ data, size }, &message) != 0)
        return 0;
    promise(size == RATCHET_MESSAGE_BYTES);
    ratchet_message_encode(&message, again);
    promise(memcmp(again, data, sizeof(again)) == 0);
    return 0;
}
