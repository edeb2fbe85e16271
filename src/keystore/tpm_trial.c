/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/tpm_trial.h"

#include "base/wipe.h"
#include "keystore/tpm_blob.h"
#include "keystore/tpm_link.h"

#include <errno.h>

#define FIXED (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT)

/* For no new parent and without a cipher it would come in clear. */
static void duplicate(struct tpm_link *link, ESYS_TR object, struct tpm_trial *out)
{
    const TPM2B_DATA no_key = { 0 };
    const TPMT_SYM_DEF_OBJECT no_cipher = { .algorithm = TPM2_ALG_NULL };
    TPM2B_DATA *key = NULL;
    TPM2B_PRIVATE *private = NULL;
    TPM2B_ENCRYPTED_SECRET *seed = NULL;
    TSS2_RC code = link->library.Esys_Duplicate(link->esys, object, ESYS_TR_RH_NULL,
                                                ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                                &no_key, &no_cipher, &key, &private, &seed);

    out->code = (unsigned)code;
    out->was_given = code == TSS2_RC_SUCCESS;
    if (private != NULL)
        wipe_bytes(private, sizeof(*private));
    link->library.Esys_Free(key);
    link->library.Esys_Free(private);
    link->library.Esys_Free(seed);
}

static int attributes_of(struct tpm_link *link, ESYS_TR object, TPMA_OBJECT *out,
                         struct pki_fault *fault)
{
    TPM2B_PUBLIC *public = NULL;
    TSS2_RC code = link->library.Esys_ReadPublic(link->esys, object, ESYS_TR_NONE, ESYS_TR_NONE,
                                                 ESYS_TR_NONE, &public, NULL, NULL);

    if (code != TSS2_RC_SUCCESS)
        return tpm_link_fail(fault, -EIO, code, "the TPM does not show its key");
    *out = public->publicArea.objectAttributes;
    link->library.Esys_Free(public);
    return 0;
}

static int try_it(struct tpm_link *link, ESYS_TR object, struct tpm_trial *out,
                  struct pki_fault *fault)
{
    TPMA_OBJECT attributes = 0;
    int error = attributes_of(link, object, &attributes, fault);

    if (error < 0)
        return error;
    out->is_fixed = (attributes & FIXED) == FIXED;
    duplicate(link, object, out);
    return 0;
}

static int try_object(struct tpm_link *link, const struct tpm_object *object, struct tpm_trial *out,
                      struct pki_fault *fault)
{
    ESYS_TR loaded;
    int error = tpm_link_load(link, object, &loaded, fault);

    if (error < 0)
        return error;
    error = try_it(link, loaded, out, fault);
    tpm_link_flush(link, loaded);
    return error;
}

int tpm_trial_blob(struct mqtt_span der, struct tpm_trial *out, struct pki_fault *fault)
{
    struct tpm_link link;
    struct tpm_object object;
    int error = tpm_link_open(&link, fault);

    if (error < 0)
        return error;
    error = tpm_blob_decode(&link.library, der, &object, fault);
    if (error == 0)
        error = try_object(&link, &object, out, fault);
    tpm_link_close(&link);
    return error;
}

int tpm_trial_wrapped(struct mqtt_span wrapped, struct tpm_trial *out, struct pki_fault *fault)
{
    struct tpm_link link;
    struct tpm_object object;
    int error = tpm_link_open(&link, fault);

    if (error < 0)
        return error;
    error = tpm_blob_unmarshal(&link.library, wrapped, &object);
    error = error < 0 ? pki_fail(fault, error, "this is no object of a TPM")
                      : try_object(&link, &object, out, fault);
    tpm_link_close(&link);
    return error;
}

int tpm_trial_handle(uint32_t handle, struct tpm_trial *out, struct pki_fault *fault)
{
    struct tpm_link link;
    ESYS_TR object;
    int error = tpm_link_open(&link, fault);

    if (error < 0)
        return error;
    TSS2_RC code = link.library.Esys_TR_FromTPMPublic(link.esys, handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                                      ESYS_TR_NONE, &object);
    if (code == TSS2_RC_SUCCESS) {
        error = try_it(&link, object, out, fault);
        (void)link.library.Esys_TR_Close(link.esys, &object);
    } else {
        error = tpm_link_fail(fault, -ENOENT, code, "the TPM has no key at that handle");
    }
    tpm_link_close(&link);
    return error;
}
