/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/format.h"

#include "codec/properties.h"

#include <inttypes.h>
#include <string.h>

typedef void letter_printer(FILE *file, const struct format_input *input);

static void put(FILE *file, struct tacit_bytes bytes)
{
    if (bytes.len > 0)
        (void)fwrite(bytes.data, 1, bytes.len, file);
}

static void print_topic(FILE *file, const struct format_input *input)
{
    put(file, input->message->topic);
}

static void print_payload(FILE *file, const struct format_input *input)
{
    put(file, input->message->payload);
}

static void print_hex(FILE *file, const struct format_input *input, const char *digits)
{
    const uint8_t *at = input->message->payload.data;
    for (size_t i = 0; i < input->message->payload.len; i++)
        (void)fprintf(file, "%c%c", digits[at[i] >> 4], digits[at[i] & 15]);
}

static void print_lower_hex(FILE *file, const struct format_input *input)
{
    print_hex(file, input, "0123456789abcdef");
}

static void print_upper_hex(FILE *file, const struct format_input *input)
{
    print_hex(file, input, "0123456789ABCDEF");
}

static void print_length(FILE *file, const struct format_input *input)
{
    (void)fprintf(file, "%zu", input->message->payload.len);
}

static void print_qos(FILE *file, const struct format_input *input)
{
    (void)fprintf(file, "%u", input->message->qos);
}

static void print_retain(FILE *file, const struct format_input *input)
{
    (void)fprintf(file, "%u", input->message->retain);
}

static void print_iso_time(FILE *file, const struct format_input *input)
{
    char text[64];
    format_iso_time(text, sizeof(text), &input->received);
    (void)fputs(text, file);
}

static void print_unix_time(FILE *file, const struct format_input *input)
{
    (void)fprintf(file, "%" PRIdMAX ".%09ld", (intmax_t)input->received.tv_sec,
                  input->received.tv_nsec);
}

static void print_content_type(FILE *file, const struct format_input *input)
{
    put(file, input->message->content_type);
}

static void print_correlation(FILE *file, const struct format_input *input)
{
    put(file, input->message->correlation);
}

static void print_expiry(FILE *file, const struct format_input *input)
{
    if (input->message->has_expiry)
        (void)fprintf(file, "%" PRIu32, input->message->expiry_s);
}

static void print_payload_format(FILE *file, const struct format_input *input)
{
    if (input->message->payload_is_utf8)
        (void)fputc('1', file);
}

static void print_response_topic(FILE *file, const struct format_input *input)
{
    put(file, input->message->response_topic);
}

static void print_user_properties(FILE *file, const struct format_input *input)
{
    struct tacit_bytes block = input->message->properties;
    struct tacit_property property;
    const char *separator = "";
    while (tacit_property_next(&block, &property)) {
        if (property.id != MQTT_PROP_USER_PROPERTY)
            continue;
        (void)fputs(separator, file);
        put(file, property.name);
        (void)fputc(':', file);
        put(file, property.value);
        separator = " ";
    }
}

static void print_identifiers(FILE *file, const struct format_input *input)
{
    struct tacit_bytes block = input->message->properties;
    struct tacit_property property;
    const char *separator = "";
    while (tacit_property_next(&block, &property)) {
        if (property.id != MQTT_PROP_SUBSCRIPTION_IDENTIFIER)
            continue;
        (void)fprintf(file, "%s%" PRIu32, separator, property.number);
        separator = " ";
    }
}

static void print_json(FILE *file, const struct format_input *input)
{
    format_json(file, input, false);
}

static void print_json_payload(FILE *file, const struct format_input *input)
{
    format_json(file, input, true);
}

static void print_percent(FILE *file, const struct format_input *input)
{
    (void)input;
    (void)fputc('%', file);
}

static letter_printer *const printers[128] = {
    ['%'] = print_percent,
    ['t'] = print_topic,
    ['p'] = print_payload,
    ['x'] = print_lower_hex,
    ['X'] = print_upper_hex,
    ['l'] = print_length,
    ['q'] = print_qos,
    ['r'] = print_retain,
    ['I'] = print_iso_time,
    ['U'] = print_unix_time,
    ['j'] = print_json,
    ['J'] = print_json_payload,
    ['C'] = print_content_type,
    ['D'] = print_correlation,
    ['E'] = print_expiry,
    ['F'] = print_payload_format,
    ['P'] = print_user_properties,
    ['R'] = print_response_topic,
    ['S'] = print_identifiers,
};

static letter_printer *printer_of(char letter)
{
    return (unsigned char)letter < MQTT_ARRAY_LEN(printers) ? printers[(unsigned char)letter]
                                                            : NULL;
}

static const char escapes[] = "n\nt\tr\ra\ae\0330\0\\\\";

static const char *escape_of(char letter)
{
    for (size_t i = 0; i + 1 < sizeof(escapes) - 1; i += 2)
        if (escapes[i] == letter)
            return &escapes[i + 1];
    return NULL;
}

bool format_is_valid(const char *format, const char **out)
{
    for (; *format != '\0'; format++) {
        *out = format;
        if ((*format == '%' && printer_of(format[1]) == NULL)
            || (*format == '\\' && escape_of(format[1]) == NULL)
            || (*format == '@' && format[1] == '\0'))
            return false;
        if (strchr("%\\@", *format) != NULL)
            format++;
    }
    return true;
}

static void print_date(FILE *file, char letter, const struct format_input *input)
{
    char pattern[] = { '%', letter, '\0' };
    char text[128];
    struct tm tm = { 0 };
    if (letter == '@') {
        (void)fputc('@', file);
        return;
    }
    (void)localtime_r(&input->received.tv_sec, &tm);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t len = strftime(text, sizeof(text), pattern, &tm);
#pragma GCC diagnostic pop
    (void)fwrite(text, 1, len, file);
}

void format_print(FILE *file, const char *format, const struct format_input *input)
{
    for (; *format != '\0'; format++) {
        letter_printer *printer = *format == '%' ? printer_of(format[1]) : NULL;
        const char *escape = *format == '\\' ? escape_of(format[1]) : NULL;
        bool is_date = *format == '@' && format[1] != '\0';
        if (printer != NULL)
            printer(file, input);
        else if (escape != NULL)
            (void)fputc(*escape, file);
        else if (is_date)
            print_date(file, format[1], input);
        else
            (void)fputc(*format, file);
        if (printer != NULL || escape != NULL || is_date)
            format++;
    }
}
