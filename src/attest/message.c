/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/message.h"

#include "codec/reader.h"
#include "codec/writer.h"

#include <errno.h>

#define SIGNATURE_MAX_BYTES 128
#define PARTS_MAX           4

enum kind {
    KIND_CLAIM = 1,
    KIND_CHALLENGE,
    KIND_ANSWER,
};

/* How long a part may be. */
struct bound {
    size_t least;
    size_t most;
};

static const struct bound claim_bounds[] = {
    { 1, ATTEST_AREA_MAX_BYTES },
    { 0, ATTEST_CERTIFICATE_MAX_BYTES },
    { 1, ATTEST_AREA_MAX_BYTES },
    { 1, ATTEST_AREA_MAX_BYTES },
};
static const struct bound challenge_bounds[] = {
    { ATTEST_BLOB_BYTES, ATTEST_BLOB_BYTES },
    { 1, ATTEST_WRAPPED_MAX_BYTES },
    { ATTEST_NONCE_BYTES, ATTEST_NONCE_BYTES },
};
static const struct bound answer_bounds[] = {
    { ATTEST_SECRET_BYTES, ATTEST_SECRET_BYTES },
    { 1, ATTEST_STATEMENT_MAX_BYTES },
    { 1, SIGNATURE_MAX_BYTES },
};

static size_t encode(enum kind kind, const struct mqtt_span *parts, size_t count, uint8_t *out,
                     size_t size)
{
    struct mqtt_writer w = mqtt_writer_over(out, size);

    mqtt_write_u8(&w, (uint8_t)kind);
    for (size_t i = 0; i < count; i++)
        mqtt_write_binary(&w, parts[i]);
    return w.status == MQTT_OK ? mqtt_writer_written(&w).len : 0;
}

size_t attest_claim_encode(const struct attest_claim *claim, uint8_t *out, size_t size)
{
    const struct mqtt_span parts[] = { claim->endorsement, claim->certificate, claim->witness,
                                       claim->key };

    return encode(KIND_CLAIM, parts, MQTT_ARRAY_LEN(parts), out, size);
}

size_t attest_challenge_encode(const struct attest_challenge *challenge, uint8_t *out, size_t size)
{
    const struct mqtt_span parts[] = { challenge->blob, challenge->wrapped, challenge->nonce };

    return encode(KIND_CHALLENGE, parts, MQTT_ARRAY_LEN(parts), out, size);
}

size_t attest_answer_encode(const struct attest_answer *answer, uint8_t *out, size_t size)
{
    const struct mqtt_span parts[] = { answer->secret, answer->statement, answer->signature };

    return encode(KIND_ANSWER, parts, MQTT_ARRAY_LEN(parts), out, size);
}

static int decode(struct mqtt_span bytes, enum kind kind, const struct bound *bounds, size_t count,
                  struct mqtt_span *out)
{
    struct mqtt_reader r = mqtt_reader_over(bytes);

    if (mqtt_read_u8(&r) != (uint8_t)kind)
        return -EBADMSG;
    for (size_t i = 0; i < count; i++) {
        out[i] = mqtt_read_binary(&r);
        if (out[i].len < bounds[i].least || out[i].len > bounds[i].most)
            return -EBADMSG;
    }
    return mqtt_reader_finish(&r) == MQTT_OK ? 0 : -EBADMSG;
}

int attest_claim_decode(struct mqtt_span bytes, struct attest_claim *out)
{
    struct mqtt_span parts[PARTS_MAX];
    int error = decode(bytes, KIND_CLAIM, claim_bounds, MQTT_ARRAY_LEN(claim_bounds), parts);

    if (error == 0)
        *out = (struct attest_claim){ parts[0], parts[1], parts[2], parts[3] };
    return error;
}

int attest_challenge_decode(struct mqtt_span bytes, struct attest_challenge *out)
{
    struct mqtt_span parts[PARTS_MAX];
    int error =
        decode(bytes, KIND_CHALLENGE, challenge_bounds, MQTT_ARRAY_LEN(challenge_bounds), parts);

    if (error == 0)
        *out = (struct attest_challenge){ parts[0], parts[1], parts[2] };
    return error;
}

int attest_answer_decode(struct mqtt_span bytes, struct attest_answer *out)
{
    struct mqtt_span parts[PARTS_MAX];
    int error = decode(bytes, KIND_ANSWER, answer_bounds, MQTT_ARRAY_LEN(answer_bounds), parts);

    if (error == 0)
        *out = (struct attest_answer){ parts[0], parts[1], parts[2] };
    return error;
}
