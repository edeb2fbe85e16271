/* SPDX-License-Identifier: Apache-2.0 */
/* What `tacit bench` is to do, and what came of it. */
#pragma once

#include "tools/target.h"

enum bench_scenario {
    BENCH_P2P = 0, /* pairs of one publisher and one subscriber */
    BENCH_FANOUT,  /* every subscriber takes all publishers */
    BENCH_FANIN,   /* the same with many publishers and few subscribers */
    BENCH_IDLE,    /* connections that do nothing: memory */
    BENCH_CONN,    /* connections as fast as they come */
    BENCH_SCENARIO_COUNT,
};

struct bench_plan {
    const struct options *options;
    struct target target;
    enum bench_scenario scenario;
    unsigned publishers;
    unsigned subscribers;
    unsigned idlers; /* idle and conn */
    uint32_t size;   /* payload bytes */
    uint32_t window; /* messages of one publisher on their way, end to end */
    uint32_t warmup_ms, duration_ms, hold_ms;
    uint8_t version;
    uint8_t qos;
    int broker_pid; /* 0: not measured */
    char run[16];   /* part of each client id and topic */
};

struct bench_result {
    uint64_t sent, delivered; /* in the measured part; delivered counts copies */
    uint64_t lost, duplicated, reordered, corrupt; /* over the whole run */
    unsigned connected;
    double connect_s;    /* until all were connected */
    double seconds;      /* of the measured part */
    double broker_cpu_s; /* in it, or while connecting (idle, conn) */
    double own_cpu_s;
    uint64_t broker_bytes_before, broker_bytes_after; /* resident, idle only */
};

/* Runs it. Complains itself. */
MQTT_NODISCARD enum exit_code bench_run(const struct bench_plan *plan, struct bench_result *out);
