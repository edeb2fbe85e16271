/* SPDX-License-Identifier: Apache-2.0 */
/* Words for people; a device that shows none has none. */
#include <tacit/client.h>

#include "codec/packet.h"

const char *tacit_reason_text(uint8_t reason)
{
    return mqtt_reason_text(reason);
}

const char *tacit_status_text(enum tacit_status status)
{
    switch (status) {
    case TACIT_OK:
        return "ok";
    case TACIT_AGAIN:
        return "not yet";
    case TACIT_FULL:
        return "queue is full";
    case TACIT_TOO_BIG:
        return "too big";
    case TACIT_MALFORMED:
        return "the server broke the protocol";
    case TACIT_REFUSED:
        return "refused";
    case TACIT_IO:
        return "connection lost";
    case TACIT_KEY:
        return "certificate or key not accepted";
    case TACIT_ARGUMENT:
        return "not a valid argument";
    case TACIT_TIMEOUT:
        return "no answer in time";
    case TACIT_EXPIRED:
        return "message expired";
    case TACIT_STOPPED:
        return "stopped";
    case TACIT_STORE:
        return "the store failed";
    case TACIT_DROPPED:
        return "dropped";
    }
    return "unknown status";
}
