/* SPDX-License-Identifier: Apache-2.0 */
#include "est/message.h"

#include "base/wipe.h"
#include "pki/base64.h"

#include <errno.h>
#include <strings.h>

#define ROOT "/.well-known/est/"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ---- headers ---- */

/* What is behind the scheme, without the blanks around it. .data NULL: another scheme. */
static struct mqtt_span behind_scheme(struct mqtt_span header, const char *scheme)
{
    size_t len = strlen(scheme);

    if (header.len <= len || strncasecmp((const char *)header.data, scheme, len) != 0
        || header.data[len] != ' ')
        return (struct mqtt_span){ NULL, 0 };
    header.data += len;
    header.len -= len;
    while (header.len > 0 && is_blank(header.data[0])) {
        header.data++;
        header.len--;
    }
    while (header.len > 0 && is_blank(header.data[header.len - 1]))
        header.len--;
    return header;
}

static bool copy_text(struct mqtt_span text, char *out, size_t size)
{
    if (text.len == 0 || text.len >= size || memchr(text.data, 0, text.len) != NULL)
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static int read_basic(struct mqtt_span text, struct est_message_credentials *out)
{
    uint8_t pair[EST_MESSAGE_NAME_SIZE + EST_MESSAGE_TOKEN_SIZE];
    struct est_message_credentials c = { .has_name = true };
    size_t len = 0;
    int error =
        text.len / 4 * 3 + 3 <= sizeof(pair) ? base64_decode_lines(text, pair, &len) : -EBADMSG;

    const uint8_t *colon = error == 0 ? memchr(pair, ':', len) : NULL;
    if (colon == NULL
        || !copy_text((struct mqtt_span){ pair, (size_t)(colon - pair) }, c.name, sizeof(c.name))
        || !copy_text((struct mqtt_span){ colon + 1, len - (size_t)(colon - pair) - 1 }, c.token,
                      sizeof(c.token)))
        error = -EBADMSG;
    if (error == 0)
        *out = c;
    wipe_bytes(pair, sizeof(pair));
    wipe_bytes(&c, sizeof(c));
    return error;
}

static int read_bearer(struct mqtt_span text, struct est_message_credentials *out)
{
    struct est_message_credentials c = { .has_name = false };
    int error = copy_text(text, c.token, sizeof(c.token)) ? 0 : -EBADMSG;

    if (error == 0)
        *out = c;
    wipe_bytes(&c, sizeof(c));
    return error;
}

int est_message_credentials(struct mqtt_span header, struct est_message_credentials *out)
{
    struct mqtt_span basic = behind_scheme(header, "Basic");
    struct mqtt_span bearer = behind_scheme(header, "Bearer");

    if (basic.data != NULL)
        return read_basic(basic, out);
    return bearer.data != NULL ? read_bearer(bearer, out) : -EBADMSG;
}

bool est_message_is_type(struct mqtt_span header, const char *type)
{
    size_t len = strlen(type);

    return header.len >= len && strncasecmp((const char *)header.data, type, len) == 0
           && (header.len == len || header.data[len] == ';' || is_blank(header.data[len]));
}

struct mqtt_span est_message_operation(struct mqtt_span path)
{
    const struct mqtt_span none = { NULL, 0 };

    if (!span_starts_with(path, span_of(ROOT)))
        return none;
    path.data += strlen(ROOT);
    path.len -= strlen(ROOT);
    const uint8_t *slash = path.len > 0 ? memchr(path.data, '/', path.len) : NULL;
    if (slash == NULL)
        return path;
    /* One label between them, which stands for nothing here, and it is not empty. */
    size_t label = (size_t)(slash - path.data);
    struct mqtt_span rest = { slash + 1, path.len - label - 1 };
    if (label == 0 || rest.len == 0 || memchr(rest.data, '/', rest.len) != NULL)
        return none;
    return rest;
}
