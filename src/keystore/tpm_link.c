/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/tpm_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* TPM2_TRANSIENT_FIRST shifts a signed number over its sign. */
#define TRANSIENT_FIRST ((TPM2_HC)0x80000000u)

#define TCTI_VARIABLE "TACIT_TPM_TCTI"
#define MANAGED       "/dev/tpmrm0"
#define RAW           "/dev/tpm0"
#define DEVICE        "device:"
#define AES_BITS      128
#define HANDLES_MAX   16 /* at once; a TPM has three to seven places */

static const char *tcti_name(void)
{
    const char *name = getenv(TCTI_VARIABLE);

    if (name != NULL && name[0] != '\0')
        return name;
    if (access(MANAGED, R_OK | W_OK) == 0)
        return DEVICE MANAGED;
    return access(RAW, R_OK | W_OK) == 0 ? DEVICE RAW : NULL;
}

bool tpm_link_is_there(void)
{
    return tcti_name() != NULL;
}

int tpm_link_fail(struct pki_fault *fault, int error, TSS2_RC code, const char *what)
{
    return pki_fail(fault, error, "%s (TPM code 0x%x)", what, (unsigned)code);
}

/* Others' objects are hidden behind a resource manager, and ours are flushed by it. */
static bool is_managed(const char *tcti)
{
    return strstr(tcti, "tpmrm") != NULL || strstr(tcti, "tabrmd") != NULL;
}

static void flush_handle(struct tpm_link *link, TPM2_HANDLE handle)
{
    ESYS_TR object;

    if (link->library.Esys_TR_FromTPMPublic(link->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                            ESYS_TR_NONE, &object)
            == TSS2_RC_SUCCESS
        && link->library.Esys_FlushContext(link->esys, object) != TSS2_RC_SUCCESS)
        (void)link->library.Esys_TR_Close(link->esys, &object);
}

/* A session or an object that stays fills one of a few places for ever. */
static void flush_leftovers(struct tpm_link *link, TPM2_HANDLE first)
{
    TPMS_CAPABILITY_DATA *found = NULL;
    TPMI_YES_NO more;

    if (link->library.Esys_GetCapability(link->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                         TPM2_CAP_HANDLES, first, HANDLES_MAX, &more, &found)
        != TSS2_RC_SUCCESS)
        return;
    for (UINT32 i = 0; i < found->data.handles.count; i++)
        flush_handle(link, found->data.handles.handle[i]);
    link->library.Esys_Free(found);
}

int tpm_link_open(struct tpm_link *out, struct pki_fault *fault)
{
    const char *name = tcti_name();
    struct tpm_link link = { .tcti = NULL };

    if (name == NULL)
        return pki_fail(fault, -ENODEV,
                        "no TPM: neither " MANAGED " nor " RAW " can be used by this user, and "
                        "$" TCTI_VARIABLE " names none");
    int error = tpm_library_open(&link.library, fault);
    if (error < 0)
        return error;
    TSS2_RC code = link.library.Tss2_TctiLdr_Initialize(name, &link.tcti);
    if (code != TSS2_RC_SUCCESS)
        return tpm_link_fail(fault, -ENODEV, code, "the TPM cannot be reached");
    code = link.library.Esys_Initialize(&link.esys, link.tcti, NULL);
    if (code != TSS2_RC_SUCCESS) {
        link.library.Tss2_TctiLdr_Finalize(&link.tcti);
        return tpm_link_fail(fault, -EIO, code, "the TPM does not answer");
    }
    if (!is_managed(name)) {
        flush_leftovers(&link, TPM2_LOADED_SESSION_FIRST);
        flush_leftovers(&link, TRANSIENT_FIRST);
    }
    *out = link;
    return 0;
}

void tpm_link_close(struct tpm_link *link)
{
    link->library.Esys_Finalize(&link->esys);
    link->library.Tss2_TctiLdr_Finalize(&link->tcti);
}

/* The storage key that every user of a TPM makes alike: made again, it is the same key. */
static TPM2B_PUBLIC storage_template(void)
{
    TPM2B_PUBLIC template = { 0 };

    template.publicArea.type = TPM2_ALG_ECC;
    template.publicArea.nameAlg = TPM2_ALG_SHA256;
    template.publicArea.objectAttributes =
        TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_NODA
        | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;
    TPMS_ECC_PARMS *parms = &template.publicArea.parameters.eccDetail;
    parms->symmetric.algorithm = TPM2_ALG_AES;
    parms->symmetric.keyBits.aes = AES_BITS;
    parms->symmetric.mode.aes = TPM2_ALG_CFB;
    parms->scheme.scheme = TPM2_ALG_NULL;
    parms->kdf.scheme = TPM2_ALG_NULL;
    parms->curveID = TPM2_ECC_NIST_P256;
    return template;
}

static TSS2_RC open_storage(struct tpm_link *link, ESYS_TR *out)
{
    const TPM2B_SENSITIVE_CREATE no_secret = { 0 };
    const TPM2B_DATA outside = { 0 };
    const TPML_PCR_SELECTION no_registers = { 0 };
    const TPM2B_PUBLIC template = storage_template();

    return link->library.Esys_CreatePrimary(link->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
                                            ESYS_TR_NONE, ESYS_TR_NONE, &no_secret, &template,
                                            &outside, &no_registers, out, NULL, NULL, NULL, NULL);
}

void tpm_link_flush(struct tpm_link *link, ESYS_TR handle)
{
    (void)link->library.Esys_FlushContext(link->esys, handle);
}

int tpm_link_create(struct tpm_link *link, const TPM2B_SENSITIVE_CREATE *sensitive,
                    const TPM2B_PUBLIC *template, struct tpm_object *out, struct pki_fault *fault)
{
    const TPM2B_DATA outside = { 0 };
    const TPML_PCR_SELECTION no_registers = { 0 };
    TPM2B_PUBLIC *public = NULL;
    TPM2B_PRIVATE *private = NULL;
    ESYS_TR storage;
    TSS2_RC code = open_storage(link, &storage);

    if (code != TSS2_RC_SUCCESS)
        return tpm_link_fail(fault, -EIO, code, "the TPM gives no storage key");
    code = link->library.Esys_Create(link->esys, storage, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                     ESYS_TR_NONE, sensitive, template, &outside, &no_registers,
                                     &private, &public, NULL, NULL, NULL);
    tpm_link_flush(link, storage);
    if (code != TSS2_RC_SUCCESS)
        return tpm_link_fail(fault, -EIO, code, "the TPM does not make it");
    out->public = *public;
    out->private = *private;
    link->library.Esys_Free(public);
    link->library.Esys_Free(private);
    return 0;
}

int tpm_link_load(struct tpm_link *link, const struct tpm_object *object, ESYS_TR *out,
                  struct pki_fault *fault)
{
    ESYS_TR storage;
    TSS2_RC code = open_storage(link, &storage);

    if (code != TSS2_RC_SUCCESS)
        return tpm_link_fail(fault, -EIO, code, "the TPM gives no storage key");
    code = link->library.Esys_Load(link->esys, storage, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                   ESYS_TR_NONE, &object->private, &object->public, out);
    tpm_link_flush(link, storage);
    return code == TSS2_RC_SUCCESS
               ? 0
               : tpm_link_fail(fault, -EKEYREJECTED, code,
                               "the key belongs to another TPM, or to this one before it was "
                               "cleared");
}
