/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a list of blocked keys. Promises asserted: every line is told of, in order; what is
 * wrong has a reason; a reason that is kept is printable and ends; what was read can be written
 * and is then read again as the same. */
#include "base/invariant.h"
#include "pki/blocked_list.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void write_again(const struct blocked_line *line)
{
    char text[13 + 2 * BLOCKED_KEY_BYTES + 1 + BLOCKED_REASON_SIZE];
    struct blocked_line again;
    bool is_key = line->kind == BLOCKED_LINE_KEY;
    int used = snprintf(text, sizeof(text), "%s", is_key ? "" : "modulus-sha1:");

    for (size_t i = 0; i < (is_key ? BLOCKED_KEY_BYTES : BLOCKED_TAG_BYTES); i++)
        used += snprintf(text + used, sizeof(text) - (size_t)used, "%02x", line->id[i]);
    used += snprintf(text + used, sizeof(text) - (size_t)used, " %s", line->reason);
    MQTT_INVARIANT(used > 0 && (size_t)used < sizeof(text));
    blocked_line_parse(span_of(text), &again);
    MQTT_INVARIANT(again.kind == line->kind && strcmp(again.reason, line->reason) == 0);
    MQTT_INVARIANT(memcmp(again.id, line->id, sizeof(again.id)) == 0);
}

static int on_line(void *context, size_t number, const struct blocked_line *line)
{
    size_t *lines = context;

    MQTT_INVARIANT(number == ++*lines);
    MQTT_INVARIANT((line->why != NULL) == (line->kind == BLOCKED_LINE_WRONG));
    MQTT_INVARIANT(memchr(line->reason, '\0', sizeof(line->reason)) != NULL);
    for (const char *c = line->reason; *c != '\0' && line->why == NULL; c++)
        MQTT_INVARIANT(*c >= ' ' && *c <= '~');
    if (line->kind == BLOCKED_LINE_KEY || line->kind == BLOCKED_LINE_MODULUS)
        write_again(line);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    size_t lines = 0;
    size_t expected = len > 0 && data[len - 1] != '\n' ? 1 : 0;

    for (size_t i = 0; i < len; i++)
        expected += data[i] == '\n';
    MQTT_INVARIANT(blocked_list_read((struct mqtt_span){ data, len }, on_line, &lines) == 0);
    MQTT_INVARIANT(lines == expected);
    return 0;
}
