/* SPDX-License-Identifier: Apache-2.0 */
#include "est/attestation.h"

#include "attest/judge.h"
#include "base/wipe.h"
#include "est/state.h"
#include "pki/attestation.h"
#include "pki/base64.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(enum attest_verdict verdict, struct pki_fault *fault)
{
    int error = -EPERM;

    if (verdict == ATTEST_MALFORMED)
        error = -EBADMSG;
    if (verdict == ATTEST_BROKEN)
        error = -EBUSY;
    return pki_fail(fault, error, "%s", attest_verdict_text(verdict));
}

/* The body is as long as the HTTP library lets it be. free() *out. */
static int decode(struct mqtt_span body, uint8_t **out, size_t *out_len, struct pki_fault *fault)
{
    uint8_t *bytes = malloc(body.len / 4 * 3 + 3);

    if (bytes == NULL)
        return -ENOMEM;
    if (base64_decode_lines(body, bytes, out_len) < 0) {
        free(bytes);
        return pki_fail(fault, -EBADMSG, "the body is not base64");
    }
    *out = bytes;
    return 0;
}

/* Which TPM is good for `peer`; `room` keeps the operator's word. */
static int expect(struct est *est, const struct est_peer *peer, uint8_t room[REGISTRY_KEY_BYTES],
                  struct attest_expectation *out, struct pki_fault *fault)
{
    int error = attestation_expected(est->registry, peer->uri.name, room, fault);

    if (error < 0 && error != -ENOENT)
        return error;
    *out = (struct attest_expectation){ .key_sha256 = peer->key_sha256,
                                        .endorsement = error == 0 ? room : NULL,
                                        .roots = est->roots };
    return 0;
}

static int judge_claim(struct est *est, const struct est_peer *peer, struct mqtt_span claim,
                       char **out, struct pki_fault *fault)
{
    uint8_t room[REGISTRY_KEY_BYTES];
    uint8_t challenge[ATTEST_MESSAGE_MAX_BYTES];
    size_t len = 0;
    struct attest_expectation expected;
    struct attest_pending pending;
    int error = expect(est, peer, room, &expected, fault);

    if (error < 0)
        return error;
    enum attest_verdict verdict = attest_judge_claim(claim, &expected, &pending, challenge, &len);
    if (verdict != ATTEST_PROVED)
        return refuse(verdict, fault);
    est_waiting_put(est->waiting, peer->key_sha256, &pending, est_now_ms());
    wipe_bytes(&pending, sizeof(pending));
    *out = base64_encode_lines((struct mqtt_span){ challenge, len });
    return *out != NULL ? 0 : -ENOMEM;
}

int est_attestation_claim(struct est *est, const struct est_peer *peer, struct mqtt_span body,
                          char **out, struct pki_fault *fault)
{
    uint8_t *bytes;
    size_t len = 0;
    int error = decode(body, &bytes, &len, fault);

    if (error < 0)
        return error;
    error = judge_claim(est, peer, (struct mqtt_span){ bytes, len }, out, fault);
    free(bytes);
    return error;
}

static int write_down(struct est *est, const struct est_peer *peer,
                      const struct attest_pending *pending, struct pki_fault *fault)
{
    struct attestation proved = { .since_s = (int64_t)time(NULL) };

    memcpy(proved.key_sha256, peer->key_sha256, sizeof(proved.key_sha256));
    memcpy(proved.endorsement, pending->endorsement, sizeof(proved.endorsement));
    (void)snprintf(proved.by, sizeof(proved.by), "%s", attest_voucher_text(pending->voucher));
    int error = attestation_record(est->registry, peer->uri.name, &proved, fault);
    if (error == 0 && fault != NULL)
        (void)snprintf(fault->text, sizeof(fault->text), "attested: %s", proved.by);
    return error;
}

int est_attestation_answer(struct est *est, const struct est_peer *peer, struct mqtt_span body,
                           char **out, struct pki_fault *fault)
{
    struct attest_pending pending;
    enum attest_verdict verdict = ATTEST_NO_CHALLENGE;
    uint8_t *bytes;
    size_t len = 0;
    int error = decode(body, &bytes, &len, fault);

    if (error < 0)
        return error;
    *out = NULL;
    if (est_waiting_take(est->waiting, peer->key_sha256, est_now_ms(), &pending))
        verdict = attest_judge_answer((struct mqtt_span){ bytes, len }, &pending);
    error =
        verdict == ATTEST_PROVED ? write_down(est, peer, &pending, fault) : refuse(verdict, fault);
    wipe_bytes(bytes, len);
    free(bytes);
    wipe_bytes(&pending, sizeof(pending));
    return error;
}
