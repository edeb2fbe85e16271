/* SPDX-License-Identifier: Apache-2.0 */
/* tacitd as a whole: starts, runs, reloads and stops the shards.
 *
 * Owner: the main thread, which is shard 0's. */
#pragma once

#include "base/attrs.h"
#include "base/list.h"
#include "config/config.h"
#include "daemon/alarm.h"
#include "daemon/endpoint.h"
#include "daemon/herald.h"
#include "daemon/holding.h"
#include "daemon/keep.h"
#include "daemon/log.h"
#include "daemon/logins.h"
#include "daemon/memory.h"
#include "daemon/options.h"
#include "daemon/ratchets.h"
#include "daemon/recorder.h"
#include "daemon/ruling.h"
#include "daemon/scribe.h"
#include "daemon/server_parts.h"
#include "daemon/shard.h"
#include "loop/signals.h"
#include "pki/registry.h"
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
    struct herald *herald; /* of alarms */
    struct server_hook hook;
    struct server_bar bar;
    struct config *config;      /* the one in force; counted */
    char config_path[PATH_MAX]; /* empty: built-in */
    char config_digest[SERVER_DIGEST_SIZE];
    struct recorder *recorder; /* of the audit log; NULL: none */
    char state_dir[PATH_MAX];
    int claim; /* descriptor that reserves the state folder; -1: none */
    bool is_first_start;
    struct registry *registry; /* the keeper's while there is one; NULL: not needed */
    struct anchors anchors;    /* likewise; used where there is no registry */
    struct ruling *ruling;     /* in force; counted */
    unsigned ruling_number;    /* how many were in force */
    struct helpers *keeper;    /* one thread for what takes long; NULL: not yet, or no more */
    struct ratchets *ratchets; /* where those of devices stand; NULL: nowhere */
    struct logins *logins;     /* who comes in by a password; NULL: nobody */
    struct server_check check;
    struct server_reload reload;
    struct server_certificates certificates;
    struct server_observing observing;
    struct server_ordering ordering;
    struct server_enrolment enrolment;
    struct server_upkeep upkeep;
    struct holding *holding; /* clones that no ruling knows of yet */
    struct alarm *alarm;     /* of canaries */
    struct list holds;       /* of them, those that are being written down: server_hold.c */
    char trust_domain[IDENTITY_URI_DOMAIN_SIZE];
    char registry_path[PATH_MAX];
    struct server_confinement confinement;
    struct keep keep;
    struct memory memory;
    unsigned memory_stage;      /* enum pressure, as the log has it */
    uint64_t memory_trimmed_ms; /* not before that again */
    struct scribe *scribe;
    struct shared *shared;
    pthread_mutex_t shared_lock;
    struct porch *porch;
    pthread_mutex_t porch_lock;
    struct shard *shards;
    struct net **nets;
    unsigned shard_count;
    struct endpoints *endpoints;
    struct signals *signals;
    struct wheel_timer check_timer;
    struct wheel_timer observe_timer;
    struct wheel_timer upkeep_timer;
    struct wheel_timer memory_timer;
    struct wheel_timer settle_timer; /* once */
    struct wheel_timer sys_timer;
    struct wheel_timer watchdog_timer;
    uint64_t watchdog_ms; /* 0: none */
    uint64_t started_ms;
    struct broker_stats stats;
    uint64_t refused[NET_REFUSAL_COUNT]; /* before CONNECT */
    uint64_t detached;                   /* connections that have left OpenSSL, open now */
    unsigned stats_missing;              /* shards that have not answered yet */
    unsigned drained;
    bool is_stopping;
};

/* Runs until a signal ends it. */
enum server_exit server_run(const struct options *options, const char *program);

/* Only checks the configuration: 0 when good, 1 when not. */
int server_check(const struct options *options);

/* ---- parts, in files of their own ---- */

/* server_config.c: finds and reads the configuration; complaints go to standard error,
 * or to the log when there is one. The path in `out_path` of PATH_MAX bytes, empty for the
 * built-in one; in `out_digest` what tells the text of all its files from any other. Thread: any,
 * one at a time. -EINVAL, -ENOMEM. */
MQTT_NODISCARD int server_read_config(struct server *server, char *out_path, char *out_digest,
                                      struct config **out);
/* The state folder, which also is the first place to look for a configuration. */
MQTT_NODISCARD int server_find_state(const struct server *server, const struct config *config,
                                     char *out);

/* server_state.c: the state folder and the registry in it. */
MQTT_NODISCARD int server_open_state(struct server *server);
void server_close_state(struct server *server);
/* The threads that hash passwords. Closed after the shards' threads have ended, and freed after
 * what was left has been delivered. */
MQTT_NODISCARD int server_open_logins(struct server *server, const struct siphash_key *key);
MQTT_NODISCARD int server_open_ratchets(struct server *server); /* before it is confined */
/* How the CA's key is come by, as that configuration says; borrowed from it. */
struct ca_access server_ca_access(const struct config *config);
/* Warns when the CA's life ends before that of a device's next certificate would. */
void server_tell_ca_end(const struct server *server, const struct state_made *made);

/* server_steward.c: the process that has the CA's key, and prepares the state folder. */
MQTT_NODISCARD int server_start_steward(struct server *server, struct state_made *out_made);
void server_watch_steward(struct server *server); /* says so when it is gone; the keeper's */
void server_close_steward(struct server *server);

/* server_confine.c: what the process gives up. Sockets are bound, and no other threads run. */
/* From root to the user that the configuration names, who gets a new state folder. */
MQTT_NODISCARD int server_become_user(struct server *server);
/* What is needed is open or in the plan. Fails where confinement is required and cannot be. */
MQTT_NODISCARD int server_confine(struct server *server);
/* What --check says of a good configuration; an empty path: the built-in one. */
void server_print_check(const struct config *config, const char *path);
/* Warns when the path can only be used after another start. Thread: any. */
void server_tell_outside(struct server *server, const char *path, enum confine_access access);
/* The same for all that another configuration names, and for what it says of confinement itself. */
void server_follow_confinement(struct server *server, const struct config *config);

/* server.c: the scribe goes by the configuration in force. */
void server_scribe_follow(struct server *server);

/* server_certificates.c: renewal of the server certificate, and whatever else writes into the
 * folder: `tacit ca` needs no SIGHUP. */
void server_watch_certificates(struct server *server);

/* server_keeper.c: the thread for what takes long, and the ruling that it makes anew when the
 * registry or the time says so. */
MQTT_NODISCARD int server_open_keeper(struct server *server); /* and the first ruling */
void server_close_keeper(struct server *server);              /* finishes what it has to do */
void server_watch(struct server *server);
/* All shards are told; takes the reference. -ENOMEM: it stays the caller's. */
MQTT_NODISCARD int server_put_in_force(struct server *server, struct ruling *ruling);
int64_t server_now_s(void); /* UTC */
struct rulebook_doubts server_doubts(struct server *server);
struct rulebook_basis server_basis(struct server *server); /* as of now */

/* server_observe.c: what the shards observe, in the state folder. */
MQTT_NODISCARD int server_open_observing(struct server *server);
void server_start_observing(struct server *server);
void server_on_observed(void *context, struct sketch *sketch);
bool server_observed_is_wanted(const struct server *server); /* on the keeper's thread */
void server_hand_out_observed(struct server *server);        /* then: on shard 0 */
void server_end_observing(struct server *server);            /* all threads have ended */
void server_close_observing(struct server *server);

/* server_sense.c: what the shards have learned of behaviour, from the state folder and back. */
void server_load_sense(struct server *server); /* the shards are open, and do not run */
void server_end_sense(struct server *server);  /* all threads have ended */

/* server_sense_order.c: a tool wants something done to it. */
void server_fetch_order(struct server_check *check); /* on the keeper's thread */
void server_begin_order(struct server *server, uint8_t *bytes, size_t len); /* taken; on shard 0 */
void server_on_ordered(void *context, unsigned shard, const struct sensing_outcome *outcome);
void server_close_ordering(struct server *server); /* all threads have ended */

/* server_upkeep.c: what is published, and what others publish. Open: the state is open, TLS is not
 * loaded yet. A round comes by itself; one that publishes is asked for when the registry has
 * changed. */
void server_open_upkeep(struct server *server);
void server_start_upkeep(struct server *server);
void server_upkeep(struct server *server, bool publishes);
void server_end_upkeep(struct server *server); /* all threads have ended */

/* server_hold.c: somebody is held; that is written into the registry. */
MQTT_NODISCARD int server_open_holds(struct server *server);
void server_on_held(void *context, const struct registry_hold *hold);
void server_close_holds(struct server *server); /* the keeper is closed, its answers delivered */

/* server_canary.c: what was done with canaries is written down. On the keeper's thread, or when
 * that has ended. */
void server_note_canaries(struct server *server, const struct config *config);

/* server_reload.c: SIGHUP. The endpoints are the keeper's from then until it is through. */
void server_reload(struct server *server);
/* Only the certificates, with the configuration in force; nobody is dropped. */
void server_reload_certificates(struct server *server);

/* server_enrolment.c: enrolment over HTTPS. */
/* Reads the authorities of manufacturers and throws them away: would they do? As the next one. */
MQTT_NODISCARD int server_try_enrolment(const struct config *config, char *out_why);
/* The same, and binds where `config` says and nothing of ours listens yet. Only what the operator asked for fails,
 * with one line in `out_why` of ENDPOINT_WHY_BYTES. Thread: any, one at a time. */
MQTT_NODISCARD int server_bind_enrolment(struct server *server, const struct config *config,
                                         char *out_why);
/* Closes what was bound for a configuration that will not be in force. */
void server_unbind_enrolment(struct server *server);
void server_open_enrolment(struct server *server);   /* by the configuration in force */
void server_follow_enrolment(struct server *server); /* the same, later, on the keeper's thread */
void server_close_enrolment(struct server *server);  /* the keeper has ended */

/* server_audit.c: the audit log, and its records about the daemon itself. The state is open. */
MQTT_NODISCARD int server_open_audit(struct server *server);
void server_follow_audit(struct server *server); /* the configuration in force */
void server_close_audit(struct server *server);
void server_record_start(const struct server *server);
void server_record_stop(const struct server *server);
/* A configuration was read, and is in force from now on, or is refused because of `why`. */
void server_record_configuration(const struct server *server, const char *digest, const char *path);
void server_record_refusal(const struct server *server, const char *why);
/* Another ruling is in force because of the registry or of the time. */
void server_record_policy(const struct server *server, const struct ruling *before,
                          const struct ruling *now);

/* server_herald.c: alarms go to those who may read $tacit/events. The shards are open, and are no more. */
void server_start_herald(struct server *server);
void server_end_herald(struct server *server); /* before the shards are closed; twice is fine */

/* server_bar.c: addresses that are blocked. */
MQTT_NODISCARD int server_open_bar(struct server *server, const struct siphash_key *key);
void server_keep_bar(
    struct server *server); /* what tools want, and are shown; on the keeper's thread */
void server_close_bar(struct server *server);

/* server_hook.c: the operator's program is run for each alarm. Whether it may be, with its place in the
 * configuration in `out_why` of ENDPOINT_WHY_BYTES; the process is the user that it stays, or `config` says
 * who that will be. */
MQTT_NODISCARD int server_check_hook(const struct config *config, char *out_why);
/* The process that starts it; once this one is the user that it stays, before it is confined. */
MQTT_NODISCARD int server_open_hook(struct server *server);
void server_start_hook(struct server *server);
void server_hook_run(struct server *server, const struct announcement *announcement);
void server_follow_hook(const struct server *server); /* says what takes another start */
void server_close_hook(struct server *server);

/* server_sys.c: $SYS and the watchdog of systemd. */
void server_start_sys(struct server *server);
void server_on_stats(void *context, const struct broker_stats *stats, const struct net_stats *net);

/* server_memory.c: how much memory is in use, and what the shards do about it. The bound follows
 * the configuration in force. */
void server_open_memory(struct server *server); /* before the process is confined */
void server_start_memory(struct server *server);
void server_publish_memory(const struct server *server, uint64_t now_ms); /* $SYS */

/* server_greet.c: what the operator is told when all is up. */
void server_greet(const struct server *server);
void server_announce(const struct server *server, const struct config *config);
