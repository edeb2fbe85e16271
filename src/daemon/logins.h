/* SPDX-License-Identifier: Apache-2.0 */
/* What all shards share to look at passwords: the threads that hash, their handles of the registry,
 * and who may have one looked at (lockout.h).
 *
 * Thread-safe, but for opening and closing. */
#pragma once

#include "base/attrs.h"
#include "core/limits.h"
#include "daemon/lockout.h"
#include "daemon/log.h"
#include "loop/helpers.h"
#include "pki/registry.h"
#include "pki/scram.h"

struct logins;

struct logins_options {
    const char *registry_path;
    const char *secret_path; /* of the file that makes up salts for users there are not */
    const struct limits *limits;
    struct siphash_key hash_key;
    struct log *log;
};

/* Starts the threads. Negative errno with the reason in *fault. */
MQTT_NODISCARD int logins_open(const struct logins_options *options, struct logins **out,
                               struct pki_fault *fault);

/* Ends the threads: what waits is not looked at any more, and comes back so. The home loops still
 * exist and are delivered afterwards; then logins_free(). NULL is fine. */
void logins_stop(struct logins *logins);
void logins_free(struct logins *logins);

void logins_set_limits(struct logins *logins, const struct limits *limits);

/* ---- who may: lockout.h under a lock ---- */

enum lockout_verdict logins_ask(struct logins *logins, const struct lockout_facts *facts,
                                uint64_t now_ms, struct lockout_try *out);

/* Says in the log when `address` is locked by it. */
void logins_settle(struct logins *logins, const struct lockout_try *attempt,
                   enum lockout_outcome outcome, const char *address, uint64_t now_ms);

/* ---- looking ---- */

/* -EAGAIN: too many wait; of those that are not known, half of the queue. The job's `done` calls
 * logins_done(). */
MQTT_NODISCARD int logins_submit(struct logins *logins, struct helper_job *job, struct loop *home,
                                 bool is_known, helper_work work, helper_work done);
void logins_done(struct logins *logins);
bool logins_is_stopping(const struct logins *logins);

/* For one job on a helper thread, which counts as a look; given back by it. */
struct registry *logins_take_registry(struct logins *logins);
void logins_give_registry(struct logins *logins, struct registry *registry);

/* SCRAM_KEY_BYTES. */
const uint8_t *logins_secret(const struct logins *logins);
struct log *logins_log(const struct logins *logins);
