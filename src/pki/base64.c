/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/base64.h"

#include <errno.h>
#include <stdlib.h>

#define LINE_BYTES 48u /* in a line of 64 characters */

static const char *const alphabets[] = {
    [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

size_t base64_encode(enum base64_alphabet alphabet, struct mqtt_span bytes, char *out)
{
    const char *letters = alphabets[alphabet];
    size_t len = 0;

    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t left = bytes.len - at;
        uint32_t group = (uint32_t)bytes.data[at] << 16;
        group |= left > 1 ? (uint32_t)bytes.data[at + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)bytes.data[at + 2] : 0;
        out[len++] = letters[group >> 18 & 63];
        out[len++] = letters[group >> 12 & 63];
        if (left > 1)
            out[len++] = letters[group >> 6 & 63];
        else if (alphabet == BASE64_STANDARD)
            out[len++] = '=';
        if (left > 2)
            out[len++] = letters[group & 63];
        else if (alphabet == BASE64_STANDARD)
            out[len++] = '=';
    }
    out[len] = '\0';
    return len;
}

/* -1: no letter of it. */
static int value_of(enum base64_alphabet alphabet, uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (alphabet == BASE64_URL ? '-' : '+'))
        return 62;
    return c == (alphabet == BASE64_URL ? '_' : '/') ? 63 : -1;
}

/* The letters without the padding, which has to be as it is written. */
static bool strip_padding(enum base64_alphabet alphabet, struct mqtt_span *text)
{
    unsigned padding = 0;

    if (alphabet == BASE64_URL)
        return text->len % 4 != 1;
    if (text->len % 4 != 0)
        return false;
    while (padding < 2 && text->len > 0 && text->data[text->len - 1] == '=') {
        text->len--;
        padding++;
    }
    return true;
}

int base64_decode(enum base64_alphabet alphabet, struct mqtt_span text, uint8_t *out, size_t size,
                  size_t *out_len)
{
    uint32_t bits = 0;
    unsigned count = 0; /* of bits that are not yet written */
    size_t len = 0;

    if (!strip_padding(alphabet, &text))
        return -EBADMSG;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(alphabet, text.data[i]);
        if (value < 0)
            return -EBADMSG;
        bits = (bits << 6 | (uint32_t)value) & 0xfffffu;
        count += 6;
        if (count < 8)
            continue;
        if (len == size)
            return -EBADMSG;
        count -= 8;
        out[len++] = (uint8_t)(bits >> count);
    }
    /* What is left over has to be nothing: else two texts would stand for the same bytes. */
    if (count >= 6 || (bits & ((1u << count) - 1)) != 0)
        return -EBADMSG;
    *out_len = len;
    return 0;
}

/* ---- in lines ---- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct decoding {
    uint32_t window;
    unsigned digits; /* so far, all together */
    unsigned padding;
    size_t len;
};

static int take(struct decoding *d, uint8_t c, uint8_t *out)
{
    int digit = value_of(BASE64_STANDARD, c);

    if (c == '=') {
        d->padding++;
        return d->padding <= 2 ? 0 : -EBADMSG;
    }
    if (digit < 0 || d->padding > 0)
        return -EBADMSG;
    d->window = d->window << 6 | (uint32_t)digit;
    d->digits++;
    if (d->digits % 4 != 1)
        out[d->len++] = (uint8_t)(d->window >> (2 * (3 - (d->digits + 3) % 4)));
    return 0;
}

int base64_decode_lines(struct mqtt_span text, uint8_t *out, size_t *out_len)
{
    struct decoding d = { 0 };
    int error = 0;

    for (size_t i = 0; i < text.len && error == 0; i++)
        error = is_blank(text.data[i]) ? 0 : take(&d, text.data[i], out);
    if (error < 0)
        return error;
    /* A single digit left over carries no byte; padding, where it is there, has to be right; and
     * bits that belong to no byte are zero, so that there is one text for the same bytes. */
    unsigned left = d.digits % 4;
    if (left == 1 || (d.padding > 0 && left + d.padding != 4)
        || (left == 2 && (d.window & 15u) != 0) || (left == 3 && (d.window & 3u) != 0))
        return -EBADMSG;
    *out_len = d.len;
    return 0;
}

char *base64_encode_lines(struct mqtt_span bytes)
{
    char *text = malloc(BASE64_SIZE(bytes.len) + bytes.len / LINE_BYTES + 1);
    size_t len = 0;

    if (text == NULL)
        return NULL;
    for (size_t at = 0; at < bytes.len; at += LINE_BYTES) {
        size_t left = bytes.len - at;
        struct mqtt_span line = { bytes.data + at, left < LINE_BYTES ? left : LINE_BYTES };
        len += base64_encode(BASE64_STANDARD, line, text + len);
        text[len++] = '\n';
    }
    text[len] = '\0';
    return text;
}
