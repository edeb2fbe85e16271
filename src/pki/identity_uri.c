/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/identity_uri.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SCHEME "spiffe://"

static const char *const kind_names[IDENTITY_KIND_COUNT] = {
    [IDENTITY_DEVICE] = "device",
    [IDENTITY_SERVICE] = "service",
    [IDENTITY_ADMIN] = "admin",
};

/* Not ctype: what is valid may not depend on the locale. */
static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_letter_or_digit(char c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool is_text_of(const char *text, size_t size, bool (*is_first)(char))
{
    if (text == NULL || !is_first(text[0]))
        return false;
    size_t len = strnlen(text, size);
    for (size_t i = 1; i < len; i++)
        if (!is_first(text[i]) && text[i] != '.' && text[i] != '_' && text[i] != '-')
            return false;
    return len < size;
}

bool identity_uri_name_is_valid(const char *name)
{
    return is_text_of(name, IDENTITY_URI_NAME_SIZE, is_letter_or_digit);
}

bool identity_uri_domain_is_valid(const char *domain)
{
    return is_text_of(domain, IDENTITY_URI_DOMAIN_SIZE, is_lower_or_digit);
}

int identity_uri_format(const struct identity_uri *uri, char *out)
{
    if (!identity_uri_domain_is_valid(uri->trust_domain) || !identity_uri_name_is_valid(uri->name)
        || (unsigned)uri->kind >= IDENTITY_KIND_COUNT)
        return -EINVAL;
    (void)snprintf(out, IDENTITY_URI_SIZE, SCHEME "%s/%s/%s", uri->trust_domain,
                   kind_names[uri->kind], uri->name);
    return 0;
}

/* Cuts the part before the next '/' (or the end) off `rest` into `part`. */
static int take_part(struct mqtt_span *rest, char *part, size_t size)
{
    const uint8_t *slash = rest->len > 0 ? memchr(rest->data, '/', rest->len) : NULL;
    size_t len = slash != NULL ? (size_t)(slash - rest->data) : rest->len;
    if (len == 0 || len >= size || memchr(rest->data, 0, len) != NULL)
        return -EINVAL;
    memcpy(part, rest->data, len);
    part[len] = '\0';
    size_t used = slash != NULL ? len + 1 : len;
    *rest = (struct mqtt_span){ rest->data + used, rest->len - used };
    return 0;
}

int identity_uri_parse(struct mqtt_span text, struct identity_uri *out)
{
    struct identity_uri uri;
    char kind[16];

    if (text.len >= IDENTITY_URI_SIZE || !span_starts_with(text, span_of(SCHEME)))
        return -EINVAL;
    struct mqtt_span rest = { text.data + strlen(SCHEME), text.len - strlen(SCHEME) };
    if (take_part(&rest, uri.trust_domain, sizeof(uri.trust_domain)) < 0
        || take_part(&rest, kind, sizeof(kind)) < 0
        || take_part(&rest, uri.name, sizeof(uri.name)) < 0
        || identity_uri_kind_parse(kind, &uri.kind) < 0)
        return -EINVAL;

    /* What does not come out again as it went in (a slash at the end, for one) is no identity. */
    char again[IDENTITY_URI_SIZE];
    if (identity_uri_format(&uri, again) < 0 || !span_equal(span_of(again), text))
        return -EINVAL;
    *out = uri;
    return 0;
}

const char *identity_uri_kind_text(enum identity_kind kind)
{
    return (unsigned)kind < IDENTITY_KIND_COUNT ? kind_names[kind] : "unknown";
}

int identity_uri_kind_parse(const char *text, enum identity_kind *out)
{
    for (unsigned i = 0; i < IDENTITY_KIND_COUNT; i++)
        if (strcmp(text, kind_names[i]) == 0) {
            *out = (enum identity_kind)i;
            return 0;
        }
    return -EINVAL;
}
