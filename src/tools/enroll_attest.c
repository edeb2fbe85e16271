/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/enroll_attest.h"

#include "attest/message.h"
#include "base/wipe.h"
#include "keystore/device_key.h"
#include "keystore/tpm_attest.h"
#include "pki/base64.h"
#include "tools/https.h"

#include <errno.h>
#include <stdlib.h>

bool enroll_attest_is_wanted(const struct enroll_files *files)
{
    enum key_protection protection = KEY_PROTECTION_UNKNOWN;
    struct identity_extension extension = { .is_attested = false };
    struct certificate *certificate;

    if (device_key_protection(files->key, &protection, NULL) < 0 || protection != KEY_PROTECTION_TPM
        || certificate_load(files->certificate, &certificate, NULL) < 0)
        return false;
    int error = certificate_extension_of(certificate, &extension);
    certificate_free(certificate);
    return error < 0 || !extension.is_attested;
}

/* A server that does not attest says 404. */
static int explain_refusal(const struct https_reply *reply, struct pki_fault *fault)
{
    char reason[ENROLL_EXCHANGE_REASON_SIZE];

    enroll_exchange_reason(reply, reason);
    return pki_fail(fault, -EACCES, "%s",
                    reply->status == 404 ? "the server attests no keys"
                    : reason[0] != '\0'  ? reason
                                         : "the server gives no reason");
}

/* Sends a message, which is text then. The caller frees the reply where it is 0. */
static int post(const struct enroll_files *files, const struct enroll_call *call, const char *path,
                struct mqtt_span message, struct https_reply *out, struct pki_fault *fault)
{
    char error[HTTPS_ERROR_SIZE] = "out of memory";
    char *body = message.len > 0 ? base64_encode_lines(message) : NULL;

    if (body == NULL)
        return pki_fail(fault, -ENOMEM, "the message is too long, or there is no memory");
    int status = https_ask(&(struct https_request){ .host = call->host,
                                                    .port = call->port,
                                                    .path = path,
                                                    .ca_file = files->authority,
                                                    .certificate_file = files->certificate,
                                                    .key_file = files->key,
                                                    .type = "application/octet-stream",
                                                    .body = body,
                                                    .timeout_ms = ENROLL_EXCHANGE_TIMEOUT_MS },
                           out, error);
    free(body);
    if (status < 0)
        return pki_fail(fault, status, "%s", error);
    if (out->status == 200)
        return 0;
    status = explain_refusal(out, fault);
    https_reply_fini(out);
    return status;
}

static struct mqtt_span span_over(const uint8_t *bytes, size_t len)
{
    return (struct mqtt_span){ bytes, len };
}

static int claim(const struct enroll_files *files, const struct enroll_call *call,
                 const struct tpm_attest *tpm, struct https_reply *out, struct pki_fault *fault)
{
    const struct tpm_attest_identity *identity = tpm_attest_identity(tpm);
    uint8_t message[ATTEST_MESSAGE_MAX_BYTES];
    const struct attest_claim parts = {
        .endorsement = span_over(identity->endorsement.bytes, identity->endorsement.len),
        .certificate = span_over(identity->certificate, identity->certificate_len),
        .witness = tpm_attest_witness(tpm),
        .key = tpm_attest_key(tpm),
    };
    size_t len = attest_claim_encode(&parts, message, sizeof(message));

    return post(files, call, ATTEST_CLAIM_PATH, span_over(message, len), out, fault);
}

/* What the TPM says to the server's challenge. */
static int prove(struct tpm_attest *tpm, const struct https_reply *reply,
                 struct tpm_attest_proof *out, struct pki_fault *fault)
{
    uint8_t message[ATTEST_MESSAGE_MAX_BYTES];
    struct attest_challenge challenge;
    size_t len = 0;

    if (reply->len / 4 * 3 + 3 > sizeof(message)
        || base64_decode_lines(span_of(reply->body), message, &len) < 0
        || attest_challenge_decode(span_over(message, len), &challenge) < 0)
        return pki_fail(fault, -EPROTO, "what the server answers is no challenge");
    return tpm_attest_prove(tpm,
                            &(struct tpm_attest_challenge){ .blob = challenge.blob,
                                                            .wrapped = challenge.wrapped,
                                                            .nonce = challenge.nonce },
                            out, fault);
}

static int answer(const struct enroll_files *files, const struct enroll_call *call,
                  const struct tpm_attest_proof *proof, struct pki_fault *fault)
{
    uint8_t message[ATTEST_MESSAGE_MAX_BYTES];
    struct https_reply reply = { .status = 0 };
    const struct attest_answer parts = {
        .secret = span_over(proof->secret, sizeof(proof->secret)),
        .statement = span_over(proof->statement, proof->statement_len),
        .signature = span_over(proof->signature, proof->signature_len),
    };
    size_t len = attest_answer_encode(&parts, message, sizeof(message));
    int error = post(files, call, ATTEST_ANSWER_PATH, span_over(message, len), &reply, fault);

    wipe_bytes(message, sizeof(message));
    if (error == 0)
        https_reply_fini(&reply);
    return error;
}

int enroll_attest(const struct enroll_files *files, const struct enroll_call *call,
                  struct pki_fault *fault)
{
    struct tpm_attest *tpm;
    struct tpm_attest_proof proof;
    struct https_reply reply = { .status = 0 };
    int error = tpm_attest_open(files->key, &tpm, fault);

    if (error < 0)
        return error;
    error = claim(files, call, tpm, &reply, fault);
    if (error == 0) {
        error = prove(tpm, &reply, &proof, fault);
        https_reply_fini(&reply);
    }
    tpm_attest_close(tpm);
    if (error < 0)
        return error;
    error = answer(files, call, &proof, fault);
    wipe_bytes(&proof, sizeof(proof));
    return error;
}
