/* SPDX-License-Identifier: Apache-2.0 */
/* What passes between tacitd and its steward: a header of fixed size (kind, length), and a body that
 * is bounded by its kind (kinds.def). An answer's body begins with a status and a reason.
 *
 * The decoders here and in request.h and greeting.h read what the other process wrote, which may have
 * been taken over: they accept exactly what the encoders write. Numbers are big-endian. Pure
 * functions. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/fault.h"

#include <stddef.h>
#include <stdint.h>

#define STEWARD_HEADER_BYTES 5
#define STEWARD_SMALL_BYTES  (128u << 10) /* of a request for a certificate, and of one */
#define STEWARD_FILE_BYTES   (2u << 20)   /* of a file of the configuration */
#define STEWARD_BODY_MAX     (64u << 20)  /* of a revocation list, which is as long at most */

enum steward_kind {
#define KIND(name, request, answer) STEWARD_##name,
#include "steward/kinds.def"
#undef KIND
    STEWARD_KIND_COUNT,
};

enum steward_direction {
    STEWARD_REQUEST = 0,
    STEWARD_ANSWER,
};

struct steward_header {
    enum steward_kind kind;
    uint32_t len; /* of the body */
};

void steward_header_encode(const struct steward_header *header, uint8_t out[STEWARD_HEADER_BYTES]);

/* -EBADMSG: no such kind, or a body that is too long for it. */
MQTT_NODISCARD int steward_header_decode(const uint8_t in[STEWARD_HEADER_BYTES],
                                         enum steward_direction direction,
                                         struct steward_header *out);

/* Longest body of that kind. */
size_t steward_message_max(enum steward_kind kind, enum steward_direction direction);

/* A whole one. Zero is none. */
struct steward_message {
    enum steward_kind kind;
    uint8_t *body; /* from malloc; NULL: none */
    size_t len;
};

void steward_message_fini(struct steward_message *message);
struct mqtt_span steward_message_body(const struct steward_message *message); /* borrowed */

/* A body of that size, to be filled. -ENOMEM; -E2BIG: too long for its kind. */
MQTT_NODISCARD int steward_message_init(struct steward_message *message, enum steward_kind kind,
                                        enum steward_direction direction, size_t len);

/* ---- answers ---- */

/* status: 0, or a negative errno and then why. */
struct steward_answer {
    int status;
    struct pki_fault fault;
    struct mqtt_span result; /* borrowed */
};

/* -ENOMEM; -E2BIG: the result is too long. */
MQTT_NODISCARD int steward_answer_encode(const struct steward_answer *answer,
                                         enum steward_kind kind, struct steward_message *out);

/* -EBADMSG. */
MQTT_NODISCARD int steward_answer_decode(struct mqtt_span body, struct steward_answer *out);
