/* SPDX-License-Identifier: Apache-2.0 */
/* What `tacit sub` prints of messages that anybody may have sent, and the format that says how.
 * Promises asserted: JSON is JSON, in one line, whatever is in a message; what is put on a screen
 * has no control characters; a format that is said to be wrong has its place in it, and any other
 * can be printed with. The first byte says which. */
#include "base/invariant.h"
#include "codec/utf8.h"
#include "tools/format.h"
#include "tools/printable.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct printed {
    char *text;
    size_t len;
    FILE *file;
};

static void begin(struct printed *printed)
{
    *printed = (struct printed){ 0 };
    printed->file = open_memstream(&printed->text, &printed->len);
    MQTT_INVARIANT(printed->file != NULL);
}

static void end(struct printed *printed)
{
    MQTT_INVARIANT(fclose(printed->file) == 0);
}

/* The topic is UTF-8, as the client has seen to that. */
static struct format_input a_message(struct tacit_message *message, struct mqtt_span rest)
{
    size_t cut = rest.len > 0 ? rest.data[0] % rest.len : 0;
    struct mqtt_span topic = { rest.data, cut };

    *message = (struct tacit_message){ .payload = { rest.data + cut, rest.len - cut },
                                       .qos = rest.len % 3,
                                       .retain = rest.len % 2 != 0 };
    message->topic = (struct tacit_bytes){ topic.data, mqtt_utf8_is_valid(topic) ? topic.len : 0 };
    return (struct format_input){ .message = message, .received = { 1700000000, 123456789 } };
}

static void check_json(struct mqtt_span rest, bool payload_is_json)
{
    struct tacit_message message;
    struct format_input input = a_message(&message, rest);
    struct printed printed;

    begin(&printed);
    format_json(printed.file, &input, payload_is_json);
    end(&printed);
    json_t *read = json_loadb(printed.text, printed.len, JSON_ALLOW_NUL, NULL);
    MQTT_INVARIANT(json_is_object(read));
    MQTT_INVARIANT(json_is_string(json_object_get(read, "topic")));
    json_decref(read);
    free(printed.text);
}

static void check_screen(struct mqtt_span rest)
{
    struct printed printed;

    begin(&printed);
    (void)printable_put(printed.file, rest);
    end(&printed);
    for (size_t i = 0; i < printed.len; i++)
        MQTT_INVARIANT((uint8_t)printed.text[i] >= ' ' && printed.text[i] != 0x7f);
    MQTT_INVARIANT(mqtt_utf8_is_valid((struct mqtt_span){ (uint8_t *)printed.text, printed.len }));
    free(printed.text);
}

static void check_format(struct mqtt_span rest)
{
    struct tacit_message message;
    struct format_input input = a_message(&message, span_of("payload"));
    struct printed printed;
    const char *place = NULL;
    char *format = malloc(rest.len + 1);

    MQTT_INVARIANT(format != NULL);
    memcpy(format, rest.data, rest.len);
    format[rest.len] = '\0';
    if (format_is_valid(format, &place)) {
        begin(&printed);
        format_print(printed.file, format, &input);
        end(&printed);
        free(printed.text);
    } else {
        MQTT_INVARIANT(place >= format && place < format + strlen(format));
    }
    free(format);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    struct mqtt_span rest = { data + 1, len - 1 };
    if (data[0] % 4 == 0)
        check_screen(rest);
    else if (data[0] % 4 == 1)
        check_format(rest);
    else
        check_json(rest, data[0] % 4 == 2);
    return 0;
}
