/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/device_key.h"

#include "base/wipe.h"
#include "keystore/key_text.h"
#include "keystore/sealed_key.h"
#include "keystore/token_key.h"
#include "keystore/tpm_key.h"
#include "pki/private_file.h"
#include "ports/signing_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int device_key_parse_store(const char *text, struct device_key_store *out)
{
    uint32_t handle;

    if (strcmp(text, "file") == 0)
        *out = (struct device_key_store){ .protection = KEY_PROTECTION_PLAIN };
    else if (strcmp(text, "sealed") == 0)
        *out = (struct device_key_store){ .protection = KEY_PROTECTION_SEALED };
    else if (strcmp(text, "tpm") == 0)
        *out = (struct device_key_store){ .protection = KEY_PROTECTION_TPM };
    else if (key_text_is_token(text))
        *out = (struct device_key_store){ .protection = KEY_PROTECTION_PKCS11, .uri = text };
    else if (key_text_handle(text, &handle))
        *out = (struct device_key_store){ .protection = KEY_PROTECTION_TPM, .uri = text };
    else
        return -EINVAL;
    return 0;
}

int device_key_protection(const char *place, enum key_protection *out, struct pki_fault *fault)
{
    struct key_text text;
    int error = key_text_read(place, &text, fault);

    if (error < 0)
        return error;
    *out = text.protection;
    key_text_fini(&text);
    return 0;
}

int device_key_same_store(const char *place, char room[DEVICE_KEY_PLACE_SIZE],
                          struct device_key_store *out, struct pki_fault *fault)
{
    struct key_text text;
    int error = key_text_read(place, &text, fault);

    if (error < 0)
        return error;
    *out = (struct device_key_store){ .protection = text.protection };
    if (text.protection == KEY_PROTECTION_PKCS11
        && snprintf(room, DEVICE_KEY_PLACE_SIZE, "%s", text.reference) < DEVICE_KEY_PLACE_SIZE)
        out->uri = room;
    key_text_fini(&text);
    return 0;
}

/* ---- making ---- */

static int seal(const struct software_key_halves *halves, const char *path, struct pki_fault *fault)
{
    uint8_t sealed[SEALED_FORMAT_MAX_BYTES];
    size_t len = 0;
    int error = sealed_key_close(halves, tpm_link_is_there(), sealed, &len, fault);

    return error == 0
               ? key_text_write(path, KEY_TEXT_SEALED, (struct mqtt_span){ sealed, len }, fault)
               : error;
}

static int create_plain(const char *path, struct pki_fault *fault)
{
    struct key *key;
    int error = key_generate(&key, fault);

    if (error < 0)
        return error;
    error = key_save(key, path, fault);
    key_free(key);
    return error;
}

static int create_sealed(const char *path, struct pki_fault *fault)
{
    struct software_key_halves halves;
    int error = software_key_generate(&halves, fault);

    if (error == 0)
        error = seal(&halves, path, fault);
    wipe_bytes(&halves, sizeof(halves));
    return error;
}

static int create_in_token(const char *uri, bool is_other, const char *path,
                           struct pki_fault *fault)
{
    char made[TOKEN_KEY_URI_SIZE];
    int error = token_key_make(uri, is_other, made, fault);

    return error == 0 ? key_text_write_reference(path, made, fault) : error;
}

/* A handle has one key: another one becomes a blob in the file. */
static int create_in_tpm(const char *uri, const char *path, struct pki_fault *fault)
{
    uint8_t blob[TPM_BLOB_MAX_BYTES];
    size_t len = 0;
    uint32_t handle = 0;
    int error;

    if (uri != NULL && key_text_handle(uri, &handle)) {
        error = tpm_key_make_at(handle, fault);
        return error == 0 ? key_text_write_reference(path, uri, fault) : error;
    }
    error = tpm_key_make(blob, &len, fault);
    return error == 0 ? key_text_write(path, KEY_TEXT_TPM, (struct mqtt_span){ blob, len }, fault)
                      : error;
}

int device_key_create(const struct device_key_store *store, bool is_other, const char *path,
                      struct pki_fault *fault)
{
    switch (store->protection) {
    case KEY_PROTECTION_PLAIN:
        return create_plain(path, fault);
    case KEY_PROTECTION_SEALED:
        return create_sealed(path, fault);
    case KEY_PROTECTION_PKCS11:
        return create_in_token(store->uri, is_other, path, fault);
    case KEY_PROTECTION_TPM:
        return create_in_tpm(is_other ? NULL : store->uri, path, fault);
    case KEY_PROTECTION_UNKNOWN:
    case KEY_PROTECTION_COUNT:
        break;
    }
    return pki_fail(fault, -EINVAL, "there is no such store of keys");
}

/* ---- sealing what is there ---- */

bool device_key_has_tpm(void)
{
    return tpm_link_is_there();
}

static int take_apart(const char *path, struct software_key_halves *out, struct pki_fault *fault)
{
    struct key *key;
    int error = key_load(path, &key, fault);

    if (error < 0)
        return error;
    error = software_key_take_apart(key, out, fault);
    key_free(key);
    return error;
}

static int halves_of(const char *from, struct software_key_halves *out, struct pki_fault *fault)
{
    struct key_text text;
    int error = key_text_read(from, &text, fault);

    if (error < 0)
        return error;
    if (text.protection == KEY_PROTECTION_PLAIN)
        error = take_apart(from, out, fault);
    else if (text.protection == KEY_PROTECTION_SEALED)
        error = sealed_key_open(text.bytes, out, fault);
    else
        error = pki_fail(fault, -ENOTSUP, "%s: hardware has the key, and gives it to nobody", from);
    key_text_fini(&text);
    return error;
}

int device_key_seal(const char *from, const char *path, struct pki_fault *fault)
{
    struct software_key_halves halves;
    int error = halves_of(from, &halves, fault);

    if (error < 0)
        return error;
    error = seal(&halves, path, fault);
    wipe_bytes(&halves, sizeof(halves));
    return error;
}

/* ---- using ---- */

static int hook_sealed(struct mqtt_span bytes, struct tacit_key *out, struct pki_fault *fault)
{
    struct software_key_halves halves;
    int error = sealed_key_open(bytes, &halves, fault);

    if (error == 0)
        error = software_key_hook(&halves, out, fault);
    wipe_bytes(&halves, sizeof(halves));
    return error;
}

static int hook_of(const struct key_text *text, struct tacit_key *out, struct pki_fault *fault)
{
    uint32_t handle;

    switch (text->protection) {
    case KEY_PROTECTION_SEALED:
        return hook_sealed(text->bytes, out, fault);
    case KEY_PROTECTION_PKCS11:
        return token_key_open(text->reference, out, fault);
    case KEY_PROTECTION_TPM:
        return text->reference[0] != '\0' && key_text_handle(text->reference, &handle)
                   ? tpm_key_at(handle, out, fault)
                   : tpm_key_of_blob(text->bytes, out, fault);
    case KEY_PROTECTION_PLAIN:
        *out = (struct tacit_key){ .sign = NULL };
        return 0;
    case KEY_PROTECTION_UNKNOWN:
    case KEY_PROTECTION_COUNT:
        break;
    }
    return pki_fail(fault, -EBADMSG, "this is no key");
}

int device_key_hook(const char *place, struct tacit_key *out, struct pki_fault *fault)
{
    struct key_text text;
    struct pki_fault why = { "" };
    int error = key_text_read(place, &text, fault);

    if (error < 0)
        return error;
    error = hook_of(&text, out, &why);
    key_text_fini(&text);
    return error < 0 ? pki_fail(fault, error, "%.150s: %.300s", place, why.text) : 0;
}

int device_key_load(const char *place, struct key **out, struct pki_fault *fault)
{
    struct tacit_key hook = { .sign = NULL };
    int error = device_key_hook(place, &hook, fault);

    if (error < 0)
        return error;
    if (hook.sign == NULL)
        return key_load(place, out, fault);
    struct evp_pkey_st *handle = tacit_signing_key_new(&hook);
    return handle != NULL ? key_take(handle, out)
                          : pki_fail_crypto(fault, -EIO, "%.150s: the key cannot be used", place);
}

struct tacit_tls *device_key_tls_new(const struct tacit_tls_options *options, char *error,
                                     size_t error_size)
{
    struct tacit_tls_options copy = *options;
    struct tacit_key hook = { .sign = NULL };
    struct pki_fault fault = { "" };

    if (options->key_file != NULL && options->certificate_file != NULL
        && device_key_hook(options->key_file, &hook, &fault) < 0) {
        (void)snprintf(error, error_size, "%s", fault.text);
        return NULL;
    }
    if (hook.sign != NULL)
        copy.key = &hook;
    return tacit_tls_new(&copy, error, error_size);
}
