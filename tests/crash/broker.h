/* SPDX-License-Identifier: Apache-2.0 */
/* The tacitd under test: started on a Unix socket of its own, with the shim in it, killed. */
#pragma once

#include "base/attrs.h"
#include "crash/shim.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct broker {
    const char *program;
    const char *shim;
    char folder[PATH_MAX]; /* everything of this one: configuration, state, socket, log */
    struct shim_control *control;
    pid_t pid; /* 0: it does not run */
};

/* Makes the folder's contents; the folder exists. `durability` as in tacit.conf. 0 or a negative
 * errno. */
MQTT_NODISCARD int broker_init(struct broker *broker, const char *program, const char *shim,
                               const char *folder, const char *durability);
void broker_fini(struct broker *broker);

/* Throws the state away. */
void broker_forget(struct broker *broker);

/* `kill_at` and so on are set in broker->control between the two. */
void broker_reset(struct broker *broker);
MQTT_NODISCARD int broker_start(struct broker *broker, unsigned shards);

/* A connected socket that does not block, or a negative errno: it does not listen yet. */
MQTT_NODISCARD int broker_connect(const struct broker *broker);

/* Has it ended? `*out_status` as of waitpid(). */
bool broker_has_ended(struct broker *broker, int *out_status);
void broker_signal(const struct broker *broker, int signal);
/* Waits for its end; false: it did not come in time, and it was killed. */
bool broker_wait(struct broker *broker, unsigned limit_ms, int *out_status);

/* The last `bytes` of what it has said since it was started; empty when nothing was at level error.
 * Always terminated. */
void broker_complaints(const struct broker *broker, char *out, size_t bytes);
void broker_log(const struct broker *broker, char *out, size_t bytes);

int64_t broker_now_us(void); /* monotonic */
