/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator wants done to what a shard has learned: `tacit sense train` and `import`.
 *
 * A tool leaves an order in the state folder, and each shard carries it out; without a running tacitd
 * the tool does, on the files. An order may have been made by whoever can write there. Owner: the shard,
 * or whoever owns it before it runs. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "policy/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker;

enum sensing_order_kind {
    SENSING_ORDER_SAVE = 0, /* what was learned is written down now */
    SENSING_ORDER_TAKE,     /* these models take the place of those there are */
    SENSING_ORDER_AGAIN,    /* a role, and its devices, are learned anew */
    SENSING_ORDER_LEARN,    /* a role is learned on, for a time */
    SENSING_ORDER_FINISH,   /* a role is watched from now on */
    SENSING_ORDER_FORGET,   /* what is a device's own is forgotten */
    SENSING_ORDER_KINDS,
};

struct sensing_order {
    uint64_t nonce; /* of the one who waits for the answer */
    enum sensing_order_kind kind;
    bool is_forced;          /* SENSING_ORDER_FINISH: also when there is not enough */
    uint64_t for_ms;         /* SENSING_ORDER_LEARN; not 0 */
    struct mqtt_span name;   /* of the role or the device; empty for the first two */
    struct mqtt_span models; /* SENSING_ORDER_TAKE: sensing_models.h; else empty */
};

#define SENSING_ORDER_NAME_BYTES IDENTITY_NAME_BYTES

/* For the state folder; malloc'ed. -ENOMEM. */
MQTT_NODISCARD int sensing_order_encode(const struct sensing_order *order, uint8_t **out,
                                        size_t *out_len);

/* Borrows the bytes. -EBADMSG: it is no order. The models are not looked at. */
MQTT_NODISCARD int sensing_order_decode(struct mqtt_span bytes, struct sensing_order *out);

enum sensing_result {
    SENSING_NOT_FOUND = 0, /* the shard knows no such role or device, or nothing at all */
    SENSING_REFUSED,
    SENSING_DONE,
};

#define SENSING_OUTCOME_BYTES 320u

struct sensing_outcome {
    enum sensing_result result;
    char text[SENSING_OUTCOME_BYTES]; /* a sentence for people; may be empty */
};

/* Models that are damaged part of the way have been taken up to there; sensing_models_check() before. */
void sensing_order_carry_out(struct broker *broker, const struct sensing_order *order,
                             uint64_t now_ms, struct sensing_outcome *out);
