/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/token_module.h"

#include "pki/passphrase.h"
#include "pki/pkcs11.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define EVERY_MODULE "libp11-kit.so.0" /* in front of all that p11-kit is configured for */
#define SLOTS_MAX    64
#define LABEL_BYTES  32
#define SERIAL_BYTES 16

int token_module_fail(struct pki_fault *fault, int error, CK_RV code, const char *what)
{
    return pki_fail(fault, error, "%s (PKCS#11 code 0x%lx)", what, (unsigned long)code);
}

/* An attribute of the URI as text; "" if it has none. */
static int text_of(const char *uri, const char *attribute, char *out, size_t size,
                   struct pki_fault *fault)
{
    size_t len = 0;
    int error = pkcs11_uri_attribute(uri, attribute, (uint8_t *)out, size - 1, &len);

    if (error < 0 && error != -ENOENT)
        return pki_fail(fault, error, "%s of the token's name is too long or not well encoded",
                        attribute);
    out[error == 0 ? len : 0] = '\0';
    return 0;
}

/* Not closed again: modules that bring OpenSSL do not survive that. */
static int load(const char *uri, CK_FUNCTION_LIST_PTR *out, struct pki_fault *fault)
{
    char path[PATH_MAX];
    CK_C_GetFunctionList list = NULL;
    int error = text_of(uri, "module-path", path, sizeof(path), fault);

    if (error < 0)
        return error;
    void *module = dlopen(path[0] != '\0' ? path : EVERY_MODULE, RTLD_NOW | RTLD_LOCAL);
    void *function = module != NULL ? dlsym(module, "C_GetFunctionList") : NULL;
    /* POSIX promises that this is a function's address; ISO C has no cast for it. */
    memcpy(&list, &function, sizeof(function));
    if (list == NULL || list(out) != CKR_OK)
        *out = NULL;
    if (*out != NULL)
        return 0;
    (void)pki_fail(fault, -ENODEV, "%.200s is no PKCS#11 module that can be loaded%s",
                   path[0] != '\0' ? path : EVERY_MODULE,
                   path[0] != '\0' ? "" : "; install p11-kit");
    return -ENODEV;
}

/* Names in a token are padded with blanks. */
static bool is_named(const CK_UTF8CHAR *padded, size_t size, const char *name)
{
    size_t len = strlen(name);

    if (len == 0)
        return true;
    if (len > size || memcmp(padded, name, len) != 0)
        return false;
    for (size_t i = len; i < size; i++)
        if (padded[i] != ' ')
            return false;
    return true;
}

static int find_slot(CK_FUNCTION_LIST_PTR f, const char *uri, CK_SLOT_ID *out,
                     struct pki_fault *fault)
{
    char label[LABEL_BYTES + 1];
    char serial[SERIAL_BYTES + 1];
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    int error = text_of(uri, "token", label, sizeof(label), fault);

    if (error == 0)
        error = text_of(uri, "serial", serial, sizeof(serial), fault);
    if (error < 0)
        return error;
    CK_RV code = f->C_GetSlotList(CK_TRUE, slots, &count);
    for (CK_ULONG i = 0; code == CKR_OK && i < count; i++) {
        CK_TOKEN_INFO info;
        if (f->C_GetTokenInfo(slots[i], &info) != CKR_OK
            || (info.flags & CKF_TOKEN_INITIALIZED) == 0
            || !is_named(info.label, sizeof(info.label), label)
            || !is_named(info.serialNumber, sizeof(info.serialNumber), serial))
            continue;
        *out = slots[i];
        return 0;
    }
    return pki_fail(fault, -ENODEV, "there is no token '%s'", label);
}

static int log_in(const struct token_module *module, const char *uri, struct pki_fault *fault)
{
    char path[PATH_MAX];
    struct passphrase pin = { 0 };

    if (!pkcs11_uri_pin_path(uri, path))
        return pki_fail(fault, -EINVAL,
                        "where is the PIN? Say pin-source=file:/PATH in the key's name; it never "
                        "stands there itself");
    int error = passphrase_load(path, &pin, fault);
    if (error < 0)
        return error;
    CK_RV code =
        module->functions->C_Login(module->session, CKU_USER, (CK_UTF8CHAR_PTR)pin.text, pin.len);
    passphrase_fini(&pin);
    if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN)
        return 0;
    return token_module_fail(fault, -EKEYREJECTED, code,
                             "the token does not open with the PIN; most lock themselves after a "
                             "few wrong ones");
}

static int open_session(struct token_module *module, const char *uri, bool writes,
                        struct pki_fault *fault)
{
    CK_SLOT_ID slot;
    CK_FLAGS flags = CKF_SERIAL_SESSION | (writes ? CKF_RW_SESSION : 0);
    int error = find_slot(module->functions, uri, &slot, fault);

    if (error < 0)
        return error;
    CK_RV code = module->functions->C_OpenSession(slot, flags, NULL, NULL, &module->session);
    if (code != CKR_OK)
        return token_module_fail(fault, -ENODEV, code, "the token gives no session");
    error = log_in(module, uri, fault);
    if (error < 0)
        (void)module->functions->C_CloseSession(module->session);
    return error;
}

int token_module_open(const char *uri, bool writes, struct token_module *out,
                      struct pki_fault *fault)
{
    struct token_module module = { .functions = NULL };

    if (!pkcs11_uri_is_valid(uri))
        return pki_fail(fault, -EINVAL,
                        "the key is named like pkcs11:token=...;object=...?pin-source=file:PATH, "
                        "and the PIN itself does not stand there");
    int error = load(uri, &module.functions, fault);
    if (error < 0)
        return error;
    CK_RV code = module.functions->C_Initialize(NULL);
    if (code != CKR_OK && code != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return token_module_fail(fault, -ENODEV, code, "the PKCS#11 module does not start");
    error = open_session(&module, uri, writes, fault);
    if (error < 0) {
        (void)module.functions->C_Finalize(NULL);
        return error;
    }
    *out = module;
    return 0;
}

void token_module_close(struct token_module *module)
{
    (void)module->functions->C_Logout(module->session);
    (void)module->functions->C_CloseSession(module->session);
    (void)module->functions->C_Finalize(NULL);
}
