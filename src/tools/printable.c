/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/printable.h"

#include "codec/utf8.h"

/* Bytes of a character that begins like this; 1 where none does. */
static size_t length_of(uint8_t lead)
{
    if (lead >= 0xf0)
        return 4;
    if (lead >= 0xe0)
        return 3;
    return lead >= 0xc0 ? 2 : 1;
}

/* The marks and the embeddings of bidirectional text, which make a line look like another. */
static bool turns_direction(uint32_t code)
{
    return code == 0x061c || (code >= 0x200e && code <= 0x200f)
           || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static bool is_fit(struct mqtt_span character)
{
    static const uint8_t masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    if (!mqtt_utf8_is_valid(character))
        return false;
    uint32_t code = character.data[0] & masks[character.len];
    for (size_t i = 1; i < character.len; i++)
        code = (code << 6) | (character.data[i] & 0x3fu);
    return code >= 0x20 && (code < 0x7f || code > 0x9f) && !turns_direction(code);
}

size_t printable_put(FILE *file, struct mqtt_span text)
{
    size_t columns = 0;
    size_t at = 0;
    while (at < text.len) {
        struct mqtt_span character = { text.data + at, length_of(text.data[at]) };
        bool fits = character.len <= text.len - at && is_fit(character);
        if (fits) {
            (void)fwrite(character.data, 1, character.len, file);
            at += character.len;
        } else {
            (void)fprintf(file, "\\x%02x", text.data[at]);
            at++;
        }
        columns += fits ? 1 : 4;
    }
    return columns;
}

void printable_pad(FILE *file, struct mqtt_span text, size_t width)
{
    for (size_t columns = printable_put(file, text); columns < width; columns++)
        (void)fputc(' ', file);
}
