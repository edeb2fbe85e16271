/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/authority.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "authority: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

static FILE *open_file(const struct tls_fixture *fixture, const char *stem, const char *ending,
                       const char *mode)
{
    char name[64];
    char path[128];
    snprintf(name, sizeof(name), "%.50s%s", stem, ending);
    tls_fixture_path(fixture, name, path);
    FILE *file = fopen(path, mode);
    need(file != NULL, path);
    return file;
}

static X509 *load_certificate(const struct tls_fixture *fixture, const char *stem)
{
    FILE *file = open_file(fixture, stem, ".crt", "r");
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    need(certificate != NULL, stem);
    return certificate;
}

static EVP_PKEY *load_key(const struct tls_fixture *fixture, const char *stem)
{
    FILE *file = open_file(fixture, stem, ".key", "r");
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    need(key != NULL, stem);
    return key;
}

static EVP_PKEY *make_key(enum tls_authority_key kind)
{
    EVP_PKEY *key = NULL;
    switch (kind) {
    case TLS_AUTHORITY_P256:
        key = EVP_EC_gen("P-256");
        break;
    case TLS_AUTHORITY_ED25519:
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    case TLS_AUTHORITY_RSA_1024:
        key = EVP_RSA_gen(1024);
        break;
    case TLS_AUTHORITY_RSA_2048:
        key = EVP_RSA_gen(2048);
        break;
    }
    need(key != NULL, "key");
    return key;
}

static void add_extensions(X509 *certificate, X509 *issuer,
                           const struct tls_authority_subject *subject)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < TLS_AUTHORITY_EXTENSIONS && subject->extensions[i].name != NULL; i++) {
        X509_EXTENSION *extension = X509V3_EXT_nconf(NULL, &context, subject->extensions[i].name,
                                                     subject->extensions[i].value);
        need(extension != NULL && X509_add_ext(certificate, extension, -1) == 1,
             subject->extensions[i].value);
        X509_EXTENSION_free(extension);
    }
}

static void add_filler(X509 *certificate, size_t len)
{
    char *comment = malloc(len + 1);
    need(comment != NULL, "filler");
    memset(comment, 'x', len);
    comment[len] = '\0';
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, comment);
    need(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, "filler");
    X509_EXTENSION_free(extension);
    free(comment);
}

static void sign(X509 *certificate, EVP_PKEY *key, const struct tls_authority_subject *subject)
{
    const EVP_MD *digest = subject->uses_sha1 ? EVP_sha1() : EVP_sha256();
    bool is_edwards = EVP_PKEY_is_a(key, "ED25519") == 1;
    need(X509_sign(certificate, key, is_edwards ? NULL : digest) > 0, "sign");
    /* What was signed is not what stands there. */
    if (subject->is_forged)
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), subject->serial + 1);
}

static void copy_file(const struct tls_fixture *fixture, FILE *to, const char *stem)
{
    char block[4096];
    FILE *from = open_file(fixture, stem, ".crt", "r");
    for (size_t len; (len = fread(block, 1, sizeof(block), from)) > 0;)
        need(fwrite(block, 1, len, to) == len, "copy");
    fclose(from);
}

static void save(const struct tls_fixture *fixture, const struct tls_authority_subject *subject,
                 X509 *certificate, EVP_PKEY *key)
{
    FILE *file = open_file(fixture, subject->file, ".crt", "w");
    need(PEM_write_X509(file, certificate) == 1, "write certificate");
    if (subject->chain != NULL)
        copy_file(fixture, file, subject->chain);
    fclose(file);
    file = open_file(fixture, subject->file, ".key", "w");
    need(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1, "write key");
    fclose(file);
}

void tls_authority_make(const struct tls_fixture *fixture,
                        const struct tls_authority_subject *subject)
{
    EVP_PKEY *key = make_key(subject->key);
    X509 *certificate = X509_new();
    need(certificate != NULL, "certificate");
    X509 *issuer = subject->issuer != NULL ? load_certificate(fixture, subject->issuer) : NULL;
    EVP_PKEY *signing = subject->issuer != NULL ? load_key(fixture, subject->issuer) : NULL;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), subject->serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), subject->from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), subject->until_s);
    X509_set_pubkey(certificate, key);
    need(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                    (const unsigned char *)subject->file, -1, -1, 0)
             == 1,
         "name");
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer != NULL ? issuer : certificate));
    add_extensions(certificate, issuer != NULL ? issuer : certificate, subject);
    if (subject->filler_bytes > 0)
        add_filler(certificate, subject->filler_bytes);
    sign(certificate, signing != NULL ? signing : key, subject);
    save(fixture, subject, certificate, key);
    X509_free(issuer);
    EVP_PKEY_free(signing);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void tls_authority_join(const struct tls_fixture *fixture, const char *file,
                        const char *const *files, size_t count)
{
    FILE *to = open_file(fixture, file, ".crt", "w");
    for (size_t i = 0; i < count; i++)
        copy_file(fixture, to, files[i]);
    fclose(to);
}
