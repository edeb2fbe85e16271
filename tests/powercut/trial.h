/* SPDX-License-Identifier: Apache-2.0 */
/* One store, its files and its judge: works, is cut, comes back, is judged. The same seed gives
 * the same trial. */
#pragma once

#include "base/attrs.h"
#include "base/testing.h"
#include "powercut/model.h"
#include "powercut/workload.h"
#include "store/fake_files.h"
#include "store/store.h"

struct tally {
    uint64_t crashes;
    uint64_t acknowledged;
    uint64_t lost;
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t others; /* whatever else the store does not keep its word about */
};

struct trial {
    struct tally *tally;
    uint64_t seed;
    const char *what; /* for messages: what kind of trial, and where in it */
    uint64_t where;
    unsigned outcome;
    struct test_random random;
    struct workload workload;
    struct store_options options;
    struct fake_files *disk;
    struct store *store; /* NULL: closed */
    struct model model;
    bool is_wrong;       /* a judge has said so: nothing that follows would tell anything new */
    bool had_failures;   /* since it was opened */
    uint64_t damages;    /* complained of at the last opening */
    bool expects_damage; /* complaints are right */
    bool may_refuse;     /* store_open() may, as something is meant to fail */
    struct store_found found; /* at the last opening */
};

void trial_init(struct trial *trial, struct tally *tally, const char *what, uint64_t seed);
void trial_fini(struct trial *trial);

/* Opens on what is on the disk, and judges it: at least `least` of the model's frames are there.
 * False: it could not be opened, because the power went or a failure was asked for. */
bool trial_open(struct trial *trial, size_t least);

/* Without a judge. 0, or what store_open() says. */
int trial_open_only(struct trial *trial);

/* Everything is written anew; before anything else is written. */
void trial_compact(struct trial *trial);

/* As a process that dies, or ends: the system goes on. */
void trial_close(struct trial *trial);

/* One of the things a daemon does with a store, by chance. */
void trial_step(struct trial *trial);

/* Steps, at most so many, until the power is cut. */
void trial_work(struct trial *trial, unsigned steps);

/* Some frames, confirmed, and some more: they bear witness of what was before. */
void trial_confirm_more(struct trial *trial);

/* No operation fails any more, and there is space. */
void trial_heal(struct trial *trial);

/* The disk is well again: so is the store, and it confirms all that it was given. */
void trial_recover(struct trial *trial);

/* The power is back: the disk is one of those that the cut may have left. Counts a crash. */
void trial_power_on(struct trial *trial);

/* Says where and what, and counts it with `others`. */
void trial_complain(struct trial *trial, const char *format, ...) MQTT_PRINTF(2, 3);
