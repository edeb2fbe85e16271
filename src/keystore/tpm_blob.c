/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/tpm_blob.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

/* TPMKey ::= SEQUENCE { type OBJECT IDENTIFIER, emptyAuth [0] EXPLICIT BOOLEAN OPTIONAL, parent
 * INTEGER, pubkey OCTET STRING, privkey OCTET STRING } */
#define LOADABLE_KEY "2.23.133.10.1.3"
#define PART_MAX     1024

static const uint8_t empty_auth[] = { 0xa0, 0x03, 0x01, 0x01, 0xff };

/* The two parts, marshalled. */
struct parts {
    uint8_t public[PART_MAX];
    size_t public_len;
    uint8_t private[PART_MAX];
    size_t private_len;
};

static bool marshal_parts(const struct tpm_library *library, const struct tpm_object *object,
                          struct parts *out)
{
    out->public_len = 0;
    out->private_len = 0;
    return library->Tss2_MU_TPM2B_PUBLIC_Marshal(&object->public, out->public, PART_MAX,
                                                 &out->public_len)
               == TSS2_RC_SUCCESS
           && library->Tss2_MU_TPM2B_PRIVATE_Marshal(&object->private, out->private, PART_MAX,
                                                     &out->private_len)
                  == TSS2_RC_SUCCESS;
}

int tpm_blob_marshal(const struct tpm_library *library, const struct tpm_object *object,
                     uint8_t *out, size_t size, size_t *out_len)
{
    struct parts parts;

    if (!marshal_parts(library, object, &parts) || parts.public_len + parts.private_len > size)
        return -EIO;
    memcpy(out, parts.public, parts.public_len);
    memcpy(out + parts.public_len, parts.private, parts.private_len);
    *out_len = parts.public_len + parts.private_len;
    return 0;
}

int tpm_blob_unmarshal(const struct tpm_library *library, struct mqtt_span bytes,
                       struct tpm_object *out)
{
    struct tpm_object object = { 0 };
    size_t at = 0;

    if (library->Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes.data, bytes.len, &at, &object.public)
            != TSS2_RC_SUCCESS
        || library->Tss2_MU_TPM2B_PRIVATE_Unmarshal(bytes.data, bytes.len, &at, &object.private)
               != TSS2_RC_SUCCESS
        || at != bytes.len)
        return -EBADMSG;
    *out = object;
    return 0;
}

/* ---- DER ---- */

static bool push(ASN1_SEQUENCE_ANY *sequence, int type, void *value)
{
    ASN1_TYPE *element = value != NULL ? ASN1_TYPE_new() : NULL;

    if (element == NULL)
        return false;
    ASN1_TYPE_set(element, type, value);
    if (sk_ASN1_TYPE_push(sequence, element) > 0)
        return true;
    ASN1_TYPE_free(element);
    return false;
}

static ASN1_STRING *string_of(int type, const uint8_t *bytes, size_t len)
{
    ASN1_STRING *string = ASN1_STRING_type_new(type);

    if (string != NULL && ASN1_STRING_set(string, bytes, (int)len) != 1) {
        ASN1_STRING_free(string);
        return NULL;
    }
    return string;
}

static ASN1_INTEGER *parent_owner(void)
{
    ASN1_INTEGER *parent = ASN1_INTEGER_new();

    if (parent != NULL && ASN1_INTEGER_set_uint64(parent, TPM2_RH_OWNER) != 1) {
        ASN1_INTEGER_free(parent);
        return NULL;
    }
    return parent;
}

int tpm_blob_encode(const struct tpm_library *library, const struct tpm_object *object,
                    uint8_t *out, size_t *out_len, struct pki_fault *fault)
{
    struct parts parts;
    ASN1_SEQUENCE_ANY *sequence = sk_ASN1_TYPE_new_null();
    uint8_t *der = NULL;
    int len = -1;

    if (sequence != NULL && marshal_parts(library, object, &parts)
        && push(sequence, V_ASN1_OBJECT, OBJ_txt2obj(LOADABLE_KEY, 1))
        && push(sequence, V_ASN1_OTHER, string_of(V_ASN1_OTHER, empty_auth, sizeof(empty_auth)))
        && push(sequence, V_ASN1_INTEGER, parent_owner())
        && push(sequence, V_ASN1_OCTET_STRING,
                string_of(V_ASN1_OCTET_STRING, parts.public, parts.public_len))
        && push(sequence, V_ASN1_OCTET_STRING,
                string_of(V_ASN1_OCTET_STRING, parts.private, parts.private_len)))
        len = i2d_ASN1_SEQUENCE_ANY(sequence, &der);
    sk_ASN1_TYPE_pop_free(sequence, ASN1_TYPE_free);
    if (len > 0 && len <= TPM_BLOB_MAX_BYTES) {
        memcpy(out, der, (size_t)len);
        *out_len = (size_t)len;
    }
    OPENSSL_free(der);
    return len > 0 && len <= TPM_BLOB_MAX_BYTES
               ? 0
               : pki_fail_crypto(fault, -EIO, "cannot encode the key of the TPM");
}

static bool is_loadable(const ASN1_TYPE *type)
{
    char text[sizeof(LOADABLE_KEY) + 1];

    return type->type == V_ASN1_OBJECT && OBJ_obj2txt(text, sizeof(text), type->value.object, 1) > 0
           && strcmp(text, LOADABLE_KEY) == 0;
}

static bool is_owner(const ASN1_TYPE *parent)
{
    uint64_t value = 0;

    return parent->type == V_ASN1_INTEGER
           && ASN1_INTEGER_get_uint64(&value, parent->value.integer) == 1 && value == TPM2_RH_OWNER;
}

static bool has_empty_auth(const ASN1_TYPE *element)
{
    const ASN1_STRING *bytes = element->value.asn1_string;

    return element->type == V_ASN1_OTHER && ASN1_STRING_length(bytes) == (int)sizeof(empty_auth)
           && memcmp(ASN1_STRING_get0_data(bytes), empty_auth, sizeof(empty_auth)) == 0;
}

/* The end of the sequence: parent and parts; -EBADMSG, -ENOTSUP. */
static int decode_tail(const struct tpm_library *library, const ASN1_SEQUENCE_ANY *sequence,
                       struct tpm_object *out)
{
    const ASN1_TYPE *public = sk_ASN1_TYPE_value(sequence, 3);
    const ASN1_TYPE *private = sk_ASN1_TYPE_value(sequence, 4);
    uint8_t bytes[TPM_BLOB_MAX_BYTES];

    if (!has_empty_auth(sk_ASN1_TYPE_value(sequence, 1))
        || !is_owner(sk_ASN1_TYPE_value(sequence, 2)))
        return -ENOTSUP;
    if (public->type != V_ASN1_OCTET_STRING || private->type != V_ASN1_OCTET_STRING)
        return -EBADMSG;
    size_t public_len = (size_t)ASN1_STRING_length(public->value.octet_string);
    size_t private_len = (size_t)ASN1_STRING_length(private->value.octet_string);
    if (public_len > PART_MAX || private_len > PART_MAX)
        return -EBADMSG;
    memcpy(bytes, ASN1_STRING_get0_data(public->value.octet_string), public_len);
    memcpy(bytes + public_len, ASN1_STRING_get0_data(private->value.octet_string), private_len);
    return tpm_blob_unmarshal(library, (struct mqtt_span){ bytes, public_len + private_len }, out);
}

int tpm_blob_decode(const struct tpm_library *library, struct mqtt_span der, struct tpm_object *out,
                    struct pki_fault *fault)
{
    const uint8_t *at = der.data;
    int error = -EBADMSG;
    ASN1_SEQUENCE_ANY *sequence =
        der.len <= TPM_BLOB_MAX_BYTES ? d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long)der.len) : NULL;

    if (sequence != NULL && at == der.data + der.len && sk_ASN1_TYPE_num(sequence) >= 4
        && is_loadable(sk_ASN1_TYPE_value(sequence, 0)))
        error = sk_ASN1_TYPE_num(sequence) == 5 ? decode_tail(library, sequence, out) : -ENOTSUP;
    sk_ASN1_TYPE_pop_free(sequence, ASN1_TYPE_free);
    ERR_clear_error();
    if (error == -ENOTSUP)
        return pki_fail(fault, error,
                        "the key of the TPM is under a password, or under another parent than the "
                        "owner's storage key");
    return error < 0 ? pki_fail(fault, error, "this is no key of a TPM (TSS2 PRIVATE KEY)") : 0;
}
