/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/blocked_list.h"

#include <string.h>

#define MODULUS_PREFIX "modulus-sha1:"

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool blocked_list_decode(struct mqtt_span hex, uint8_t *out, size_t count)
{
    uint8_t bytes[BLOCKED_KEY_BYTES];

    if (count > sizeof(bytes) || hex.len != 2 * count)
        return false;
    for (size_t i = 0; i < count; i++) {
        int high = digit_of(hex.data[2 * i]);
        int low = digit_of(hex.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(out, bytes, count);
    return true;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct mqtt_span trim(struct mqtt_span text)
{
    while (text.len > 0 && is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* Takes the first word off `text`. */
static struct mqtt_span take_word(struct mqtt_span *text)
{
    size_t len = 0;

    while (len < text->len && !is_blank(text->data[len]))
        len++;
    struct mqtt_span word = { text->data, len };
    *text = trim((struct mqtt_span){ text->data + len, text->len - len });
    return word;
}

static const char *read_reason(struct mqtt_span text, char out[BLOCKED_REASON_SIZE])
{
    if (text.len >= BLOCKED_REASON_SIZE)
        return "the reason is too long; 199 bytes are the most";
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < ' ' || text.data[i] > '~')
            return "the reason has a character that is no printable ASCII";
    if (text.len > 0)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return NULL;
}

static enum blocked_line_kind read_id(struct mqtt_span word, uint8_t *out)
{
    struct mqtt_span prefix = span_of(MODULUS_PREFIX);

    if (blocked_list_decode(word, out, BLOCKED_KEY_BYTES))
        return BLOCKED_LINE_KEY;
    if (span_starts_with(word, prefix))
        word = (struct mqtt_span){ word.data + prefix.len, word.len - prefix.len };
    return blocked_list_decode(word, out, BLOCKED_TAG_BYTES) ? BLOCKED_LINE_MODULUS
                                                             : BLOCKED_LINE_WRONG;
}

void blocked_line_parse(struct mqtt_span line, struct blocked_line *out)
{
    struct mqtt_span rest = trim(line);

    *out = (struct blocked_line){ .kind = BLOCKED_LINE_EMPTY };
    if (rest.len == 0 || rest.data[0] == '#')
        return;
    out->kind = read_id(take_word(&rest), out->id);
    out->why = out->kind == BLOCKED_LINE_WRONG
                   ? "neither the SHA-256 of a key (64 hexadecimal digits) nor the tag of an RSA "
                     "modulus (20 of them)"
                   : read_reason(rest, out->reason);
    if (out->why != NULL)
        out->kind = BLOCKED_LINE_WRONG;
}

int blocked_list_read(struct mqtt_span text, blocked_list_visit visit, void *context)
{
    struct blocked_line line;
    int result = 0;

    for (size_t number = 1; text.len > 0 && result == 0; number++) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
        size_t with_end = len + (end != NULL ? 1 : 0);
        blocked_line_parse((struct mqtt_span){ text.data, len }, &line);
        result = visit(context, number, &line);
        text = (struct mqtt_span){ text.data + with_end, text.len - with_end };
    }
    return result;
}
