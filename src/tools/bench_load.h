/* SPDX-License-Identifier: Apache-2.0 */
/* All connections of a run, and the loop that moves them. */
#pragma once

#include "tools/bench_connection.h"
#include "tools/bench_plan.h"

#include <poll.h>

struct bench_load {
    const struct bench_plan *plan;
    struct tacit_tls *tls;
    struct bench_connection *connections; /* publishers first, then subscribers or idlers */
    struct pollfd *pollers;               /* one each */
    unsigned count;
    unsigned started; /* connections begun */
    unsigned ready;
    unsigned failed;
    bool publishing;
    struct bench_counts counts;
    uint32_t run_number;
    uint8_t *buffer; /* what is received passes through it */
    char error[256]; /* of the first failure */
};

/* Nothing is connected yet; false after a complaint. */
MQTT_NODISCARD bool bench_load_open(struct bench_load *out, const struct bench_plan *plan);
void bench_load_close(struct bench_load *load);

/* One turn: begins connections, sleeps up to `timeout_ms` for something to do, reads,
 * answers, publishes as the windows allow, writes. */
void bench_load_turn(struct bench_load *load, int timeout_ms);

/* Have all messages that were sent reached everybody? */
bool bench_load_is_drained(const struct bench_load *load);
