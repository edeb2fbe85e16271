/* SPDX-License-Identifier: Apache-2.0 */
/* tacitd as a whole: starts, runs, reloads and stops the shards.
 *
 * Owner: the main thread, which is shard 0's. */
#pragma once

#include "base/attrs.h"
#include "config/config.h"
#include "daemon/endpoint.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/shard.h"
#include "loop/signals.h"
#include "pki/registry.h"
#include "pki/registry_view.h"
#include "pki/state.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>

enum server_exit {
    SERVER_EXIT_CLEAN = 0,
    SERVER_EXIT_REFUSED = 1, /* the machine said no */
    SERVER_EXIT_USAGE = 2,   /* the command line or the configuration is wrong */
};

struct server {
    const struct options *options;
    const char *program; /* argv[0] */
    struct log *log;
    struct config *config;      /* the one in force; counted */
    char config_path[PATH_MAX]; /* empty: built-in */
    char state_dir[PATH_MAX];
    int claim; /* descriptor that reserves the state folder; -1: none */
    bool is_first_start;
    struct registry *registry; /* NULL: not needed */
    struct registry_view *view;
    char trust_domain[IDENTITY_URI_DOMAIN_SIZE];
    char registry_path[PATH_MAX];
    struct shared *shared;
    pthread_mutex_t shared_lock;
    struct shard *shards;
    struct net **nets;
    unsigned shard_count;
    struct endpoints *endpoints;
    struct signals *signals;
    struct wheel_timer registry_timer;
    struct wheel_timer sys_timer;
    struct wheel_timer watchdog_timer;
    uint64_t watchdog_ms; /* 0: none */
    uint64_t started_ms;
    struct broker_stats stats;
    unsigned stats_missing; /* shards that have not answered yet */
    unsigned drained;
    bool is_stopping;
};

/* Runs until a signal ends it. */
enum server_exit server_run(const struct options *options, const char *program);

/* Only checks the configuration: 0 when good, 1 when not. */
int server_check(const struct options *options);

/* ---- parts, in files of their own ---- */

/* server_config.c: finds and reads the configuration; complaints go to standard error,
 * or to the log when there is one. -EINVAL, -ENOMEM. */
MQTT_NODISCARD int server_read_config(struct server *server, struct config **out);
/* The state folder, which also is the first place to look for a configuration. */
MQTT_NODISCARD int server_find_state(struct server *server, const struct config *config);

/* server_state.c: the state folder, the registry in it, and what is polled there. */
MQTT_NODISCARD int server_open_state(struct server *server);
void server_close_state(struct server *server);
void server_watch_registry(struct server *server);

/* server_reload.c: SIGHUP. */
void server_reload(struct server *server);

/* server_sys.c: $SYS and the watchdog of systemd. */
void server_start_sys(struct server *server);
void server_on_stats(void *context, const struct broker_stats *stats);

/* server_greet.c: what the operator is told when all is up. */
void server_greet(const struct server *server);
void server_announce(const struct server *server, const struct config *config);
