/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/tpm_attest.h"

#include "base/wipe.h"
#include "keystore/key_text.h"
#include "keystore/tpm_blob.h"
#include "keystore/tpm_endorsement.h"
#include "keystore/tpm_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tpm_attest {
    struct tpm_attest_identity identity;
    bool is_rsa;
    struct tpm_place place;
    struct tpm_object witness;
    struct tpm_attest_part witness_area;
    struct tpm_attest_part key_area;
};

static int marshal(const struct tpm_link *link, const TPM2B_PUBLIC *public,
                   struct tpm_attest_part *out, struct pki_fault *fault)
{
    TSS2_RC code = link->library.Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, out->bytes,
                                                             sizeof(out->bytes), &out->len);

    return code == TSS2_RC_SUCCESS
               ? 0
               : tpm_link_fail(fault, -EIO, code, "the TPM shows a key that is too long");
}

/* ---- who it is ---- */

static int identify(struct tpm_link *link, struct tpm_attest_identity *out, bool *out_is_rsa,
                    struct pki_fault *fault)
{
    TPM2B_PUBLIC public;
    ESYS_TR endorsement;

    *out_is_rsa = tpm_endorsement_find(link, out);
    int error = tpm_endorsement_open(link, *out_is_rsa, &endorsement, &public, fault);
    if (error < 0)
        return error;
    tpm_link_flush(link, endorsement);
    out->endorsement.len = 0;
    return marshal(link, &public, &out->endorsement, fault);
}

int tpm_attest_identify(struct tpm_attest_identity *out, struct pki_fault *fault)
{
    struct tpm_link link;
    bool is_rsa;
    int error = tpm_link_open(&link, fault);

    if (error < 0)
        return error;
    error = identify(&link, out, &is_rsa, fault);
    tpm_link_close(&link);
    return error;
}

/* ---- the key ---- */

static int find_key(const struct tpm_library *library, const char *place, struct tpm_place *out,
                    struct pki_fault *fault)
{
    struct key_text text;
    int error = key_text_read(place, &text, fault);

    if (error < 0)
        return error;
    if (text.protection != KEY_PROTECTION_TPM)
        error = pki_fail(fault, -ENOTSUP, "%s: this key is in no TPM", place);
    else if (!key_text_handle(text.reference, &out->handle))
        error = tpm_blob_decode(library, text.bytes, &out->object, fault);
    key_text_fini(&text);
    return error;
}

static int read_key(struct tpm_link *link, struct tpm_attest *attest, struct pki_fault *fault)
{
    TPM2B_PUBLIC public;
    int error = tpm_place_show(link, &attest->place, &public, fault);

    return error == 0 ? marshal(link, &public, &attest->key_area, fault) : error;
}

/* ---- the witness ---- */

static int make_witness(struct tpm_link *link, struct tpm_attest *attest, struct pki_fault *fault)
{
    const TPM2B_SENSITIVE_CREATE no_secret = { 0 };
    const TPM2B_PUBLIC template = tpm_place_signer(TPMA_OBJECT_RESTRICTED);
    int error = tpm_link_create(link, &no_secret, &template, &attest->witness, fault);

    return error == 0 ? marshal(link, &attest->witness.public, &attest->witness_area, fault)
                      : error;
}

/* ---- opening ---- */

static int collect(struct tpm_attest *attest, const char *place, struct pki_fault *fault)
{
    struct tpm_link link;
    int error = tpm_link_open(&link, fault);

    if (error < 0)
        return error;
    error = find_key(&link.library, place, &attest->place, fault);
    if (error == 0)
        error = read_key(&link, attest, fault);
    if (error == 0)
        error = identify(&link, &attest->identity, &attest->is_rsa, fault);
    if (error == 0)
        error = make_witness(&link, attest, fault);
    tpm_link_close(&link);
    return error;
}

int tpm_attest_open(const char *place, struct tpm_attest **out, struct pki_fault *fault)
{
    struct tpm_attest *attest = calloc(1, sizeof(*attest));

    if (attest == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    int error = collect(attest, place, fault);
    if (error < 0) {
        free(attest);
        return error;
    }
    *out = attest;
    return 0;
}

void tpm_attest_close(struct tpm_attest *attest)
{
    free(attest);
}

const struct tpm_attest_identity *tpm_attest_identity(const struct tpm_attest *attest)
{
    return &attest->identity;
}

struct mqtt_span tpm_attest_witness(const struct tpm_attest *attest)
{
    return (struct mqtt_span){ attest->witness_area.bytes, attest->witness_area.len };
}

struct mqtt_span tpm_attest_key(const struct tpm_attest *attest)
{
    return (struct mqtt_span){ attest->key_area.bytes, attest->key_area.len };
}

/* ---- proving ---- */

static int activate(struct tpm_link *link, const struct tpm_attest *attest, ESYS_TR witness,
                    const struct tpm_attest_challenge *challenge, struct tpm_attest_proof *out,
                    struct pki_fault *fault)
{
    TPM2B_ID_OBJECT blob = { .size = (UINT16)challenge->blob.len };
    TPM2B_ENCRYPTED_SECRET wrapped = { .size = (UINT16)challenge->wrapped.len };
    TPM2B_DIGEST *secret = NULL;
    ESYS_TR endorsement;
    ESYS_TR session;
    int error = tpm_endorsement_open(link, attest->is_rsa, &endorsement, NULL, fault);

    if (error < 0)
        return error;
    memcpy(blob.credential, challenge->blob.data, challenge->blob.len);
    memcpy(wrapped.secret, challenge->wrapped.data, challenge->wrapped.len);
    error = tpm_endorsement_permit(link, &session, fault);
    if (error == 0) {
        TSS2_RC code = link->library.Esys_ActivateCredential(
            link->esys, witness, endorsement, ESYS_TR_PASSWORD, session, ESYS_TR_NONE, &blob,
            &wrapped, &secret);
        bool is_open = code == TSS2_RC_SUCCESS && secret->size == sizeof(out->secret);
        if (is_open)
            memcpy(out->secret, secret->buffer, sizeof(out->secret));
        else
            error = tpm_link_fail(fault, -EKEYREJECTED, code,
                                  "the TPM does not open what the server has made for it");
        tpm_link_flush(link, session);
    }
    if (secret != NULL)
        wipe_bytes(secret, sizeof(*secret));
    link->library.Esys_Free(secret);
    tpm_link_flush(link, endorsement);
    return error;
}

static int keep(const struct tpm_link *link, const TPM2B_ATTEST *statement,
                const TPMT_SIGNATURE *signature, struct tpm_attest_proof *out)
{
    out->signature_len = 0;
    if (statement->size > sizeof(out->statement)
        || link->library.Tss2_MU_TPMT_SIGNATURE_Marshal(signature, out->signature,
                                                        sizeof(out->signature), &out->signature_len)
               != TSS2_RC_SUCCESS)
        return -EIO;
    memcpy(out->statement, statement->attestationData, statement->size);
    out->statement_len = statement->size;
    return 0;
}

static int certify(struct tpm_link *link, const struct tpm_attest *attest, ESYS_TR witness,
                   const struct tpm_attest_challenge *challenge, struct tpm_attest_proof *out,
                   struct pki_fault *fault)
{
    const TPMT_SIG_SCHEME as_template = { .scheme = TPM2_ALG_NULL };
    TPM2B_DATA nonce = { .size = (UINT16)challenge->nonce.len };
    TPM2B_ATTEST *statement = NULL;
    TPMT_SIGNATURE *signature = NULL;
    ESYS_TR key;
    int error = tpm_place_open(link, &attest->place, &key, fault);

    if (error < 0)
        return error;
    memcpy(nonce.buffer, challenge->nonce.data, challenge->nonce.len);
    TSS2_RC code =
        link->library.Esys_Certify(link->esys, key, witness, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD,
                                   ESYS_TR_NONE, &nonce, &as_template, &statement, &signature);
    tpm_place_close(link, &attest->place, key);
    if (code != TSS2_RC_SUCCESS)
        return tpm_link_fail(fault, -EIO, code, "the TPM says nothing about the key");
    error = keep(link, statement, signature, out);
    link->library.Esys_Free(statement);
    link->library.Esys_Free(signature);
    return error < 0 ? pki_fail(fault, error, "what the TPM says is too long") : 0;
}

static bool is_short_enough(const struct tpm_attest_challenge *challenge)
{
    return challenge->blob.len <= sizeof(((TPM2B_ID_OBJECT *)NULL)->credential)
           && challenge->wrapped.len <= sizeof(((TPM2B_ENCRYPTED_SECRET *)NULL)->secret)
           && challenge->nonce.len <= sizeof(((TPM2B_DATA *)NULL)->buffer);
}

int tpm_attest_prove(struct tpm_attest *attest, const struct tpm_attest_challenge *challenge,
                     struct tpm_attest_proof *out, struct pki_fault *fault)
{
    struct tpm_link link;
    ESYS_TR witness;

    if (!is_short_enough(challenge))
        return pki_fail(fault, -EBADMSG, "the server's challenge is too long for a TPM");
    int error = tpm_link_open(&link, fault);
    if (error < 0)
        return error;
    error = tpm_link_load(&link, &attest->witness, &witness, fault);
    if (error == 0) {
        error = activate(&link, attest, witness, challenge, out, fault);
        if (error == 0)
            error = certify(&link, attest, witness, challenge, out, fault);
        tpm_link_flush(&link, witness);
    }
    tpm_link_close(&link);
    return error;
}
