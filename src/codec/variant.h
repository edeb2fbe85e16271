/* SPDX-License-Identifier: Apache-2.0 */
/* What of MQTT this build speaks. A small device leaves out what it does not need;
 * the constants are known to the compiler, so that what stands behind them goes, too.
 * A broker always has all of it. */
#pragma once

#include "codec/packet.h"

#include <stdbool.h>

#if defined(TACIT_NO_V5) && defined(TACIT_NO_V311)
#error "a client without any version of MQTT"
#endif

#ifdef TACIT_NO_V5
#define MQTT_SPEAKS_5 0
#else
#define MQTT_SPEAKS_5 1
#endif

/* 3.1.1 and 3.1. */
#ifdef TACIT_NO_V311
#define MQTT_SPEAKS_3 0
#else
#define MQTT_SPEAKS_3 1
#endif

#ifdef TACIT_NO_V31
#define MQTT_SPEAKS_3_1 0
#else
#define MQTT_SPEAKS_3_1 MQTT_SPEAKS_3
#endif

#ifdef TACIT_NO_QOS2
#define MQTT_SPEAKS_QOS_2 0
#else
#define MQTT_SPEAKS_QOS_2 1
#endif

/* `version` is one that this build speaks. */
static inline bool mqtt_is_5(enum mqtt_version version)
{
    return MQTT_SPEAKS_5 && (!MQTT_SPEAKS_3 || version == MQTT_VERSION_5);
}

static inline bool mqtt_is_3_1(enum mqtt_version version)
{
    return MQTT_SPEAKS_3_1 && version == MQTT_VERSION_3_1;
}
