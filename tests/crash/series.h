/* SPDX-License-Identifier: Apache-2.0 */
/* One state folder through many lives of the broker, and what its clients say of it in the end. */
#pragma once

#include "base/attrs.h"
#include "base/testing.h"
#include "crash/actor.h"
#include "crash/broker.h"
#include "crash/model.h"
#include "crash/plan.h"
#include "crash/probe.h"

#include <stdbool.h>
#include <stdint.h>

struct series {
    struct model model;
    struct broker *broker;
    struct actor *actors[MODEL_ACTORS];
    unsigned back[MODEL_ACTORS]; /* life in which it returns */
    struct probe probe;
    struct test_random random;
    struct plan plan;
};

/* All lives, one after the other, and the judgement. False: it could not be carried out; the
 * report says why. `lives` crashes are counted one by one. */
bool series_run(struct broker *broker, const struct place *place);

/* ---- life.c: from a start to a kill ---- */

bool life_run(struct series *series);
/* The last one, that is not killed before all that is owed has come. */
bool life_last(struct series *series);
