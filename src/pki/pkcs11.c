/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pkcs11.h"

#include "base/wipe.h"
#include "pki/passphrase.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The engine API is deprecated in OpenSSL 3 in favour of providers. Debian 12 has an engine for
 * PKCS#11 and no provider, so this file, and no other, uses it. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#define SCHEME       "pkcs11:"
#define PIN_FILE     "pin-source=file:" /* and an absolute path */
#define PIN_SOURCE   "pin-source="
#define PIN_VALUE    "pin-value="
#define URI_SIZE     1024
#define SECURITY_MIN 112 /* bits, as of keys in files */

/* A URI without its PIN, and the file that has it; empty: none. */
struct place {
    char uri[URI_SIZE];
    char pin_path[PATH_MAX];
};

bool pkcs11_uri_is_valid(const char *uri)
{
    const char *source = strstr(uri, PIN_SOURCE);
    return strncmp(uri, SCHEME, strlen(SCHEME)) == 0 && strlen(uri) < URI_SIZE
           && strstr(uri, PIN_VALUE) == NULL
           && (source == NULL
               || (strncmp(source, PIN_FILE, strlen(PIN_FILE)) == 0
                   && source[strlen(PIN_FILE)] == '/'));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A value as RFC 7512 writes it, %20 for a space. How many bytes, or -EINVAL. */
static int decode(const char *text, size_t len, uint8_t *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_digit(text[i + 2]);
            if (low < 0)
                return -EINVAL;
            c = high << 4 | low;
            i += 2;
        }
        if (n >= size)
            return -EINVAL;
        out[n++] = (uint8_t)c;
    }
    return (int)n;
}

static bool decode_path(const char *text, size_t len, char out[PATH_MAX])
{
    int n = decode(text, len, (uint8_t *)out, PATH_MAX - 1);
    if (n <= 0 || memchr(out, 0, (size_t)n) != NULL)
        return false;
    out[n] = '\0';
    return true;
}

int pkcs11_uri_attribute(const char *uri, const char *attribute, uint8_t *out, size_t size,
                         size_t *out_len)
{
    size_t name_len = strlen(attribute);
    const char *at = uri + strlen(SCHEME);
    while (strncmp(at, attribute, name_len) != 0 || at[name_len] != '=') {
        at += strcspn(at, ";?&");
        if (*at == '\0')
            return -ENOENT;
        at++;
    }
    at += name_len + 1;
    int n = decode(at, strcspn(at, ";?&"), out, size);
    if (n < 0)
        return n;
    *out_len = (size_t)n;
    return 0;
}

/* The engine would read the PIN's file itself, whoever may read it; so it does not see its name. */
static bool take_apart(const char *uri, struct place *out)
{
    const char *source = strstr(uri, PIN_SOURCE);
    if (source == NULL)
        return snprintf(out->uri, URI_SIZE, "%s", uri) < URI_SIZE;
    size_t len = strcspn(source, ";&");
    const char *path = source + strlen(PIN_FILE);
    if (!decode_path(path, len - strlen(PIN_FILE), out->pin_path))
        return false;
    size_t before = (size_t)(source - uri);
    const char *after = source + len;
    /* The separator on one side goes with it. */
    if (*after != '\0')
        after++;
    else
        before--;
    return snprintf(out->uri, URI_SIZE, "%.*s%s", (int)before, uri, after) < URI_SIZE;
}

bool pkcs11_uri_pin_path(const char *uri, char out[PATH_MAX])
{
    struct place place = { 0 };
    if (!pkcs11_uri_is_valid(uri) || !take_apart(uri, &place) || place.pin_path[0] == '\0')
        return false;
    memcpy(out, place.pin_path, sizeof(place.pin_path));
    return true;
}

static int open_engine(ENGINE **out, struct pki_fault *fault)
{
    ENGINE_load_dynamic();
    ENGINE *engine = ENGINE_by_id("pkcs11");
    if (engine == NULL)
        return pki_fail_crypto(fault, -ENODEV,
                               "there is no PKCS#11 engine; install libengine-pkcs11-openssl");
    if (ENGINE_init(engine) != 1) {
        ENGINE_free(engine);
        return pki_fail_crypto(fault, -ENODEV, "the PKCS#11 engine does not start");
    }
    *out = engine;
    return 0;
}

static int give_pin(ENGINE *engine, const struct passphrase *pin, struct pki_fault *fault)
{
    char text[PASSPHRASE_MAX_BYTES + 1];
    memcpy(text, pin->text, pin->len);
    text[pin->len] = '\0';
    int taken = ENGINE_ctrl_cmd_string(engine, "PIN", text, 0);
    wipe_bytes(text, sizeof(text));
    return taken == 1 ? 0
                      : pki_fail_crypto(fault, -ENODEV, "the PKCS#11 engine does not take the PIN");
}

static int give_pin_of_file(ENGINE *engine, const char *path, struct pki_fault *fault)
{
    struct passphrase pin = { 0 };
    int error = passphrase_load(path, &pin, fault);
    if (error == 0)
        error = give_pin(engine, &pin, fault);
    passphrase_fini(&pin);
    return error;
}

/* Never ask at the terminal by OpenSSL's own means: tacitd has none. */
static int no_question(UI *ui, UI_STRING *question)
{
    (void)ui;
    (void)question;
    return 0;
}

static EVP_PKEY *load_key(ENGINE *engine, const char *uri)
{
    UI_METHOD *silent = UI_create_method("nobody to ask");
    if (silent == NULL || UI_method_set_reader(silent, no_question) != 0) {
        UI_destroy_method(silent);
        return NULL;
    }
    EVP_PKEY *handle = ENGINE_load_private_key(engine, uri, silent, NULL);
    UI_destroy_method(silent);
    return handle;
}

static int open_in(ENGINE *engine, const struct place *place, const struct passphrase *pin,
                   struct key **out, struct pki_fault *fault)
{
    int error = 0;
    if (pin != NULL)
        error = give_pin(engine, pin, fault);
    else if (place->pin_path[0] != '\0')
        error = give_pin_of_file(engine, place->pin_path, fault);
    if (error < 0)
        return error;
    /* It reports on standard error otherwise, in words of its own. */
    (void)ENGINE_ctrl_cmd(engine, "QUIET", 0, NULL, NULL, 0);
    EVP_PKEY *handle = load_key(engine, place->uri);
    if (handle == NULL)
        return pki_fail_crypto(fault, -ENODEV,
                               "the token has no key of the name %s, or does not open with the "
                               "PIN",
                               place->uri);
    if (EVP_PKEY_get_security_bits(handle) < SECURITY_MIN) {
        EVP_PKEY_free(handle);
        return pki_fail(fault, -EINVAL, "%s: the key is too weak; make a P-256 key", place->uri);
    }
    return key_take(handle, out);
}

bool pkcs11_uri_has_pin(const char *uri)
{
    return strstr(uri, PIN_SOURCE) != NULL;
}

int pkcs11_open_key(const char *uri, const struct passphrase *pin, struct key **out,
                    struct pki_fault *fault)
{
    struct place place = { 0 };
    ENGINE *engine;
    if (!pkcs11_uri_is_valid(uri) || !take_apart(uri, &place))
        return pki_fail(fault, -EINVAL,
                        "the key is named like pkcs11:token=...;object=...?pin-source=file:PATH, "
                        "and the PIN itself does not stand there");
    int error = open_engine(&engine, fault);
    if (error < 0)
        return error;
    error = open_in(engine, &place, pin, out, fault);
    /* The key holds a reference of its own. */
    (void)ENGINE_finish(engine);
    (void)ENGINE_free(engine);
    return error;
}
