/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/status.h"

#include "codec/packet.h"

struct row {
    const char *statements;
    const char *text;
};

static const struct row rows[MQTT_STATUS_COUNT] = {
#define STATUS(name, reason, statements, text) [name] = { statements, text },
#include "codec/status.def"
#undef STATUS
};

/* Apart from the texts: a small device needs these only. */
static const uint8_t reasons[MQTT_STATUS_COUNT] = {
#define STATUS(name, reason, statements, text) [name] = reason,
#include "codec/status.def"
#undef STATUS
};

const char *mqtt_status_text(enum mqtt_status status)
{
    return (unsigned)status < MQTT_STATUS_COUNT ? rows[status].text : "unknown status";
}

uint8_t mqtt_status_reason(enum mqtt_status status)
{
    return (unsigned)status < MQTT_STATUS_COUNT ? reasons[status] : MQTT_UNSPECIFIED_ERROR;
}

const char *mqtt_status_statements(enum mqtt_status status)
{
    return (unsigned)status < MQTT_STATUS_COUNT ? rows[status].statements : "";
}
