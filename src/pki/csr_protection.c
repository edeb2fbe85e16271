/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/csr_protection.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <string.h>

#define OID "2.25.246084338679404219054493111606139215286"

int csr_protection_add(struct X509_req_st *request, enum key_protection protection)
{
    const char *word = identity_extension_protection_text(protection);

    if (protection == KEY_PROTECTION_UNKNOWN)
        return 0;
    return X509_REQ_add1_attr_by_txt(request, OID, V_ASN1_UTF8STRING, (const unsigned char *)word,
                                     (int)strlen(word))
                   == 1
               ? 0
               : -EIO;
}

static enum key_protection read_value(X509_ATTRIBUTE *attribute)
{
    char word[REGISTRY_WORD_SIZE] = "";
    enum key_protection protection = KEY_PROTECTION_UNKNOWN;
    const ASN1_STRING *value = X509_ATTRIBUTE_count(attribute) == 1
                                   ? X509_ATTRIBUTE_get0_data(attribute, 0, V_ASN1_UTF8STRING, NULL)
                                   : NULL;
    int len = value != NULL ? ASN1_STRING_length(value) : 0;

    if (len <= 0 || len >= (int)sizeof(word))
        return KEY_PROTECTION_UNKNOWN;
    memcpy(word, ASN1_STRING_get0_data(value), (size_t)len);
    if (strlen(word) != (size_t)len || identity_extension_protection_parse(word, &protection) < 0)
        return KEY_PROTECTION_UNKNOWN;
    return protection;
}

enum key_protection csr_protection_of(const struct csr *csr)
{
    enum key_protection protection = KEY_PROTECTION_UNKNOWN;
    ASN1_OBJECT *name = OBJ_txt2obj(OID, 1);
    int at = name != NULL ? X509_REQ_get_attr_by_OBJ(csr_handle(csr), name, -1) : -1;

    /* Two of them contradict each other, or may. */
    if (at >= 0 && X509_REQ_get_attr_by_OBJ(csr_handle(csr), name, at) < 0)
        protection = read_value(X509_REQ_get_attr(csr_handle(csr), at));
    ASN1_OBJECT_free(name);
    ERR_clear_error();
    return protection;
}
