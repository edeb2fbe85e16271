/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/base64.h"

#include <errno.h>
#include <stdlib.h>

#define LINE 64

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* -1: none of them. */
static int digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

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
    int digit = digit_of(c);

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

int base64_decode(struct mqtt_span text, uint8_t *out, size_t *out_len)
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

char *base64_encode(struct mqtt_span bytes)
{
    size_t groups = (bytes.len + 2) / 3;
    char *text = malloc(groups * 4 + groups * 4 / LINE + 2);
    size_t len = 0;

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t window = (uint32_t)bytes.data[i] << 16;
        window |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        window |= left > 2 ? bytes.data[i + 2] : 0;
        text[len++] = alphabet[window >> 18];
        text[len++] = alphabet[window >> 12 & 63];
        text[len++] = left > 1 ? alphabet[window >> 6 & 63] : '=';
        text[len++] = left > 2 ? alphabet[window & 63] : '=';
        if ((i / 3 + 1) % (LINE / 4) == 0 || left <= 3)
            text[len++] = '\n';
    }
    text[len] = '\0';
    return text;
}
