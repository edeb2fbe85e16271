/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of pub, sub, request and bench: one table, options.def. */
#pragma once

#include "base/attrs.h"
#include "tools/property_option.h"

#include <stdbool.h>
#include <stdint.h>

/* Exit codes of the daily commands. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_USAGE = 1,      /* wrong option, unreadable file: nothing was tried */
    EXIT_CONNECTION = 2, /* no connection, or it was lost for good */
    EXIT_REFUSED = 3,    /* the broker said no */
    EXIT_TIMED_OUT = 27, /* as mosquitto_sub -W */
};

enum option_command {
    OPTION_PUB = 1,
    OPTION_SUB = 2,
    OPTION_REQUEST = 4,
    OPTION_BENCH = 8,
};

#define OPTIONS_LIST_MAX 64

struct option_list {
    const char *item[OPTIONS_LIST_MAX];
    unsigned count;
};

/* Strings are borrowed from argv; NULL and 0 mean "not given". */
struct options {
    enum option_command command;
    /* connection */
    const char *host, *as, *client_id, *user_name, *password, *password_file;
    const char *ca_file, *certificate_file, *key_file;
    uint16_t port, keep_alive_s;
    uint8_t version; /* 0, 3, 4 or 5 */
    bool insecure_plaintext, keep_session, debug, quiet, json;
    uint32_t session_expiry_s;
    /* what */
    struct option_list topics, filters_out, unsubscribe;
    uint8_t qos, will_qos;
    const char *message, *file, *response_topic, *will_topic, *will_payload, *format;
    bool from_stdin, from_lines, empty, retain, will_retain;
    struct property_options properties;
    uint32_t repeat, repeat_delay_ms, count, timeout_s;
    /* printing and leaving out */
    bool exit_subscribed, no_retained, retained_only, retain_as_published, no_local;
    bool verbose, no_newline;
    /* bench */
    const char *scenario;
    uint32_t pairs, publishers, subscribers, connections, size, window;
    uint32_t warmup_ms, duration_ms, hold_ms, broker_pid;
};

/* Reads argv[1..]; arguments without a dash go to `topics` and `message` (bench: the
 * first is the scenario). False after a line on standard error. A secret in argv is
 * overwritten there. */
MQTT_NODISCARD bool options_parse(struct options *out, enum option_command command, int argc,
                                  char **argv);

/* The options of one command, for its --help. */
void options_print(enum option_command command);

/* Is -h or --help's question asked anywhere? (-h alone means host.) */
bool options_wants_help(int argc, char **argv);

/* "tacit pub: " and the message, on standard error. */
void options_complain(const struct options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
