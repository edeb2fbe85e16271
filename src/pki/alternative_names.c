/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/alternative_names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DNS_NAME_MAX  253
#define DNS_LABEL_MAX 63

struct alternative_names {
    GENERAL_NAMES *list;
};

struct alternative_names *alternative_names_new(void)
{
    struct alternative_names *names = malloc(sizeof(*names));
    if (names == NULL)
        return NULL;
    names->list = sk_GENERAL_NAME_new_null();
    if (names->list == NULL) {
        free(names);
        return NULL;
    }
    return names;
}

void alternative_names_free(struct alternative_names *names)
{
    if (names == NULL)
        return;
    GENERAL_NAMES_free(names->list);
    free(names);
}

static bool is_listed(const struct alternative_names *names, GENERAL_NAME *name)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names->list); i++)
        if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(names->list, i), name) == 0)
            return true;
    return false;
}

/* `string_type` is what ASN.1 calls the content of a name of this `type`. */
static int add(struct alternative_names *names, int type, int string_type, const void *data,
               size_t len)
{
    ASN1_STRING *value = ASN1_STRING_type_new(string_type);
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (value == NULL || name == NULL || ASN1_STRING_set(value, data, (int)len) != 1) {
        ASN1_STRING_free(value);
        GENERAL_NAME_free(name);
        return -ENOMEM;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (is_listed(names, name)) {
        GENERAL_NAME_free(name);
        return 0;
    }
    if (sk_GENERAL_NAME_push(names->list, name) <= 0) {
        GENERAL_NAME_free(name);
        return -ENOMEM;
    }
    return 0;
}

int alternative_names_add_uri(struct alternative_names *names, const char *uri)
{
    for (const char *c = uri; *c != '\0'; c++)
        if (*c <= ' ' || *c >= 0x7f)
            return -EINVAL;
    return uri[0] != '\0' ? add(names, GEN_URI, V_ASN1_IA5STRING, uri, strlen(uri)) : -EINVAL;
}

static bool is_dns_label(const char *label, size_t len)
{
    if (len == 0 || len > DNS_LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)label[i]) && label[i] != '-' && label[i] != '_')
            return false;
    return true;
}

static bool is_dns_name(const char *name)
{
    if (strlen(name) > DNS_NAME_MAX)
        return false;
    if (strncmp(name, "*.", 2) == 0)
        name += 2;
    for (;;) {
        size_t len = strcspn(name, ".");
        if (!is_dns_label(name, len))
            return false;
        if (name[len] == '\0')
            /* A last label of digits only is a mistyped address. */
            return strspn(name, "0123456789") != len;
        name += len + 1;
    }
}

int alternative_names_add_host(struct alternative_names *names, const char *host)
{
    uint8_t address[16];
    if (inet_pton(AF_INET, host, address) == 1)
        return add(names, GEN_IPADD, V_ASN1_OCTET_STRING, address, 4);
    if (inet_pton(AF_INET6, host, address) == 1)
        return add(names, GEN_IPADD, V_ASN1_OCTET_STRING, address, 16);
    if (!is_dns_name(host))
        return -EINVAL;
    return add(names, GEN_DNS, V_ASN1_IA5STRING, host, strlen(host));
}

int alternative_names_add_hosts_of(struct alternative_names *names,
                                   const struct x509_st *certificate)
{
    int error = 0;
    GENERAL_NAMES *theirs = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(theirs) && error == 0; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(theirs, i);
        if (name->type != GEN_DNS && name->type != GEN_IPADD)
            continue;
        const ASN1_STRING *value = name->d.ia5;
        error = add(names, name->type, ASN1_STRING_type(value), ASN1_STRING_get0_data(value),
                    (size_t)ASN1_STRING_length(value));
    }
    GENERAL_NAMES_free(theirs);
    return error;
}

int alternative_names_apply(const struct alternative_names *names, struct x509_st *certificate)
{
    return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names->list, 0, X509V3_ADD_DEFAULT)
                   == 1
               ? 0
               : -EIO;
}
