/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/learn_words.h"

#include "codec/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define DAY_S       86400
#define LAST_S      INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define PIECE_BYTES 256

static void put_span(struct learn_writing *w, struct mqtt_span piece)
{
    if (w->result == 0 && piece.len != 0)
        w->result = w->put(w->context, piece);
}

void learn_words_put(struct learn_writing *w, const char *text)
{
    put_span(w, span_of(text));
}

void learn_words_format(struct learn_writing *w, const char *format, ...)
{
    char piece[PIECE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(piece, sizeof(piece), format, arguments);
    va_end(arguments);
    learn_words_put(w, piece);
}

/* ---- strings ---- */

static bool is_control(uint8_t byte)
{
    return byte < ' ' || byte == 0x7f;
}

/* The letter that stands for it behind a backslash, or '\0'. */
static char escape_of(uint8_t byte)
{
    switch (byte) {
    case '\n':
        return 'n';
    case '\t':
        return 't';
    case '\r':
        return 'r';
    case '"':
    case '\\':
    case '$': /* "${" is refused in a string */
        return (char)byte;
    default:
        return '\0';
    }
}

bool learn_words_are_quotable(struct mqtt_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_control(text.data[i]) && escape_of(text.data[i]) == '\0')
            return false;
    }
    return mqtt_utf8_is_valid(text);
}

static bool is_escaped(struct mqtt_span text, size_t at)
{
    if (text.data[at] == '$')
        return at + 1 < text.len && text.data[at + 1] == '{';
    return escape_of(text.data[at]) != '\0';
}

void learn_words_quoted(struct learn_writing *w, const char *string)
{
    struct mqtt_span text = span_of(string);
    bool is_utf8 = mqtt_utf8_is_valid(text);
    size_t begin = 0;

    learn_words_put(w, "\"");
    for (size_t i = 0; i < text.len; i++) {
        bool escapes = is_escaped(text, i);
        if (!escapes && !is_control(text.data[i]) && (is_utf8 || text.data[i] < 0x80))
            continue;
        put_span(w, (struct mqtt_span){ text.data + begin, i - begin });
        if (escapes)
            learn_words_format(w, "\\%c", escape_of(text.data[i]));
        else
            learn_words_put(w, "?");
        begin = i + 1;
    }
    put_span(w, (struct mqtt_span){ text.data + begin, text.len - begin });
    learn_words_put(w, "\"");
}

/* Is the byte one of a control character, C1 (U+0080 to U+009F) included? */
static bool is_control_at(struct mqtt_span text, size_t at)
{
    uint8_t byte = text.data[at];

    if (is_control(byte))
        return true;
    if (byte == 0xc2)
        return at + 1 < text.len && text.data[at + 1] >= 0x80 && text.data[at + 1] <= 0x9f;
    return byte >= 0x80 && byte <= 0x9f && at > 0 && text.data[at - 1] == 0xc2;
}

void learn_words_shown(struct learn_writing *w, const char *string)
{
    struct mqtt_span text = span_of(string);
    size_t begin = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (!is_control_at(text, i))
            continue;
        put_span(w, (struct mqtt_span){ text.data + begin, i - begin });
        learn_words_format(w, "\\x%02X", text.data[i]);
        begin = i + 1;
    }
    put_span(w, (struct mqtt_span){ text.data + begin, text.len - begin });
}

/* ---- times and counts ---- */

/* The civil date of a second since 1970, by the calendar of 400 years that begin in March. */
void learn_words_date(struct learn_writing *w, int64_t seconds)
{
    int64_t kept = seconds < 0 ? 0 : seconds > LAST_S ? LAST_S : seconds;
    unsigned days = (unsigned)(kept / DAY_S) + 719468; /* from 0000-03-01 */
    unsigned era = days / 146097;
    unsigned day = days % 146097;
    unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    unsigned of_year = day - (365 * year + year / 4 - year / 100);
    unsigned march = (5 * of_year + 2) / 153; /* months since March */
    unsigned month = march < 10 ? march + 3 : march - 9;

    learn_words_format(w, "%04u-%02u-%02u", year + 400 * era + (month <= 2), month,
                       of_year - (153 * march + 2) / 5 + 1);
}

void learn_words_moment(struct learn_writing *w, int64_t seconds)
{
    int64_t kept = seconds < DAY_S ? DAY_S : seconds > LAST_S ? LAST_S : seconds;
    unsigned second = (unsigned)(kept % DAY_S);

    learn_words_date(w, kept);
    if (second != 0)
        learn_words_format(w, "T%02u:%02u:%02uZ", second / 3600, second / 60 % 60, second % 60);
}

const char *learn_words_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void learn_words_use(struct learn_writing *w, const struct learned_use *use)
{
    learn_words_format(w, "%zu device%s, %" PRIu64 " time%s, last ", use->identities,
                       learn_words_plural(use->identities), use->count,
                       learn_words_plural(use->count));
    learn_words_date(w, use->last_s);
}
