/* SPDX-License-Identifier: Apache-2.0 */
/* The phases of a run: connect, warm up, measure, let the rest arrive. */
#include "tools/bench_load.h"
#include "tools/bench_measure.h"

#include <stdio.h>
#include <time.h>

#define CONNECT_PATIENCE_S 60.0 /* without any progress */
#define DRAIN_PATIENCE_S   3.0

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum exit_code give_up(const struct bench_load *load)
{
    options_complain(load->plan->options, "%u of %u connections failed: %s", load->failed,
                     load->count, load->error[0] != '\0' ? load->error : "no answer in time");
    return EXIT_CONNECTION;
}

static enum exit_code connect_all(struct bench_load *load)
{
    double last_progress = now_s();
    unsigned ready = 0;
    while (load->ready < load->count && load->failed == 0) {
        bench_load_turn(load, 100);
        if (load->ready > ready)
            last_progress = now_s();
        ready = load->ready;
        if (now_s() - last_progress > CONNECT_PATIENCE_S)
            break;
    }
    return load->ready == load->count ? EXIT_DONE : give_up(load);
}

static void turn_for(struct bench_load *load, double seconds)
{
    double end = now_s() + seconds;
    while (now_s() < end && load->failed == 0)
        bench_load_turn(load, 10);
}

static uint64_t sent_by_all(const struct bench_load *load)
{
    uint64_t sent = 0;
    for (unsigned i = 0; i < load->plan->publishers; i++)
        sent += load->connections[i].sent;
    return sent;
}

/* What was sent and had not come when patience ended is lost. */
static void drain(struct bench_load *load)
{
    double last_progress = now_s();
    uint64_t delivered = load->counts.delivered;
    load->publishing = false;
    while (!bench_load_is_drained(load) && now_s() - last_progress < DRAIN_PATIENCE_S) {
        bench_load_turn(load, 10);
        if (load->counts.delivered != delivered)
            last_progress = now_s();
        delivered = load->counts.delivered;
    }
    for (unsigned i = load->plan->publishers; i < load->count; i++) {
        const struct bench_connection *connection = &load->connections[i];
        for (unsigned j = 0; j < connection->stream_count; j++)
            load->counts.lost += load->connections[connection->first_publisher + j].sent
                                 - connection->streams[j].next;
    }
}

static void measure(struct bench_load *load, struct bench_result *result)
{
    const struct bench_plan *plan = load->plan;
    load->publishing = true;
    turn_for(load, plan->warmup_ms / 1000.0);
    uint64_t sent = sent_by_all(load);
    uint64_t delivered = load->counts.delivered;
    double broker = bench_cpu_s(plan->broker_pid);
    double own = bench_cpu_s(0);
    double start = now_s();
    turn_for(load, plan->duration_ms / 1000.0);
    result->seconds = now_s() - start;
    result->broker_cpu_s = bench_cpu_s(plan->broker_pid) - broker;
    result->own_cpu_s = bench_cpu_s(0) - own;
    result->sent = sent_by_all(load) - sent;
    result->delivered = load->counts.delivered - delivered;
    drain(load);
    result->lost = load->counts.lost;
    result->duplicated = load->counts.duplicated;
    result->reordered = load->counts.reordered;
    result->corrupt = load->counts.corrupt;
}

static enum exit_code run(struct bench_load *load, struct bench_result *result)
{
    const struct bench_plan *plan = load->plan;
    if (plan->broker_pid != 0)
        result->broker_bytes_before = bench_resident_bytes(plan->broker_pid);
    double broker = bench_cpu_s(plan->broker_pid);
    double start = now_s();
    enum exit_code code = connect_all(load);
    result->connect_s = now_s() - start;
    result->connected = load->ready;
    result->broker_cpu_s = bench_cpu_s(plan->broker_pid) - broker;
    if (code != EXIT_DONE)
        return code;
    if (plan->publishers > 0)
        measure(load, result);
    if (plan->scenario == BENCH_IDLE)
        turn_for(load, plan->hold_ms / 1000.0);
    if (plan->broker_pid != 0)
        result->broker_bytes_after = bench_resident_bytes(plan->broker_pid);
    return load->failed == 0 ? EXIT_DONE : give_up(load);
}

enum exit_code bench_run(const struct bench_plan *plan, struct bench_result *out)
{
    struct bench_load load;
    struct bench_result result = { 0 };
    if (!bench_load_open(&load, plan))
        return EXIT_USAGE;
    enum exit_code code = run(&load, &result);
    bench_load_close(&load);
    if (code == EXIT_DONE)
        *out = result;
    return code;
}
