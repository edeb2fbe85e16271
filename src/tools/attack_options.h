/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `tacit attack`: one table, attack_options.def. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATTACK_HOST_SIZE    256
#define ATTACK_LIST_MAX     32
#define ATTACK_RATE_MAX     1000
#define ATTACK_PATIENCE_MAX 300

struct attack_identity_options {
    const char *as, *certificate_file, *key_file, *user_name, *password_file, *client_id;
};

struct attack_list {
    const char *item[ATTACK_LIST_MAX];
    size_t count;
};

/* Strings are borrowed from argv; NULL means "not given". */
struct attack_options {
    char host[ATTACK_HOST_SIZE]; /* "": not given */
    uint32_t port;
    struct attack_identity_options first, second;
    const char *topic, *ca_file, *i_own, *report;
    const char *change_command, *revoke_command, *restart_command;
    struct attack_list only, skip;
    uint32_t plain_port, patience_s, rate;
    bool insecure, plaintext, risk_password, quick, list, json, help;
};

/* HOST, HOST:PORT or [ADDRESS]:PORT. `out_port` is left alone without a port. -EINVAL. */
MQTT_NODISCARD int attack_options_target(const char *text, char out_host[ATTACK_HOST_SIZE],
                                         uint32_t *out_port);

/* Reads argv[1..]. -EINVAL after a line on standard error. */
MQTT_NODISCARD int attack_options_parse(int argc, char **argv, struct attack_options *out);

/* May this check run, as far as --only and --skip say? */
bool attack_options_has(const struct attack_options *options, const char *id);

/* What --help prints. */
void attack_options_print(void);
