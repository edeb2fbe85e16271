/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/tpm_endorsement.h"

#include <errno.h>
#include <string.h>

#define RSA_CERTIFICATE 0x01c00002u /* where the profile has them */
#define ECC_CERTIFICATE 0x01c0000au
#define RSA_BITS        2048
#define ECC_BYTES       32
#define CIPHER_BITS     128
#define PIECE_BYTES     512 /* that every TPM reads at once */

/* PolicySecret of the endorsement hierarchy: the profile's PolicyA. */
static const uint8_t policy[] = { 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
                                  0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,
                                  0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa };

/* ---- the key ---- */

static TPM2B_PUBLIC template_of(bool is_rsa)
{
    TPM2B_PUBLIC template = { 0 };
    TPMT_PUBLIC *area = &template.publicArea;
    const TPMT_SYM_DEF_OBJECT cipher = { .algorithm = TPM2_ALG_AES,
                                         .keyBits.aes = CIPHER_BITS,
                                         .mode.aes = TPM2_ALG_CFB };

    area->type = is_rsa ? TPM2_ALG_RSA : TPM2_ALG_ECC;
    area->nameAlg = TPM2_ALG_SHA256;
    area->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT
                             | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY
                             | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
    area->authPolicy.size = sizeof(policy);
    memcpy(area->authPolicy.buffer, policy, sizeof(policy));
    if (is_rsa) {
        area->parameters.rsaDetail.symmetric = cipher;
        area->parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
        area->parameters.rsaDetail.keyBits = RSA_BITS;
        area->unique.rsa.size = RSA_BITS / 8;
        return template;
    }
    area->parameters.eccDetail.symmetric = cipher;
    area->parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
    area->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
    area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
    area->unique.ecc.x.size = ECC_BYTES;
    area->unique.ecc.y.size = ECC_BYTES;
    return template;
}

int tpm_endorsement_open(struct tpm_link *link, bool is_rsa, ESYS_TR *out, TPM2B_PUBLIC *out_public,
                         struct pki_fault *fault)
{
    const TPM2B_SENSITIVE_CREATE no_secret = { 0 };
    const TPM2B_DATA outside = { 0 };
    const TPML_PCR_SELECTION no_registers = { 0 };
    const TPM2B_PUBLIC template = template_of(is_rsa);
    TPM2B_PUBLIC *public = NULL;
    TSS2_RC code = link->library.Esys_CreatePrimary(
        link->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
        &no_secret, &template, &outside, &no_registers, out, &public, NULL, NULL, NULL);

    if (code != TSS2_RC_SUCCESS)
        return tpm_link_fail(fault, -EIO, code, "the TPM does not show its endorsement key");
    if (out_public != NULL)
        *out_public = *public;
    link->library.Esys_Free(public);
    return 0;
}

int tpm_endorsement_permit(struct tpm_link *link, ESYS_TR *out, struct pki_fault *fault)
{
    const TPMT_SYM_DEF no_cipher = { .algorithm = TPM2_ALG_NULL };
    ESYS_TR session;
    TSS2_RC code = link->library.Esys_StartAuthSession(
        link->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
        TPM2_SE_POLICY, &no_cipher, TPM2_ALG_SHA256, &session);

    if (code != TSS2_RC_SUCCESS)
        return tpm_link_fail(fault, -EIO, code, "the TPM opens no session");
    code = link->library.Esys_PolicySecret(link->esys, ESYS_TR_RH_ENDORSEMENT, session,
                                           ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, NULL, NULL,
                                           NULL, 0, NULL, NULL);
    if (code == TSS2_RC_SUCCESS) {
        *out = session;
        return 0;
    }
    tpm_link_flush(link, session);
    return tpm_link_fail(fault, -EIO, code,
                         "the TPM does not let its endorsement key be used; its hierarchy may have "
                         "a password");
}

/* ---- the certificate ---- */

static bool read_piece(struct tpm_link *link, ESYS_TR index, uint8_t *out, size_t at, size_t len)
{
    TPM2B_MAX_NV_BUFFER *piece = NULL;
    TSS2_RC code =
        link->library.Esys_NV_Read(link->esys, ESYS_TR_RH_OWNER, index, ESYS_TR_PASSWORD,
                                   ESYS_TR_NONE, ESYS_TR_NONE, (UINT16)len, (UINT16)at, &piece);
    bool is_good = code == TSS2_RC_SUCCESS && piece->size == len;

    if (is_good)
        memcpy(out + at, piece->buffer, len);
    link->library.Esys_Free(piece);
    return is_good;
}

static size_t size_of(struct tpm_link *link, ESYS_TR index)
{
    TPM2B_NV_PUBLIC *public = NULL;
    TSS2_RC code = link->library.Esys_NV_ReadPublic(link->esys, index, ESYS_TR_NONE, ESYS_TR_NONE,
                                                    ESYS_TR_NONE, &public, NULL);
    size_t size = code == TSS2_RC_SUCCESS ? public->nvPublic.dataSize : 0;

    link->library.Esys_Free(public);
    return size;
}

/* Of the outermost SEQUENCE: an index may be longer than what is written there. 0: it is none. */
static size_t der_length(const uint8_t *bytes, size_t len)
{
    size_t whole = 0;

    if (len < 4 || bytes[0] != 0x30)
        return 0;
    if (bytes[1] == 0x82)
        whole = 4u + ((size_t)bytes[2] << 8 | bytes[3]);
    if (bytes[1] == 0x81)
        whole = 3u + bytes[2];
    return whole <= len ? whole : 0;
}

/* Asked for what it does not have, the library complains on standard error. */
static bool has_index(struct tpm_link *link, TPM2_HANDLE handle)
{
    TPMS_CAPABILITY_DATA *found = NULL;
    TPMI_YES_NO more;
    TSS2_RC code =
        link->library.Esys_GetCapability(link->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                         TPM2_CAP_HANDLES, handle, 1, &more, &found);
    bool has = code == TSS2_RC_SUCCESS && found->data.handles.count > 0
               && found->data.handles.handle[0] == handle;

    link->library.Esys_Free(found);
    return has;
}

static bool read_certificate(struct tpm_link *link, TPM2_HANDLE handle,
                             struct tpm_attest_identity *out)
{
    ESYS_TR index;
    size_t at = 0;

    if (!has_index(link, handle)
        || link->library.Esys_TR_FromTPMPublic(link->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                               ESYS_TR_NONE, &index)
               != TSS2_RC_SUCCESS)
        return false;
    size_t len = size_of(link, index);
    bool is_good = len > 0 && len <= sizeof(out->certificate);
    while (is_good && at < len) {
        size_t piece = len - at < PIECE_BYTES ? len - at : PIECE_BYTES;
        is_good = read_piece(link, index, out->certificate, at, piece);
        at += piece;
    }
    (void)link->library.Esys_TR_Close(link->esys, &index);
    out->certificate_len = is_good ? der_length(out->certificate, len) : 0;
    return out->certificate_len > 0;
}

bool tpm_endorsement_find(struct tpm_link *link, struct tpm_attest_identity *out)
{
    if (read_certificate(link, RSA_CERTIFICATE, out))
        return true;
    (void)read_certificate(link, ECC_CERTIFICATE, out);
    return false;
}
