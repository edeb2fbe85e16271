/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/tpm_place.h"

#include <errno.h>

int tpm_place_open(struct tpm_link *link, const struct tpm_place *place, ESYS_TR *out,
                   struct pki_fault *fault)
{
    if (place->handle == 0)
        return tpm_link_load(link, &place->object, out, fault);
    TSS2_RC code = link->library.Esys_TR_FromTPMPublic(link->esys, place->handle, ESYS_TR_NONE,
                                                       ESYS_TR_NONE, ESYS_TR_NONE, out);
    return code == TSS2_RC_SUCCESS ? 0
                                   : pki_fail(fault, -ENOENT, "the TPM has no key at handle 0x%x",
                                              (unsigned)place->handle);
}

void tpm_place_close(struct tpm_link *link, const struct tpm_place *place, ESYS_TR key)
{
    if (place->handle == 0)
        tpm_link_flush(link, key);
    else
        (void)link->library.Esys_TR_Close(link->esys, &key);
}

int tpm_place_show(struct tpm_link *link, const struct tpm_place *place, TPM2B_PUBLIC *out,
                   struct pki_fault *fault)
{
    TPM2B_PUBLIC *public = NULL;
    ESYS_TR key;
    int error = tpm_place_open(link, place, &key, fault);

    if (error < 0)
        return error;
    TSS2_RC code = link->library.Esys_ReadPublic(link->esys, key, ESYS_TR_NONE, ESYS_TR_NONE,
                                                 ESYS_TR_NONE, &public, NULL, NULL);
    tpm_place_close(link, place, key);
    if (code != TSS2_RC_SUCCESS)
        return tpm_link_fail(fault, -EIO, code, "the TPM does not show its key");
    *out = *public;
    link->library.Esys_Free(public);
    return 0;
}

TPM2B_PUBLIC tpm_place_signer(TPMA_OBJECT more)
{
    TPM2B_PUBLIC template = { 0 };

    template.publicArea.type = TPM2_ALG_ECC;
    template.publicArea.nameAlg = TPM2_ALG_SHA256;
    template.publicArea.objectAttributes =
        TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN
        | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_NODA | more;
    TPMS_ECC_PARMS *parms = &template.publicArea.parameters.eccDetail;
    parms->symmetric.algorithm = TPM2_ALG_NULL;
    parms->scheme.scheme = TPM2_ALG_ECDSA;
    parms->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    parms->kdf.scheme = TPM2_ALG_NULL;
    parms->curveID = TPM2_ECC_NIST_P256;
    return template;
}
