/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "core/shared.h"
#include "daemon/manager.h"
#include "daemon/process.h"
#include "net/porch.h"
#include "vault/vault.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define DRAIN_MS 3000 /* longest good-bye; SIGTERM promises an end within 5 s */

static int complain(const struct server *server, int status, const char *what)
{
    log_say(server->log, CONFIG_LOG_ERROR, "%s", what);
    return status;
}

/* ---- stopping ---- */

static void stop_loops(struct server *server)
{
    for (unsigned i = 0; i < server->shard_count; i++)
        loop_stop(server->shards[i].loop);
}

static void on_drained(void *context)
{
    struct server *server = context;

    if (++server->drained == server->shard_count)
        stop_loops(server);
}

static void stop(struct server *server)
{
    int status = 0;

    if (server->is_stopping) {
        log_say(server->log, CONFIG_LOG_NOTICE, "stopping at once");
        stop_loops(server);
        return;
    }
    server->is_stopping = true;
    (void)manager_tell("STOPPING=1");
    log_say(server->log, CONFIG_LOG_NOTICE, "stopping");
    for (unsigned i = 0; i < server->shard_count && status == 0; i++)
        status = shard_post_drain(&server->shards[i], DRAIN_MS);
    if (status != 0)
        stop_loops(server);
}

static void on_signal(void *context, int number)
{
    if (number == SIGHUP)
        server_reload(context);
    else
        stop(context);
}

/* ---- starting ---- */

static void lock_shared(void *context)
{
    pthread_mutex_lock(context);
}

static void unlock_shared(void *context)
{
    pthread_mutex_unlock(context);
}

static int open_shared(struct server *server, struct siphash_key *out_key)
{
    const struct shared_lock lock = { &server->shared_lock, lock_shared, unlock_shared };
    const struct shared_lock porch_lock = { &server->porch_lock, lock_shared, unlock_shared };
    const struct shared_lock none = { NULL, NULL, NULL };
    bool is_alone = server->shard_count == 1;

    *out_key = server->keep.key;
    if (!server->keep.has_key
        && getrandom(out_key, sizeof(*out_key), 0) != (ssize_t)sizeof(*out_key))
        return complain(server, -EIO, "the kernel gives no random numbers");
    server->shared = shared_new(out_key, is_alone ? &none : &lock, server->shard_count);
    server->porch = porch_new(out_key, is_alone ? &none : &porch_lock, &server->config->limits);
    return server->shared != NULL && server->porch != NULL && server_open_bar(server, out_key) == 0
               ? 0
               : complain(server, -ENOMEM, "out of memory");
}

/* Somebody may be acknowledged before the disk has confirmed. */
static bool knows_relaxed(const struct config *config)
{
    bool is_known = false;

    for (size_t i = 0; i < config->listener_count; i++)
        is_known |= config->listeners[i].durability == POLICY_RELAXED;
    for (size_t i = 0; i < config->role_count; i++)
        is_known |= config->roles[i].options.durability == POLICY_RELAXED;
    return is_known;
}

void server_scribe_follow(struct server *server)
{
    scribe_follow(server->scribe, &server->config->limits, knows_relaxed(server->config));
}

static int open_store(struct server *server)
{
    char folder[PATH_MAX];
    int status = state_path(server->state_dir, STATE_STORE, folder);

    if (status != 0)
        return complain(server, status, "the path of the state folder is too long");
    status = keep_open(&server->keep, folder, &server->config->limits, server->log);
    if (status != 0)
        return status;
    const struct scribe_options options = {
        .store = server->keep.store,
        .folder = server->keep.folder,
        .log = server->log,
        .shards = server->shards,
        .count = server->shard_count,
        .limits = server->config->limits,
    };
    status = scribe_new(&options, &server->scribe);
    if (status != 0)
        return complain(server, status, "out of memory");
    server_scribe_follow(server);
    return 0;
}

static int open_shards(struct server *server)
{
    struct shard_options options = {
        .count = server->shard_count,
        .all = server->shards,
        .log = server->log,
        .ruling = server->ruling,
        .keeper = server->keeper,
        .registry_path = server->registry != NULL ? server->registry_path : NULL,
        .state_dir = server->state_dir,
        .trust_domain = server->trust_domain,
        .holding = server->holding,
        .alarm = server->alarm,
        .journal = scribe_port(server->scribe),
        .reports = { server, on_drained, server_on_stats, server_on_observed, server_on_held,
                     server_on_ordered },
    };
    int status = open_shared(server, &options.hash_key);

    if (status != 0)
        return status;
    status = server_open_logins(server, &options.hash_key);
    if (status != 0)
        return status;
    options.logins = server->logins;
    status = ratchets_start(server->ratchets);
    if (status != 0)
        return complain(server, status, strerror(-status));
    options.ratchets = server->ratchets;
    options.shared = server->shared;
    options.porch = server->porch;
    options.bar = server->bar.bar;
    for (unsigned i = 0; i < server->shard_count; i++) {
        options.number = i;
        status = shard_open(&server->shards[i], &options);
        if (status != 0)
            return complain(server, status, strerror(-status));
        server->nets[i] = server->shards[i].net;
    }
    for (unsigned i = 0; i < server->shard_count; i++)
        net_set_peers(server->shards[i].net, server->nets, server->shard_count);
    return 0;
}

/* What needs no state comes first: a start that fails there leaves nothing behind. */
static int bind_and_prove(struct server *server)
{
    char why[ENDPOINT_WHY_BYTES] = "";
    int status = endpoint_try_tls(server->endpoints, server->config, true, why);

    if (status == 0)
        status = endpoint_bind(server->endpoints, server->config, why);
    if (status == 0)
        status = server_bind_enrolment(server, server->config, why);
    if (status != 0)
        return complain(server, status, why);
    status = server_become_user(server);
    if (status == 0)
        status = server_open_hook(server);
    if (status == 0)
        status = server_open_state(server);
    if (status != 0)
        return status;
    server->endpoints->state_dir = server->state_dir;
    server_open_upkeep(server);
    status = server_open_ratchets(server);
    if (status != 0)
        return status;
    status = endpoint_load_tls(server->endpoints, server->config, why);
    return status == 0 ? 0 : complain(server, status, why);
}

static int start_shards(struct server *server)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
    char why[ENDPOINT_WHY_BYTES] = "";
    int status = signals_open(server->shards[0].loop, numbers, MQTT_ARRAY_LEN(numbers), on_signal,
                              server, &server->signals);

    if (status != 0)
        return complain(server, status, strerror(-status));
    status = endpoint_publish(server->endpoints, server->config, server->shards, why);
    if (status != 0)
        return complain(server, status, why);
    for (unsigned i = 1; i < server->shard_count; i++) {
        status = shard_start(&server->shards[i]);
        if (status != 0)
            return complain(server, status, strerror(-status));
    }
    return 0;
}

static int allocate(struct server *server)
{
    unsigned count = server->config->shards != 0 ? server->config->shards : process_processors();

    server->shard_count = count > CONFIG_SHARDS_MAX ? CONFIG_SHARDS_MAX : count;
    server->shards = calloc(server->shard_count, sizeof(server->shards[0]));
    server->nets = calloc(server->shard_count, sizeof(struct net *));
    server->endpoints = calloc(1, sizeof(*server->endpoints));
    server->alarm = alarm_new(server->log);
    if (server->shards == NULL || server->nets == NULL || server->endpoints == NULL
        || server->alarm == NULL || server_open_observing(server) != 0
        || server_open_holds(server) != 0)
        return complain(server, -ENOMEM, "out of memory");
    endpoint_init(server->endpoints, server->shard_count);
    return 0;
}

static int start(struct server *server)
{
    int status = allocate(server);

    if (status == 0)
        status = bind_and_prove(server);
    server_open_memory(server);
    if (status == 0)
        status = server_confine(server);
    if (status == 0)
        status = server_open_audit(server); /* its thread is confined, too */
    if (status == 0)
        status = server_open_keeper(server);
    if (status == 0)
        status = open_store(server);
    if (status == 0)
        status = open_shards(server);
    if (status == 0)
        status = keep_load(&server->keep, server->shards, server->shared, server->scribe);
    if (status == 0)
        server_load_sense(server);
    if (status == 0)
        server_start_herald(server);
    if (status == 0)
        status = start_shards(server);
    if (status != 0)
        return status;
    server_open_enrolment(server);
    server->started_ms = loop_now_ms(server->shards[0].loop);
    server_watch(server);
    server_watch_certificates(server);
    server_start_observing(server);
    server_start_upkeep(server);
    server_start_memory(server);
    server_start_sys(server);
    server_record_start(server);
    server_announce(server, server->config);
    server_greet(server);
    (void)manager_tell("READY=1");
    return 0;
}

/* ---- ending ---- */

static int end_run(struct server *server, int status)
{
    for (unsigned i = 1; i < server->shard_count; i++)
        loop_stop(server->shards[i].loop);
    for (unsigned i = 0; i < server->shard_count; i++)
        shard_join(&server->shards[i]);
    server_close_keeper(server);
    server_close_enrolment(server);
    logins_stop(server->logins);
    ratchets_stop(server->ratchets);
    shard_settle(server->shards, server->shard_count);
    for (unsigned i = 0; i < server->shard_count; i++)
        shard_hang_up(&server->shards[i]);
    shard_settle(server->shards, server->shard_count);
    server_end_observing(server);
    server_end_upkeep(server);
    server_end_sense(server);
    server_note_canaries(server, server->config);
    int saved = scribe_stop(server->scribe);
    if (saved != 0)
        log_say(server->log, CONFIG_LOG_ERROR,
                "%s: not everything could be written: %s; what was acknowledged is there",
                server->keep.folder, strerror(-saved));
    if (status == 0)
        server_record_stop(server);
    return status != 0 ? status : saved;
}

static void cancel_timers(struct server *server)
{
    struct loop *loop = server->shards[0].loop;

    if (loop == NULL)
        return;
    loop_cancel(loop, &server->check_timer);
    loop_cancel(loop, &server->certificates.timer);
    loop_cancel(loop, &server->observe_timer);
    loop_cancel(loop, &server->upkeep_timer);
    loop_cancel(loop, &server->memory_timer);
    loop_cancel(loop, &server->settle_timer);
    loop_cancel(loop, &server->sys_timer);
    loop_cancel(loop, &server->watchdog_timer);
}

static void release(struct server *server)
{
    if (server->shards != NULL) {
        for (unsigned i = 1; i < server->shard_count; i++) {
            if (server->shards[i].has_thread)
                loop_stop(server->shards[i].loop);
            shard_join(&server->shards[i]);
        }
        server_close_keeper(server);
        logins_stop(server->logins);
        ratchets_stop(server->ratchets);
        if (scribe_stop(server->scribe) != 0)
            log_say(server->log, CONFIG_LOG_ERROR, "%s: not everything could be written",
                    server->keep.folder);
        cancel_timers(server);
        signals_close(server->signals);
        server_end_herald(server);
        for (unsigned i = 0; i < server->shard_count; i++) {
            if (server->shards[i].loop != NULL)
                loop_deliver(server->shards[i].loop);
        }
        for (unsigned i = 0; i < server->shard_count; i++)
            shard_close(&server->shards[i]);
    }
    server_close_enrolment(server);
    logins_free(server->logins);
    ratchets_free(server->ratchets);
    server_close_observing(server);
    server_close_ordering(server);
    upkeep_fini(&server->upkeep.care);
    server_close_holds(server);
    alarm_free(server->alarm);
    ruling_release(server->ruling, NULL, NULL);
    shared_free(server->shared);
    porch_free(server->porch);
    server_close_bar(server);
    scribe_free(server->scribe);
    keep_close(&server->keep);
    if (server->endpoints != NULL)
        endpoint_fini(server->endpoints);
    server_close_audit(server);
    server_close_state(server);
    memory_close(&server->memory);
    free(server->endpoints);
    free(server->nets);
    free(server->shards);
}

static int run(struct server *server)
{
    int status = start(server);

    if (status != 0)
        return status;
    vault_keep_near();
    status = loop_run(server->shards[0].loop);
    if (status != 0)
        log_say(server->log, CONFIG_LOG_ERROR, "the loop ended: %s", strerror(-status));
    return end_run(server, status);
}

static void tell_locking(const struct server *server, int error)
{
    if (error < 0)
        log_say(server->log, CONFIG_LOG_WARNING,
                "private keys are in memory that may be swapped out: %s; allow %u KiB of locked "
                "memory (ulimit -l, LimitMEMLOCK=)",
                strerror(-error), VAULT_BYTES / 1024);
}

enum server_exit server_run(const struct options *options, const char *program)
{
    struct server server = {
        .options = options,
        .program = program,
        .claim = -1,
        .enrolment = { .fd = -1, .next_fd = -1 },
        .shared_lock = PTHREAD_MUTEX_INITIALIZER,
        .porch_lock = PTHREAD_MUTEX_INITIALIZER,
    };

    int locking = vault_open();

    if (server_read_config(&server, server.config_path, server.config_digest, &server.config) != 0)
        return SERVER_EXIT_USAGE;
    process_prepare();
    anchors_init(&server.anchors);
    int status = server_find_state(&server, server.config, server.state_dir);
    server.log = log_new(server.config->log_format, server.config->log_level);
    server.herald = server.log != NULL ? herald_open(server.log, &server.config->limits) : NULL;
    if (status != 0 || server.herald == NULL) {
        fprintf(stderr, "tacitd: no place for the state folder; name one with --state DIR\n");
        status = -ENOENT;
    } else {
        tell_locking(&server, locking);
        status = run(&server);
        release(&server);
    }
    confine_free(server.confinement.confine);
    config_unref(server.config);
    anchors_fini(&server.anchors);
    herald_close(server.herald);
    log_free(server.log);
    return status == 0 ? SERVER_EXIT_CLEAN : SERVER_EXIT_REFUSED;
}

static int try_token_keys(const struct config *config, char *out_why)
{
    struct token_keys *keys = NULL;
    struct pki_fault fault = { "out of memory" };
    int status = token_keys_load(config, &keys, &fault);

    if (status != 0)
        snprintf(out_why, ENDPOINT_WHY_BYTES, "%.500s", fault.text);
    token_keys_unref(keys);
    return status;
}

int server_check(const struct options *options)
{
    struct server server = { .options = options, .claim = -1 };
    struct endpoints *none = calloc(1, sizeof(*none));
    struct config *config = NULL;
    char why[ENDPOINT_WHY_BYTES] = "";

    if (none == NULL
        || server_read_config(&server, server.config_path, server.config_digest, &config) != 0) {
        free(none);
        return 1;
    }
    int status = endpoint_try_tls(none, config, true, why);
    if (status == 0)
        status = server_try_enrolment(config, why);
    if (status == 0)
        status = try_token_keys(config, why);
    if (status == 0)
        status = server_check_hook(config, why);
    if (status != 0)
        fprintf(stderr, "tacitd: %s\n", why);
    else
        server_print_check(config, server.config_path);
    config_unref(config);
    free(none);
    return status == 0 ? 0 : 1;
}
