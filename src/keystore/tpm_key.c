/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/tpm_key.h"

#include "base/wipe.h"
#include "keystore/tpm_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HALF 32

/* Made inside, and for this TPM only. */
#define CAPTIVE (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN)

/* ---- making ---- */

static int make(struct tpm_link *link, struct tpm_object *out, struct pki_fault *fault)
{
    const TPM2B_SENSITIVE_CREATE no_secret = { 0 };
    const TPM2B_PUBLIC template = tpm_place_signer(0);

    return tpm_link_create(link, &no_secret, &template, out, fault);
}

int tpm_key_make(uint8_t *out, size_t *out_len, struct pki_fault *fault)
{
    struct tpm_link link;
    struct tpm_object object;
    int error = tpm_link_open(&link, fault);

    if (error < 0)
        return error;
    error = make(&link, &object, fault);
    if (error == 0)
        error = tpm_blob_encode(&link.library, &object, out, out_len, fault);
    tpm_link_close(&link);
    return error;
}

static bool is_taken(struct tpm_link *link, TPM2_HANDLE handle, ESYS_TR *out)
{
    return link->library.Esys_TR_FromTPMPublic(link->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                               ESYS_TR_NONE, out)
           == TSS2_RC_SUCCESS;
}

static int make_persistent(struct tpm_link *link, TPM2_HANDLE handle, struct pki_fault *fault)
{
    struct tpm_object object;
    ESYS_TR loaded;
    ESYS_TR persistent;
    int error = make(link, &object, fault);

    if (error == 0)
        error = tpm_link_load(link, &object, &loaded, fault);
    if (error < 0)
        return error;
    TSS2_RC code =
        link->library.Esys_EvictControl(link->esys, ESYS_TR_RH_OWNER, loaded, ESYS_TR_PASSWORD,
                                        ESYS_TR_NONE, ESYS_TR_NONE, handle, &persistent);
    tpm_link_flush(link, loaded);
    if (code != TSS2_RC_SUCCESS)
        return tpm_link_fail(fault, -EIO, code, "the TPM does not keep a key at that handle");
    (void)link->library.Esys_TR_Close(link->esys, &persistent);
    return 0;
}

int tpm_key_make_at(uint32_t handle, struct pki_fault *fault)
{
    struct tpm_link link;
    ESYS_TR there;
    int error = tpm_link_open(&link, fault);

    if (error < 0)
        return error;
    if (is_taken(&link, handle, &there))
        (void)link.library.Esys_TR_Close(link.esys, &there);
    else
        error = make_persistent(&link, handle, fault);
    tpm_link_close(&link);
    return error;
}

/* ---- signing ---- */

static TSS2_RC sign_with(struct tpm_link *link, ESYS_TR handle, const unsigned char *digest,
                         TPMT_SIGNATURE **out)
{
    TPMT_SIG_SCHEME ecdsa = { 0 };
    const TPMT_TK_HASHCHECK from_outside = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
    TPM2B_DIGEST bytes = { .size = TACIT_KEY_DIGEST_BYTES };

    ecdsa.scheme = TPM2_ALG_ECDSA;
    ecdsa.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    memcpy(bytes.buffer, digest, TACIT_KEY_DIGEST_BYTES);
    return link->library.Esys_Sign(link->esys, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                   &bytes, &ecdsa, &from_outside, out);
}

/* A number with zeros in front, as many as the TPM may have left out. */
static bool pad(const TPM2B_ECC_PARAMETER *number, unsigned char *out)
{
    if (number->size > HALF)
        return false;
    memset(out, 0, HALF);
    memcpy(out + HALF - number->size, number->buffer, number->size);
    return true;
}

static int sign(void *context, const unsigned char *digest, size_t len, unsigned char *signature)
{
    const struct tpm_place *key = context;
    struct tpm_link link;
    TPMT_SIGNATURE *made = NULL;
    ESYS_TR handle;

    if (len != TACIT_KEY_DIGEST_BYTES || tpm_link_open(&link, NULL) < 0)
        return -EIO;
    int error = tpm_place_open(&link, key, &handle, NULL);
    if (error == 0) {
        error = sign_with(&link, handle, digest, &made) == TSS2_RC_SUCCESS
                        && pad(&made->signature.ecdsa.signatureR, signature)
                        && pad(&made->signature.ecdsa.signatureS, signature + HALF)
                    ? 0
                    : -EIO;
        link.library.Esys_Free(made);
        tpm_place_close(&link, key, handle);
    }
    tpm_link_close(&link);
    return error;
}

/* ---- opening ---- */

static int check(const TPMT_PUBLIC *public, unsigned char point[TACIT_KEY_POINT_BYTES],
                 struct pki_fault *fault)
{
    point[0] = 0x04;
    if (public->type != TPM2_ALG_ECC || public->parameters.eccDetail.curveID != TPM2_ECC_NIST_P256
        || !pad(&public->unique.ecc.x, point + 1) || !pad(&public->unique.ecc.y, point + 1 + HALF))
        return pki_fail(fault, -EBADMSG, "the key in the TPM is not of P-256");
    if ((public->objectAttributes & CAPTIVE) != CAPTIVE)
        return pki_fail(fault, -EPERM,
                        "the key in the TPM was not made there, or may be moved elsewhere: it is "
                        "not fixedTPM, fixedParent and sensitiveDataOrigin");
    return 0;
}

/* Takes over a copy of `key`. */
static int hook(const struct tpm_place *key, struct tacit_key *out, struct pki_fault *fault)
{
    struct tacit_key made = { .sign = sign, .release = free };
    int error = check(&key->object.public.publicArea, made.point, fault);

    if (error < 0)
        return error;
    struct tpm_place *copy = malloc(sizeof(*copy));
    if (copy == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    *copy = *key;
    made.context = copy;
    *out = made;
    return 0;
}

int tpm_key_of_blob(struct mqtt_span der, struct tacit_key *out, struct pki_fault *fault)
{
    struct tpm_library library;
    struct tpm_place key = { .handle = 0 };
    int error = tpm_library_open(&library, fault);

    if (error == 0)
        error = tpm_blob_decode(&library, der, &key.object, fault);
    return error == 0 ? hook(&key, out, fault) : error;
}

int tpm_key_at(uint32_t handle, struct tacit_key *out, struct pki_fault *fault)
{
    struct tpm_link link;
    struct tpm_place key = { .handle = handle };
    int error = tpm_link_open(&link, fault);

    if (error < 0)
        return error;
    error = tpm_place_show(&link, &key, &key.object.public, fault);
    tpm_link_close(&link);
    return error == 0 ? hook(&key, out, fault) : error;
}

/* ---- sealing ---- */

static TPM2B_PUBLIC data_template(void)
{
    TPM2B_PUBLIC template = { 0 };

    template.publicArea.type = TPM2_ALG_KEYEDHASH;
    template.publicArea.nameAlg = TPM2_ALG_SHA256;
    template.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT
                                           | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA;
    template.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
    return template;
}

int tpm_key_seal(const uint8_t secret[TPM_KEY_SECRET_BYTES], uint8_t *out, size_t size,
                 size_t *out_len, struct pki_fault *fault)
{
    const TPM2B_PUBLIC template = data_template();
    TPM2B_SENSITIVE_CREATE sensitive = { 0 };
    struct tpm_object object;
    struct tpm_link link;
    int error = tpm_link_open(&link, fault);

    if (error < 0)
        return error;
    sensitive.sensitive.data.size = TPM_KEY_SECRET_BYTES;
    memcpy(sensitive.sensitive.data.buffer, secret, TPM_KEY_SECRET_BYTES);
    error = tpm_link_create(&link, &sensitive, &template, &object, fault);
    wipe_bytes(&sensitive, sizeof(sensitive));
    if (error == 0 && tpm_blob_marshal(&link.library, &object, out, size, out_len) < 0)
        error = pki_fail(fault, -EIO, "the TPM's object is too large");
    tpm_link_close(&link);
    return error;
}

static int unseal(struct tpm_link *link, ESYS_TR handle, uint8_t secret[TPM_KEY_SECRET_BYTES],
                  struct pki_fault *fault)
{
    TPM2B_SENSITIVE_DATA *data = NULL;
    TSS2_RC code = link->library.Esys_Unseal(link->esys, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                             ESYS_TR_NONE, &data);

    if (code != TSS2_RC_SUCCESS)
        return tpm_link_fail(fault, -EIO, code, "the TPM does not open the seal");
    bool is_good = data->size == TPM_KEY_SECRET_BYTES;
    if (is_good)
        memcpy(secret, data->buffer, TPM_KEY_SECRET_BYTES);
    wipe_bytes(data, sizeof(*data));
    link->library.Esys_Free(data);
    return is_good ? 0 : pki_fail(fault, -EBADMSG, "what the TPM has sealed is no secret of ours");
}

int tpm_key_unseal(struct mqtt_span sealed, uint8_t secret[TPM_KEY_SECRET_BYTES],
                   struct pki_fault *fault)
{
    struct tpm_object object;
    struct tpm_link link;
    ESYS_TR handle;
    int error = tpm_link_open(&link, fault);

    if (error < 0)
        return error;
    error = tpm_blob_unmarshal(&link.library, sealed, &object);
    if (error < 0)
        error = pki_fail(fault, error, "this is no object of a TPM");
    else
        error = tpm_link_load(&link, &object, &handle, fault);
    if (error == 0) {
        error = unseal(&link, handle, secret, fault);
        tpm_link_flush(&link, handle);
    }
    tpm_link_close(&link);
    return error;
}
