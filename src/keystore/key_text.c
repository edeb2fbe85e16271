/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/key_text.h"

#include "base/wipe.h"
#include "pki/pkcs11.h"
#include "pki/private_file.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES   16384
#define HANDLE_PREFIX    "tpm:0x"
#define HANDLE_DIGITS    8
#define PERSISTENT_FIRST UINT32_C(0x81000000)
#define PERSISTENT_LAST  UINT32_C(0x817fffff)
#define HEX              16

bool key_text_is_token(const char *text)
{
    return pkcs11_uri_is_valid(text) && strlen(text) < KEY_TEXT_REFERENCE_SIZE;
}

bool key_text_handle(const char *text, uint32_t *out)
{
    const char *digits = text + sizeof(HANDLE_PREFIX) - 1;

    if (strncmp(text, HANDLE_PREFIX, sizeof(HANDLE_PREFIX) - 1) != 0
        || strlen(digits) != HANDLE_DIGITS
        || strspn(digits, "0123456789abcdefABCDEF") != HANDLE_DIGITS)
        return false;
    uint32_t handle = (uint32_t)strtoul(digits, NULL, HEX);
    if (handle < PERSISTENT_FIRST || handle > PERSISTENT_LAST)
        return false;
    *out = handle;
    return true;
}

void key_text_fini(struct key_text *text)
{
    if (text->owned != NULL)
        OPENSSL_clear_free(text->owned, text->bytes.len);
    *text = (struct key_text){ .owned = NULL };
}

/* False: the text names no key. */
static bool take_reference(const char *name, struct key_text *out)
{
    uint32_t handle;
    struct key_text text = { .protection = KEY_PROTECTION_UNKNOWN };

    if (key_text_is_token(name))
        text.protection = KEY_PROTECTION_PKCS11;
    else if (key_text_handle(name, &handle))
        text.protection = KEY_PROTECTION_TPM;
    else
        return false;
    memcpy(text.reference, name, strlen(name) + 1);
    *out = text;
    return true;
}

static int take_pem(const uint8_t *bytes, size_t len, struct key_text *out)
{
    struct key_text text = { .protection = KEY_PROTECTION_PLAIN };
    char *name = NULL;
    char *header = NULL;
    long body_len = 0;
    BIO *bio = BIO_new_mem_buf(bytes, (int)len);
    bool is_pem = bio != NULL && PEM_read_bio(bio, &name, &header, &text.owned, &body_len) == 1;

    if (is_pem) {
        text.bytes = (struct mqtt_span){ text.owned, (size_t)body_len };
        if (strcmp(name, KEY_TEXT_SEALED) == 0)
            text.protection = KEY_PROTECTION_SEALED;
        else if (strcmp(name, KEY_TEXT_TPM) == 0)
            text.protection = KEY_PROTECTION_TPM;
        else
            key_text_fini(&text);
        text.protection = text.owned != NULL ? text.protection : KEY_PROTECTION_PLAIN;
    }
    bool is_key = is_pem
                  && (text.owned != NULL || strstr(name, "PRIVATE KEY") != NULL
                      || strstr(name, "EC PARAMETERS") != NULL);
    BIO_free(bio);
    OPENSSL_free(name);
    OPENSSL_free(header);
    ERR_clear_error();
    if (!is_key)
        return -EBADMSG;
    *out = text;
    return 0;
}

int key_text_read(const char *place, struct key_text *out, struct pki_fault *fault)
{
    uint8_t *bytes;
    size_t len;

    if (take_reference(place, out))
        return 0;
    int error = private_file_is_closed(place);
    if (error == -EPERM)
        return pki_fail(fault, error, "%s: others can read this private key; chmod 600 it", place);
    if (error == 0)
        error = private_file_read(place, FILE_MAX_BYTES, &bytes, &len);
    if (error < 0)
        return pki_fail(fault, error, "%s: cannot read the private key: %s", place,
                        strerror(-error));
    size_t line = strcspn((char *)bytes, "\r\n");
    bool is_short = line < KEY_TEXT_REFERENCE_SIZE;
    char name[KEY_TEXT_REFERENCE_SIZE] = "";
    if (is_short)
        memcpy(name, bytes, line);
    if (!is_short || !take_reference(name, out))
        error = take_pem(bytes, len, out);
    wipe_bytes(bytes, len);
    free(bytes);
    return error < 0 ? pki_fail(fault, error, "%s: no private key", place) : 0;
}

static int write_file(const char *path, struct mqtt_span bytes, struct pki_fault *fault)
{
    int error = private_file_write(path, bytes, PRIVATE_FILE_KEEP);

    return error < 0 ? pki_fail(fault, error, "%s: cannot write the private key: %s", path,
                                strerror(-error))
                     : 0;
}

int key_text_write(const char *path, const char *label, struct mqtt_span bytes,
                   struct pki_fault *fault)
{
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    int error = -EIO;

    if (bio != NULL && PEM_write_bio(bio, label, "", bytes.data, (long)bytes.len) > 0) {
        long len = BIO_get_mem_data(bio, &text);
        error = write_file(path, (struct mqtt_span){ (const uint8_t *)text, (size_t)len }, fault);
    } else {
        error = pki_fail_crypto(fault, error, "%s: cannot encode the key", path);
    }
    BIO_free(bio);
    return error;
}

int key_text_write_reference(const char *path, const char *reference, struct pki_fault *fault)
{
    char line[KEY_TEXT_REFERENCE_SIZE + 1];
    int len = snprintf(line, sizeof(line), "%s\n", reference);

    if (len < 0 || len >= (int)sizeof(line))
        return pki_fail(fault, -EINVAL, "the name of the key is too long");
    return write_file(path, (struct mqtt_span){ (const uint8_t *)line, (size_t)len }, fault);
}
