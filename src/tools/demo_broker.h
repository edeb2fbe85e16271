/* SPDX-License-Identifier: Apache-2.0 */
/* A broker for a demonstration: tacitd in a temporary folder, on a port of 127.0.0.1. Ends, at the
 * latest, with this process, whose HOME is in that folder from then on: profiles of devices that are
 * added (profile.h) are there. */
#pragma once

#include "base/attrs.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define DEMO_LINE_BYTES   4096u
#define DEMO_FOLDER_BYTES 256u

struct demo_broker {
    char folder[DEMO_FOLDER_BYTES]; /* in $TMPDIR, or /tmp; "": there is none */
    char state[DEMO_FOLDER_BYTES + 8];
    char log_path[DEMO_FOLDER_BYTES + 8];
    uint16_t port;
    pid_t child; /* 0: none */
    FILE *log;   /* what tacitd says, one JSON object a line */
    char line[DEMO_LINE_BYTES];
    size_t len; /* of a line that is not whole yet */
    char why[256];
};

/* Starts one with that configuration, in which "%u" is its port. 0, or -1 with the reason in
 * out->why; closed with demo_broker_close() in any case. */
MQTT_NODISCARD int demo_broker_open(struct demo_broker *out, const char *configuration);

/* Ends it and removes the folder. */
void demo_broker_close(struct demo_broker *broker);

/* The next line of its log, for the caller to release; NULL: none yet. */
json_t *demo_broker_next(struct demo_broker *broker);

/* Runs this program with these words, a NULL behind the last, for the broker's state; its output is
 * thrown away. False: it failed. */
MQTT_NODISCARD bool demo_broker_tool(struct demo_broker *broker, const char *const *words);
