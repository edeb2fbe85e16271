/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/logins.h"

#include "base/invariant.h"
#include "pki/private_file.h"
#include "vault/vault.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define THREADS_MAX 8

struct logins {
    struct helpers *helpers; /* NULL once stopped */
    struct log *log;
    uint8_t *secret;       /* of SCRAM_KEY_BYTES, in the vault */
    atomic_uint under_way; /* submitted and not done */
    atomic_ullong looks;   /* passwords that were hashed */
    atomic_bool is_stopping;
    unsigned queue;
    unsigned threads;
    pthread_mutex_t lock; /* of all below */
    struct lockout *lockout;
    uint64_t now_ms; /* the latest that a shard has said: their clocks differ a little */
    struct registry *registries[THREADS_MAX]; /* free ones first */
    unsigned free_registries;
};

/* ---- life ---- */

static int make_secret(const char *path, struct logins *logins)
{
    if (getrandom(logins->secret, SCRAM_KEY_BYTES, 0) != SCRAM_KEY_BYTES)
        return -EIO;
    return private_file_write(path, (struct mqtt_span){ logins->secret, SCRAM_KEY_BYTES },
                              PRIVATE_FILE_REPLACE);
}

/* The same after a restart: else it would show which users there are not. */
static int open_secret(const char *path, struct logins *logins, struct pki_fault *fault)
{
    size_t len = 0;
    int status = vault_read(path, SCRAM_KEY_BYTES, &logins->secret, &len);

    if (status == 0 && len == SCRAM_KEY_BYTES)
        return 0;
    vault_free(logins->secret);
    logins->secret = vault_alloc(SCRAM_KEY_BYTES);
    if (logins->secret == NULL)
        status = -ENOMEM;
    else if (status == 0 || status == -ENOENT)
        status = make_secret(path, logins);
    return status == 0 ? 0 : pki_fail(fault, status, "%s: %s", path, strerror(-status));
}

static int open_parts(const struct logins_options *options, struct logins *logins,
                      struct pki_fault *fault)
{
    const struct limits *limits = options->limits;
    const struct lockout_bounds bounds = {
        .places = limits->password_places,
        .known = limits->password_known,
        .looks_per_s = limits->password_looks_per_s,
    };
    int status = open_secret(options->secret_path, logins, fault);

    logins->lockout = lockout_new(&options->hash_key, &bounds, 0);
    if (status == 0 && logins->lockout == NULL)
        status = pki_fail(fault, -ENOMEM, "out of memory");
    while (status == 0 && logins->free_registries < logins->threads) {
        status = registry_open(options->registry_path, &logins->registries[logins->free_registries],
                               fault);
        logins->free_registries += status == 0 ? 1 : 0;
    }
    if (status != 0)
        return status;
    status = helpers_open(logins->threads, logins->queue, &logins->helpers);
    return status == 0 ? 0 : pki_fail(fault, status, "no threads: %s", strerror(-status));
}

int logins_open(const struct logins_options *options, struct logins **out, struct pki_fault *fault)
{
    struct logins *logins = calloc(1, sizeof(*logins));

    if (logins == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    atomic_init(&logins->under_way, 0);
    atomic_init(&logins->looks, 0);
    atomic_init(&logins->is_stopping, false);
    logins->log = options->log;
    logins->threads = (unsigned)options->limits->password_threads;
    logins->queue = (unsigned)options->limits->password_queue;
    MQTT_INVARIANT(logins->threads >= 1 && logins->threads <= THREADS_MAX);
    pthread_mutex_init(&logins->lock, NULL);
    int status = open_parts(options, logins, fault);
    if (status == 0)
        *out = logins;
    else
        logins_free(logins);
    return status;
}

void logins_stop(struct logins *logins)
{
    if (logins == NULL || logins->helpers == NULL)
        return;
    atomic_store(&logins->is_stopping, true);
    helpers_close(logins->helpers);
    log_say(logins->log, CONFIG_LOG_INFO, "%llu passwords were looked at",
            atomic_load(&logins->looks));
    logins->helpers = NULL;
}

void logins_free(struct logins *logins)
{
    if (logins == NULL)
        return;
    logins_stop(logins);
    for (unsigned i = 0; i < logins->free_registries; i++)
        registry_close(logins->registries[i]);
    lockout_free(logins->lockout);
    pthread_mutex_destroy(&logins->lock);
    vault_free(logins->secret);
    free(logins);
}

void logins_set_limits(struct logins *logins, const struct limits *limits)
{
    pthread_mutex_lock(&logins->lock);
    lockout_set_rate(logins->lockout, limits->password_looks_per_s);
    pthread_mutex_unlock(&logins->lock);
}

/* ---- who may ---- */

static uint64_t agree_on_time(struct logins *logins, uint64_t now_ms)
{
    if (now_ms > logins->now_ms)
        logins->now_ms = now_ms;
    return logins->now_ms;
}

enum lockout_verdict logins_ask(struct logins *logins, const struct lockout_facts *facts,
                                uint64_t now_ms, struct lockout_try *out)
{
    pthread_mutex_lock(&logins->lock);
    lockout_describe(logins->lockout, facts, out);
    enum lockout_verdict verdict = lockout_ask(logins->lockout, out, agree_on_time(logins, now_ms));
    pthread_mutex_unlock(&logins->lock);
    return verdict;
}

void logins_settle(struct logins *logins, const struct lockout_try *attempt,
                   enum lockout_outcome outcome, const char *address, uint64_t now_ms)
{
    pthread_mutex_lock(&logins->lock);
    uint64_t locked_ms =
        lockout_settle(logins->lockout, attempt, outcome, agree_on_time(logins, now_ms));
    pthread_mutex_unlock(&logins->lock);
    if (locked_ms > 0)
        log_say(logins->log, CONFIG_LOG_WARNING,
                "too many wrong passwords from %s: none is looked at from there for %" PRIu64 " s",
                address, locked_ms / 1000);
}

/* ---- looking ---- */

int logins_submit(struct logins *logins, struct helper_job *job, struct loop *home, bool is_known,
                  helper_work work, helper_work done)
{
    unsigned most = logins->threads + (is_known ? logins->queue : logins->queue / 2);

    if (atomic_load(&logins->is_stopping) || atomic_load(&logins->under_way) >= most)
        return -EAGAIN;
    atomic_fetch_add(&logins->under_way, 1);
    int status = helpers_submit(logins->helpers, job, home, work, done);
    if (status != 0)
        atomic_fetch_sub(&logins->under_way, 1);
    return status;
}

void logins_done(struct logins *logins)
{
    atomic_fetch_sub(&logins->under_way, 1);
}

bool logins_is_stopping(const struct logins *logins)
{
    return atomic_load(&logins->is_stopping);
}

struct registry *logins_take_registry(struct logins *logins)
{
    atomic_fetch_add(&logins->looks, 1);
    pthread_mutex_lock(&logins->lock);
    MQTT_INVARIANT(logins->free_registries > 0); /* one for each thread */
    struct registry *registry = logins->registries[--logins->free_registries];
    pthread_mutex_unlock(&logins->lock);
    return registry;
}

void logins_give_registry(struct logins *logins, struct registry *registry)
{
    pthread_mutex_lock(&logins->lock);
    logins->registries[logins->free_registries++] = registry;
    pthread_mutex_unlock(&logins->lock);
}

const uint8_t *logins_secret(const struct logins *logins)
{
    return logins->secret;
}

struct log *logins_log(const struct logins *logins)
{
    return logins->log;
}
