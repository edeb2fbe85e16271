/* SPDX-License-Identifier: Apache-2.0 */
/* tacit bench: from options to a plan, and from its result to what is printed. */
#include "tools/bench_measure.h"
#include "tools/bench_plan.h"
#include "tools/daily.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *const scenario_names[BENCH_SCENARIO_COUNT] = { "p2p", "fanout", "fanin", "idle",
                                                                  "conn" };

static uint32_t given_or(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static bool find_scenario(const char *name, enum bench_scenario *out)
{
    for (unsigned i = 0; name != NULL && i < BENCH_SCENARIO_COUNT; i++) {
        if (strcmp(name, scenario_names[i]) == 0) {
            *out = (enum bench_scenario)i;
            return true;
        }
    }
    return false;
}

static void count_connections(struct bench_plan *plan, const struct options *options)
{
    switch (plan->scenario) {
    case BENCH_P2P:
        plan->publishers = given_or(options->pairs, 100);
        plan->subscribers = plan->publishers;
        break;
    case BENCH_FANOUT:
        plan->publishers = given_or(options->publishers, 1);
        plan->subscribers = given_or(options->subscribers, 100);
        break;
    case BENCH_FANIN:
        plan->publishers = given_or(options->publishers, 100);
        plan->subscribers = given_or(options->subscribers, 1);
        break;
    case BENCH_IDLE:
    case BENCH_CONN:
        plan->idlers = given_or(options->connections, 1000);
        break;
    case BENCH_SCENARIO_COUNT:
        break;
    }
}

static enum exit_code make_plan(struct bench_plan *plan, const struct options *options)
{
    uint32_t random = 0;
    *plan = (struct bench_plan){
        .options = options,
        .size = given_or(options->size, 64),
        .window = given_or(options->window, 64),
        .warmup_ms = given_or(options->warmup_ms, 1000),
        .duration_ms = given_or(options->duration_ms, 5000),
        .hold_ms = given_or(options->hold_ms, 2000),
        .version = options->version != 0 ? options->version : 5,
        .qos = options->qos,
        .broker_pid = (int)options->broker_pid,
    };
    if (!find_scenario(options->scenario, &plan->scenario)) {
        options_complain(options, "which scenario? p2p, fanout, fanin, idle or conn");
        return EXIT_USAGE;
    }
    count_connections(plan, options);
    uint64_t connections = (uint64_t)plan->publishers + plan->subscribers + plan->idlers;
    if (plan->size < 16 || plan->size > 1 << 20 || plan->window > 60000 || connections > 1 << 20
        || options->broker_pid > INT32_MAX) {
        options_complain(options, "a number is out of range: size is 16 to 1048576, window up to "
                                  "60000, connections up to 1048576");
        return EXIT_USAGE;
    }
    if (plan->broker_pid != 0 && bench_cpu_s(plan->broker_pid) < 0) {
        options_complain(options, "process %d cannot be measured", plan->broker_pid);
        return EXIT_USAGE;
    }
    (void)tacit_posix_random(NULL, &random, sizeof(random));
    (void)snprintf(plan->run, sizeof(plan->run), "%08x", (unsigned)random);
    return target_decide(&plan->target, options);
}

static double per(double count, double of)
{
    return of > 0 ? count / of : 0;
}

static json_t *load_json(const struct bench_plan *plan, const struct bench_result *result)
{
    double delivered = (double)result->delivered;
    json_t *object = json_pack(
        "{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}",
        "scenario", scenario_names[plan->scenario], "publishers", (int)plan->publishers,
        "subscribers", (int)plan->subscribers, "size", (int)plan->size, "qos", (int)plan->qos,
        "window", (int)plan->window, "version", (int)plan->version, "seconds", result->seconds,
        "sent", (json_int_t)result->sent, "deliveries", (json_int_t)result->delivered, "lost",
        (json_int_t)result->lost, "duplicated", (json_int_t)result->duplicated, "reordered",
        (json_int_t)result->reordered, "corrupt", (json_int_t)result->corrupt, "deliveries_per_s",
        per(delivered, result->seconds), "generator_cpu_s", result->own_cpu_s);
    if (plan->broker_pid != 0) {
        (void)json_object_set_new(object, "broker_cpu_s", json_real(result->broker_cpu_s));
        (void)json_object_set_new(object, "deliveries_per_cpu_s",
                                  json_real(per(delivered, result->broker_cpu_s)));
    }
    return object;
}

static json_t *connections_json(const struct bench_plan *plan, const struct bench_result *result)
{
    double connected = result->connected;
    json_t *object =
        json_pack("{s:s, s:i, s:f, s:f}", "scenario", scenario_names[plan->scenario], "connections",
                  (int)result->connected, "connect_s", result->connect_s, "connects_per_s",
                  per(connected, result->connect_s));
    if (plan->broker_pid == 0)
        return object;
    double grown = (double)result->broker_bytes_after - (double)result->broker_bytes_before;
    (void)json_object_set_new(object, "broker_cpu_s", json_real(result->broker_cpu_s));
    (void)json_object_set_new(object, "connects_per_cpu_s",
                              json_real(per(connected, result->broker_cpu_s)));
    if (plan->scenario == BENCH_IDLE)
        (void)json_object_set_new(object, "bytes_per_connection", json_real(per(grown, connected)));
    return object;
}

static void print_result(const struct bench_plan *plan, const struct bench_result *result)
{
    json_t *object =
        plan->publishers > 0 ? load_json(plan, result) : connections_json(plan, result);
    const char *name;
    json_t *value;
    if (plan->options->json) {
        (void)json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(10));
        (void)fputc('\n', stdout);
    } else {
        json_object_foreach(object, name, value)
        {
            (void)printf("%-22s ", name);
            if (json_is_string(value))
                (void)puts(json_string_value(value));
            else
                (void)printf("%.*f\n", json_is_real(value) ? 2 : 0, json_number_value(value));
        }
    }
    json_decref(object);
}

int command_bench(int argc, char **argv)
{
    struct options options;
    struct bench_plan plan;
    struct bench_result result;
    if (options_wants_help(argc, argv)) {
        (void)puts("usage: tacit bench p2p|fanout|fanin|idle|conn [OPTION...]\n\n"
                   "Only against a broker of your own.\n");
        options_print(OPTION_BENCH);
        return EXIT_DONE;
    }
    if (!options_parse(&options, OPTION_BENCH, argc, argv))
        return EXIT_USAGE;
    enum exit_code code = make_plan(&plan, &options);
    if (code == EXIT_DONE)
        code = bench_run(&plan, &result);
    if (code == EXIT_DONE)
        print_result(&plan, &result);
    return (int)code;
}
