/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/judge.h"

#include "base/wipe.h"

#include <openssl/rand.h>

const char *attest_verdict_text(enum attest_verdict verdict)
{
    static const char *const texts[ATTEST_VERDICT_COUNT] = {
#define ATTEST_VERDICT(name, text) [ATTEST_##name] = (text),
#include "attest/verdicts.def"
#undef ATTEST_VERDICT
    };

    return texts[verdict];
}

const char *attest_voucher_text(enum attest_voucher voucher)
{
    switch (voucher) {
    case ATTEST_BY_NOBODY:
        break;
    case ATTEST_BY_CERTIFICATE:
        return "ek-certificate";
    case ATTEST_BY_LIST:
        return "ek-list";
    }
    return "";
}

/* ---- the claim ---- */

/* Its parts, decoded. */
struct parts {
    struct attest_area endorsement;
    struct attest_area witness;
    struct attest_area key;
};

static enum attest_verdict judge_endorsement(const struct attest_claim *claim,
                                             const struct attest_area *endorsement,
                                             const struct attest_expectation *expected,
                                             struct attest_pending *out)
{
    if (!attest_area_is_endorsement(endorsement)
        || attest_area_sha256(endorsement, out->endorsement) < 0)
        return ATTEST_EK_SHAPE;
    out->voucher = ATTEST_BY_NOBODY;
    if (expected->endorsement != NULL) {
        if (memcmp(out->endorsement, expected->endorsement, sizeof(out->endorsement)) != 0)
            return ATTEST_EK_OTHER;
        out->voucher = ATTEST_BY_LIST;
    } else if (attest_roots_vouch(expected->roots, claim->certificate, endorsement)) {
        out->voucher = ATTEST_BY_CERTIFICATE;
    }
    return out->voucher != ATTEST_BY_NOBODY ? ATTEST_PROVED : ATTEST_EK_UNKNOWN;
}

static enum attest_verdict judge_key(const struct attest_area *key, const uint8_t *wanted,
                                     struct attest_pending *out)
{
    uint8_t sha256[ATTEST_HASH_BYTES];

    if (!attest_area_is_captive(key))
        return ATTEST_KEY_SHAPE;
    if (attest_area_sha256(key, sha256) < 0 || memcmp(sha256, wanted, sizeof(sha256)) != 0)
        return ATTEST_KEY_OTHER;
    return attest_area_name(key, out->key_name) == 0 ? ATTEST_PROVED : ATTEST_BROKEN;
}

static enum attest_verdict read_parts(const struct attest_claim *claim, struct parts *out)
{
    if (attest_area_decode(claim->endorsement, &out->endorsement) < 0)
        return ATTEST_EK_SHAPE;
    if (attest_area_decode(claim->witness, &out->witness) < 0)
        return ATTEST_WITNESS_SHAPE;
    return attest_area_decode(claim->key, &out->key) == 0 ? ATTEST_PROVED : ATTEST_KEY_SHAPE;
}

static enum attest_verdict make_challenge(const struct parts *parts, struct attest_pending *pending,
                                          uint8_t *out, size_t *out_len)
{
    uint8_t name[ATTEST_NAME_BYTES];
    struct attest_credential credential;

    if (RAND_bytes(pending->secret, sizeof(pending->secret)) != 1
        || RAND_bytes(pending->nonce, sizeof(pending->nonce)) != 1
        || attest_area_name(&parts->witness, name) < 0
        || attest_credential_make(&parts->endorsement, name, pending->secret, &credential) < 0)
        return ATTEST_BROKEN;
    const struct attest_challenge challenge = {
        .blob = { credential.blob, sizeof(credential.blob) },
        .wrapped = { credential.wrapped, credential.wrapped_len },
        .nonce = { pending->nonce, sizeof(pending->nonce) },
    };
    *out_len = attest_challenge_encode(&challenge, out, ATTEST_MESSAGE_MAX_BYTES);
    return *out_len > 0 ? ATTEST_PROVED : ATTEST_BROKEN;
}

enum attest_verdict attest_judge_claim(struct mqtt_span bytes,
                                       const struct attest_expectation *expected,
                                       struct attest_pending *out, uint8_t *out_challenge,
                                       size_t *out_len)
{
    struct attest_claim claim;
    struct attest_pending pending = { .voucher = ATTEST_BY_NOBODY };
    struct parts parts;

    if (attest_claim_decode(bytes, &claim) < 0)
        return ATTEST_MALFORMED;
    enum attest_verdict verdict = read_parts(&claim, &parts);
    if (verdict == ATTEST_PROVED)
        verdict = judge_endorsement(&claim, &parts.endorsement, expected, &pending);
    if (verdict == ATTEST_PROVED && !attest_area_is_witness(&parts.witness))
        verdict = ATTEST_WITNESS_SHAPE;
    if (verdict == ATTEST_PROVED)
        verdict = judge_key(&parts.key, expected->key_sha256, &pending);
    if (verdict == ATTEST_PROVED)
        verdict = make_challenge(&parts, &pending, out_challenge, out_len);
    if (verdict == ATTEST_PROVED) {
        memcpy(pending.witness, claim.witness.data, claim.witness.len);
        pending.witness_len = claim.witness.len;
        *out = pending;
    }
    wipe_bytes(&pending, sizeof(pending));
    return verdict;
}

/* ---- the answer ---- */

static bool is(struct mqtt_span bytes, const uint8_t *wanted, size_t len)
{
    return span_equal(bytes, (struct mqtt_span){ wanted, len });
}

static enum attest_verdict judge_statement(const struct attest_answer *answer,
                                           const struct attest_pending *pending)
{
    struct attest_area witness;
    struct attest_statement statement;

    if (attest_area_decode((struct mqtt_span){ pending->witness, pending->witness_len }, &witness)
        < 0)
        return ATTEST_WITNESS_SHAPE;
    if (attest_statement_decode(answer->statement, &statement) < 0)
        return ATTEST_STATEMENT;
    if (!attest_statement_is_signed(answer->statement, answer->signature, &witness))
        return ATTEST_SIGNATURE;
    if (!is(statement.nonce, pending->nonce, sizeof(pending->nonce)))
        return ATTEST_NONCE;
    return is(statement.name, pending->key_name, sizeof(pending->key_name)) ? ATTEST_PROVED
                                                                            : ATTEST_NAME;
}

enum attest_verdict attest_judge_answer(struct mqtt_span bytes,
                                        const struct attest_pending *pending)
{
    struct attest_answer answer;

    if (attest_answer_decode(bytes, &answer) < 0)
        return ATTEST_MALFORMED;
    if (!wipe_equal(answer.secret, (struct mqtt_span){ pending->secret, sizeof(pending->secret) }))
        return ATTEST_SECRET;
    return judge_statement(&answer, pending);
}
