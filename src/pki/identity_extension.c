/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/identity_extension.h"

#include <errno.h>
#include <string.h>

#define VERSION 1

/* DER tags. The context-specific ones are implicit and primitive. */
#define TAG_INTEGER    0x02
#define TAG_UTF8       0x0c
#define TAG_SEQUENCE   0x30
#define TAG_TENANT     0x80
#define TAG_SITE       0x81
#define TAG_PROTECTION 0x82
#define TAG_ATTESTED   0x83

#define DER_TRUE     0xff
#define SHORT_LENGTH 0x80  /* lengths below stand in one byte */
#define LONG_1       0x81  /* one byte of length follows */
#define LONG_2       0x82  /* two bytes follow */
#define LENGTH_1_MAX 0xffu /* what one byte of length can say */

static const char *const protections[KEY_PROTECTION_COUNT] = {
    [KEY_PROTECTION_UNKNOWN] = "unknown", [KEY_PROTECTION_PLAIN] = "plain",
    [KEY_PROTECTION_SEALED] = "sealed",   [KEY_PROTECTION_PKCS11] = "pkcs11",
    [KEY_PROTECTION_TPM] = "tpm",
};

const char *identity_extension_protection_text(enum key_protection protection)
{
    return (unsigned)protection < KEY_PROTECTION_COUNT ? protections[protection] : protections[0];
}

int identity_extension_protection_parse(const char *text, enum key_protection *out)
{
    for (unsigned i = 0; i < KEY_PROTECTION_COUNT; i++)
        if (strcmp(text, protections[i]) == 0) {
            *out = (enum key_protection)i;
            return 0;
        }
    return -EINVAL;
}

/* ---- writing ---- */

static size_t put_header(uint8_t *at, uint8_t tag, size_t len)
{
    size_t n = 0;
    at[n++] = tag;
    if (len > LENGTH_1_MAX) {
        at[n++] = LONG_2;
        at[n++] = (uint8_t)(len >> 8);
    } else if (len >= SHORT_LENGTH) {
        at[n++] = LONG_1;
    }
    at[n++] = (uint8_t)len;
    return n;
}

static size_t put_text(uint8_t *at, uint8_t tag, const char *text)
{
    size_t len = strlen(text);
    size_t n = put_header(at, tag, len);
    memcpy(at + n, text, len);
    return n + len;
}

static size_t put_byte(uint8_t *at, uint8_t tag, uint8_t value)
{
    size_t n = put_header(at, tag, 1);
    at[n] = value;
    return n + 1;
}

static bool is_name_or_empty(const char *name)
{
    return name[0] == '\0' || registry_name_is_valid(name);
}

static bool is_valid(const struct identity_extension *e)
{
    return registry_name_is_valid(e->role) && is_name_or_empty(e->tenant)
           && is_name_or_empty(e->site) && (unsigned)e->protection < KEY_PROTECTION_COUNT;
}

int identity_extension_encode(const struct identity_extension *extension, uint8_t *out,
                              size_t *out_len)
{
    uint8_t body[IDENTITY_EXTENSION_MAX_BYTES];
    if (!is_valid(extension))
        return -EINVAL;

    size_t len = put_byte(body, TAG_INTEGER, VERSION);
    len += put_text(body + len, TAG_UTF8, extension->role);
    if (extension->tenant[0] != '\0')
        len += put_text(body + len, TAG_TENANT, extension->tenant);
    if (extension->site[0] != '\0')
        len += put_text(body + len, TAG_SITE, extension->site);
    if (extension->protection != KEY_PROTECTION_UNKNOWN)
        len += put_byte(body + len, TAG_PROTECTION, (uint8_t)extension->protection);
    if (extension->is_attested)
        len += put_byte(body + len, TAG_ATTESTED, DER_TRUE);

    size_t header = put_header(out, TAG_SEQUENCE, len);
    memcpy(out + header, body, len);
    *out_len = header + len;
    return 0;
}

/* ---- reading ---- */

/* Takes one element with that tag off the front of *rest; lengths are definite and minimal. */
static bool take(struct mqtt_span *rest, uint8_t tag, struct mqtt_span *out)
{
    const uint8_t *at = rest->data;
    if (rest->len < 2 || at[0] != tag)
        return false;
    size_t header = 2;
    size_t len = at[1];
    if (len == LONG_1 && rest->len >= 3 && at[2] >= SHORT_LENGTH) {
        len = at[2];
        header = 3;
    } else if (len == LONG_2 && rest->len >= 4 && at[2] != 0) {
        len = (size_t)at[2] << 8 | at[3];
        header = 4;
    } else if (len >= SHORT_LENGTH) {
        return false;
    }
    if (len > rest->len - header)
        return false;
    *out = (struct mqtt_span){ at + header, len };
    *rest = (struct mqtt_span){ at + header + len, rest->len - header - len };
    return true;
}

static bool starts_with(const struct mqtt_span *rest, uint8_t tag)
{
    return rest->len > 0 && rest->data[0] == tag;
}

static bool take_text(struct mqtt_span *rest, uint8_t tag, char out[REGISTRY_TEXT_SIZE])
{
    struct mqtt_span text;
    if (!take(rest, tag, &text) || text.len == 0 || text.len >= REGISTRY_TEXT_SIZE
        || memchr(text.data, 0, text.len) != NULL)
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return registry_name_is_valid(out);
}

static bool take_optional_text(struct mqtt_span *rest, uint8_t tag, char out[REGISTRY_TEXT_SIZE])
{
    return !starts_with(rest, tag) || take_text(rest, tag, out);
}

static bool take_byte(struct mqtt_span *rest, uint8_t tag, uint8_t *out)
{
    struct mqtt_span value;
    if (!take(rest, tag, &value) || value.len != 1)
        return false;
    *out = value.data[0];
    return true;
}

/* The default is not written, so it is not accepted either: one meaning has one encoding. */
static bool take_protection(struct mqtt_span *rest, enum key_protection *out)
{
    uint8_t value = 0;
    if (!starts_with(rest, TAG_PROTECTION))
        return true;
    if (!take_byte(rest, TAG_PROTECTION, &value) || value == KEY_PROTECTION_UNKNOWN
        || value >= KEY_PROTECTION_COUNT)
        return false;
    *out = (enum key_protection)value;
    return true;
}

static bool take_attested(struct mqtt_span *rest, bool *out)
{
    uint8_t value = 0;
    if (!starts_with(rest, TAG_ATTESTED))
        return true;
    *out = take_byte(rest, TAG_ATTESTED, &value) && value == DER_TRUE;
    return *out;
}

int identity_extension_decode(struct mqtt_span der, struct identity_extension *out)
{
    struct identity_extension extension = { 0 };
    struct mqtt_span body;
    uint8_t version = 0;

    if (!take(&der, TAG_SEQUENCE, &body) || der.len != 0 || !take_byte(&body, TAG_INTEGER, &version)
        || version != VERSION || !take_text(&body, TAG_UTF8, extension.role)
        || !take_optional_text(&body, TAG_TENANT, extension.tenant)
        || !take_optional_text(&body, TAG_SITE, extension.site)
        || !take_protection(&body, &extension.protection)
        || !take_attested(&body, &extension.is_attested) || body.len != 0)
        return -EBADMSG;
    *out = extension;
    return 0;
}

enum key_protection identity_extension_protection_of(const char *text)
{
    enum key_protection protection = KEY_PROTECTION_UNKNOWN;

    return identity_extension_protection_parse(text, &protection) == 0 ? protection
                                                                       : KEY_PROTECTION_UNKNOWN;
}
