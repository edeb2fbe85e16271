/* SPDX-License-Identifier: Apache-2.0 */
/* Random frames such as a broker writes: messages with one body for several sessions, their
 * deliveries that change and go, sessions, retained messages, packet identifiers, parcels. */
#pragma once

#include "base/testing.h"
#include "powercut/model.h"

struct workload {
    struct test_random *random;
    uint64_t stamp;      /* of the last thing: no two have the same bytes */
    uint64_t number;     /* of the last body, delivery, parcel */
    uint64_t most_bytes; /* more should not live */
    size_t big_bytes;    /* now and then a thing is as long as this */
    bool only_drops;     /* make room */
};

/* The next frame, given to the model already. */
struct store_frame *workload_frame(struct workload *workload, struct model *model);
