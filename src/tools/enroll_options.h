/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `tacit enroll`. */
#pragma once

#include "base/attrs.h"
#include "keystore/device_key.h"

#include <stdbool.h>
#include <stdint.h>

/* Exit codes of this command. */
enum enroll_exit {
    ENROLL_EXIT_DONE = 0,
    ENROLL_EXIT_FAILED = 1,    /* this machine said no */
    ENROLL_EXIT_USAGE = 2,     /* nothing was tried */
    ENROLL_EXIT_REFUSED = 3,   /* the server said no */
    ENROLL_EXIT_UNREACHED = 4, /* no server, or not the right one */
};

#define ENROLL_HOST_SIZE 256

/* Strings are borrowed from argv but for the token; NULL and 0 mean "not given". */
struct enroll_options {
    const char *server, *ca_sha256, *ca_file, *name, *as, *out, *token_file, *key_store;
    char *token; /* a copy: in argv it is overwritten */
    char host[ENROLL_HOST_SIZE];
    uint16_t enrolment_port;       /* of --server */
    uint16_t port;                 /* of the broker */
    struct device_key_store store; /* of --key-store */
    bool has_store;
    bool renew, force, watch, new_key, json, help;
};

/* False after a line on standard error. */
MQTT_NODISCARD bool enroll_options_parse(int argc, char **argv, struct enroll_options *out);
void enroll_options_fini(struct enroll_options *options); /* wipes the token */

void enroll_options_print_help(void);

/* "HOST", "HOST:PORT", "[IPV6]:PORT" or an IPv6 address alone; the port is 8884 if it is not said.
 * False: it is none of them. `out_host` has ENROLL_HOST_SIZE bytes. */
MQTT_NODISCARD bool enroll_options_split(const char *server, char *out_host, uint16_t *out_port);

/* "tacit enroll: " and the message, on standard error. Returns `code`. */
__attribute__((format(printf, 2, 3))) enum enroll_exit enroll_options_fail(enum enroll_exit code,
                                                                           const char *format, ...);
