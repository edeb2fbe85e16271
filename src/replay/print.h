/* SPDX-License-Identifier: Apache-2.0 */
/* An alarm as one line on standard output. */
#pragma once

#include "replay/replay.h"

/* As a JSON object. 0 or -ENOMEM. */
MQTT_NODISCARD int print_json(const struct replay *replay, const struct replay_alarm *alarm);

/* As a sentence. */
void print_text(const struct replay *replay, const struct replay_alarm *alarm);
