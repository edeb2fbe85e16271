/* SPDX-License-Identifier: Apache-2.0 */
#include "client/retry.h"

#include "codec/variant.h"

/* A reason code as a bit: those that count are 0x80 to 0x9F. */
#define REASON(reason) (UINT32_C(1) << (reason) % 0x20)

#define ACCIDENTS                                                                \
    (REASON(MQTT_UNSPECIFIED_ERROR) | REASON(MQTT_IMPLEMENTATION_SPECIFIC_ERROR) \
     | REASON(MQTT_SERVER_SHUTTING_DOWN) | REASON(MQTT_KEEP_ALIVE_TIMEOUT)       \
     | REASON(MQTT_TOPIC_ALIAS_INVALID))

#define BUSY                                                                      \
    (REASON(MQTT_SERVER_UNAVAILABLE) | REASON(MQTT_SERVER_BUSY)                   \
     | REASON(MQTT_RECEIVE_MAXIMUM_EXCEEDED) | REASON(MQTT_MESSAGE_RATE_TOO_HIGH) \
     | REASON(MQTT_QUOTA_EXCEEDED) | REASON(MQTT_CONNECTION_RATE_EXCEEDED)        \
     | REASON(MQTT_MALFORMED_PACKET) | REASON(MQTT_PROTOCOL_ERROR)                \
     | REASON(MQTT_PACKET_TOO_LARGE))

enum tacit_refusal tacit_refusal_of(uint8_t reason)
{
    /* Before MQTT 5 only CONNACK has reasons. */
    if (!MQTT_SPEAKS_5)
        return reason == MQTT_SERVER_UNAVAILABLE ? TACIT_REFUSAL_BUSY : TACIT_REFUSAL_FINAL;
    if (reason == MQTT_SUCCESS || reason == MQTT_MAXIMUM_CONNECT_TIME)
        return TACIT_REFUSAL_NONE;
    /* Not authorised, taken over, banned, moved, or a code of a later standard. */
    if (reason < 0x80 || reason >= 0xa0)
        return TACIT_REFUSAL_FINAL;
    uint32_t bit = REASON(reason);
    if ((ACCIDENTS & bit) != 0)
        return TACIT_REFUSAL_NONE;
    return (BUSY & bit) != 0 ? TACIT_REFUSAL_BUSY : TACIT_REFUSAL_FINAL;
}

uint8_t tacit_reason_of_return_code(uint8_t return_code)
{
    static const uint8_t reasons[] = {
        MQTT_SUCCESS,
        MQTT_UNSUPPORTED_PROTOCOL_VERSION,
        MQTT_CLIENT_IDENTIFIER_NOT_VALID,
        MQTT_SERVER_UNAVAILABLE,
        MQTT_BAD_USER_NAME_OR_PASSWORD,
        MQTT_NOT_AUTHORIZED,
    };
    return return_code < sizeof(reasons) ? reasons[return_code] : MQTT_UNSPECIFIED_ERROR;
}
