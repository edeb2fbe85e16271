/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated sensors for a demonstration. Each reports about eight times a second; one that is recruited
 * floods, and asks for what is not its own. Who loses its connection comes again. */
#pragma once

#include "base/attrs.h"
#include "tools/bench_connection.h"
#include "tools/demo_broker.h"

#include <stdbool.h>
#include <stdint.h>

#define DEMO_SENSORS 50u

struct demo_sensor {
    char name[16];
    struct tacit_tls *tls;
    struct bench_connection link;
    uint64_t report_ms; /* when it reports next */
    unsigned reports;
    uint16_t asked; /* so often, of what is not its own */
    bool is_bot;
};

struct demo_fleet {
    struct demo_sensor sensors[DEMO_SENSORS];
    uint16_t port;
    char why[256];
};

/* Adds all of them to the broker, with role "sensor", and connects them. 0, or -1 with the reason in
 * out->why; closed with demo_fleet_close() in any case. */
MQTT_NODISCARD int demo_fleet_open(struct demo_fleet *out, struct demo_broker *broker);
void demo_fleet_close(struct demo_fleet *fleet);

/* Does what is due, and waits a moment. */
void demo_fleet_turn(struct demo_fleet *fleet);

/* How many are connected and have been answered. */
unsigned demo_fleet_count_ready(const struct demo_fleet *fleet);
