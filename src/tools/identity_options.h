/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of the commands that work with the state folder: one table,
 * identity_options.def. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes of these commands. */
enum identity_exit {
    IDENTITY_EXIT_DONE = 0,
    IDENTITY_EXIT_FAILED = 1,
    IDENTITY_EXIT_USAGE = 2,
    IDENTITY_EXIT_FOUND = 3, /* the answer is: refused, or there is something to look at */
};

#define IDENTITY_OPTIONS_NAMES_MAX 16
#define IDENTITY_OPTIONS_PATH_SIZE 4096

/* Strings are borrowed from argv; NULL and 0 mean "not given". */
struct identity_options {
    const char *command; /* for messages: "tacit device add" */
    const char *config;
    const char *role, *tenant, *site, *device, *group, *kind;
    const char *host, *out, *csr, *trust_domain;
    const char *algorithm, *passphrase_file;
    const char *publish, *subscribe, *deny_publish, *deny_subscribe;
    const char *qos, *retain, *max_payload, *rate;
    const char *expires, *owner, *reason, *duration, *depth, *most_topics, *text;
    const char *sha256, *source, *endorsement;
    const char *names[IDENTITY_OPTIONS_NAMES_MAX]; /* of the server */
    size_t name_count;
    uint16_t port;
    unsigned days;
    const char *password_file, *import, *topic;
    const char *since, *until, *checkpoint, *public_key;
    const char *dir, *to, *as; /* of keys on a device */
    bool json, start, help, wildcards, chain, token_only, no_tenant, no_site, block_key;
    bool reset_ratchet;
    const char *forget; /* a device, of what was learned */
    bool again, finish, force, devices, undo;
    bool generate, list, remove, suspend, resume, all, payloads, account, new_key, offline;
    bool is_bait;    /* never given: `tacit canary` makes what it asks for, and nothing better */
    char **operands; /* what is left of argv, operand_count of them */
    int operand_count;
    char state[IDENTITY_OPTIONS_PATH_SIZE]; /* given, or the default */
    bool state_is_default;
};

/* Reads argv[1..]; `allowed` has the long names of the options that this command knows, each
 * followed by a space ("state json "). Returns 0, or -EINVAL after saying on standard error
 * what is wrong; a text that is given twice is. */
MQTT_NODISCARD int identity_options_parse(int argc, char **argv, const char *command,
                                          const char *allowed, struct identity_options *out);

/* Says "COMMAND: …" on standard error and returns `exit_code`. */
__attribute__((format(printf, 3, 4))) int
identity_options_fail(const struct identity_options *options, enum identity_exit exit_code,
                      const char *format, ...);

/* " --state DIR", quoted for a shell, where the folder is not the default; else "". */
const char *identity_options_state_argument(const struct identity_options *options, char *buffer,
                                            size_t size);
