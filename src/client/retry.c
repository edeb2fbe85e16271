/* SPDX-License-Identifier: Apache-2.0 */
#include "client/retry.h"

enum tacit_refusal tacit_refusal_of(uint8_t reason)
{
    switch (reason) {
    case MQTT_SUCCESS:
    case MQTT_UNSPECIFIED_ERROR:
    case MQTT_IMPLEMENTATION_SPECIFIC_ERROR:
    case MQTT_SERVER_SHUTTING_DOWN:
    case MQTT_KEEP_ALIVE_TIMEOUT:
    case MQTT_MAXIMUM_CONNECT_TIME:
    case MQTT_TOPIC_ALIAS_INVALID:
        return TACIT_REFUSAL_NONE;
    case MQTT_SERVER_UNAVAILABLE:
    case MQTT_SERVER_BUSY:
    case MQTT_RECEIVE_MAXIMUM_EXCEEDED:
    case MQTT_MESSAGE_RATE_TOO_HIGH:
    case MQTT_QUOTA_EXCEEDED:
    case MQTT_CONNECTION_RATE_EXCEEDED:
    case MQTT_MALFORMED_PACKET:
    case MQTT_PROTOCOL_ERROR:
    case MQTT_PACKET_TOO_LARGE:
        return TACIT_REFUSAL_BUSY;
    default:
        /* Not authorised, taken over, banned, moved, or a code of a later standard. */
        return TACIT_REFUSAL_FINAL;
    }
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

uint32_t tacit_retry_delay_ms(uint32_t minimum_ms, uint32_t maximum_ms, unsigned attempt,
                              uint32_t random)
{
    uint32_t range = minimum_ms;
    for (; attempt > 0 && range < maximum_ms; attempt--)
        range = range <= maximum_ms / 2 ? range * 2 : maximum_ms;
    if (range > maximum_ms)
        range = maximum_ms;
    return (uint32_t)((((uint64_t)range + 1) * random) >> 32);
}
