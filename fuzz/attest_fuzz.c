/* SPDX-License-Identifier: Apache-2.0 */
/* What a device may send to have its key attested, and what a server may answer: the first byte says
 * which. Promises asserted: what is decoded is encoded to the same bytes; nothing is proved, because
 * nobody here can open a credential. */
#include "attest/judge.h"
#include "base/invariant.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t nothing[ATTEST_HASH_BYTES] = { 1 };

static bool is_same(const uint8_t *bytes, size_t len, struct mqtt_span from)
{
    return span_equal((struct mqtt_span){ bytes, len }, from);
}

static void read_claim(struct mqtt_span bytes)
{
    uint8_t again[ATTEST_MESSAGE_MAX_BYTES];
    struct attest_claim claim;
    struct attest_pending pending;
    size_t len = 0;
    const struct attest_expectation expected = { .key_sha256 = nothing, .endorsement = nothing };

    MQTT_INVARIANT(attest_judge_claim(bytes, &expected, &pending, again, &len) != ATTEST_PROVED);
    if (attest_claim_decode(bytes, &claim) < 0)
        return;
    MQTT_INVARIANT(is_same(again, attest_claim_encode(&claim, again, sizeof(again)), bytes));
}

static void read_challenge(struct mqtt_span bytes)
{
    uint8_t again[ATTEST_MESSAGE_MAX_BYTES];
    struct attest_challenge challenge;

    if (attest_challenge_decode(bytes, &challenge) < 0)
        return;
    MQTT_INVARIANT(
        is_same(again, attest_challenge_encode(&challenge, again, sizeof(again)), bytes));
}

static void read_answer(struct mqtt_span bytes)
{
    uint8_t again[ATTEST_MESSAGE_MAX_BYTES];
    struct attest_answer answer;
    struct attest_statement statement;
    static const struct attest_pending pending = { .secret = { 1 } };

    MQTT_INVARIANT(attest_judge_answer(bytes, &pending) != ATTEST_PROVED);
    if (attest_answer_decode(bytes, &answer) < 0)
        return;
    MQTT_INVARIANT(is_same(again, attest_answer_encode(&answer, again, sizeof(again)), bytes));
    if (attest_statement_decode(answer.statement, &statement) == 0)
        MQTT_INVARIANT(statement.name.len + statement.nonce.len <= ATTEST_STATEMENT_MAX_BYTES);
}

static void read_area(struct mqtt_span bytes)
{
    struct attest_area area;
    uint8_t name[ATTEST_NAME_BYTES];
    uint8_t sha256[ATTEST_HASH_BYTES];

    if (attest_area_decode(bytes, &area) < 0)
        return;
    MQTT_INVARIANT(attest_area_name(&area, name) == 0);
    int error = attest_area_sha256(&area, sha256);
    MQTT_INVARIANT(error == 0 || error == -EBADMSG);
    MQTT_INVARIANT(!(attest_area_is_endorsement(&area) && attest_area_is_witness(&area)));
    (void)attest_statement_is_signed(bytes, bytes, &area);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const readers[])(struct mqtt_span bytes) = { read_area, read_claim,
                                                               read_challenge, read_answer };

    if (len == 0)
        return 0;
    readers[data[0] % MQTT_ARRAY_LEN(readers)]((struct mqtt_span){ data + 1, len - 1 });
    return 0;
}
