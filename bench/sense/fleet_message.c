/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void keep(struct fleet_message *message, const void *from, size_t have, uint32_t bytes)
{
    const size_t most = have < FLEET_SAMPLE_MAX ? have : FLEET_SAMPLE_MAX;

    message->bytes = bytes;
    message->sample_len = (uint8_t)(bytes < most ? bytes : most);
    memcpy(message->sample, from, message->sample_len);
}

static void fill_number(struct fleet_message *message, double value, uint32_t bytes)
{
    char text[40];
    /* A single digit is a switch, which is open or closed. */
    const int len = bytes > 1 ? snprintf(text, sizeof text, "%.2f", value)
                              : snprintf(text, sizeof text, "%d", value < 0 ? 0 : 1);

    keep(message, text, (size_t)len, (uint32_t)len);
}

static void fill_json(struct fleet_message *message, double value, uint32_t bytes, uint32_t count)
{
    char text[80];
    const int len = snprintf(text, sizeof text, "{\"n\":%u,\"v\":%.2f,\"unit\":\"si\",\"more\":\"",
                             count, value);

    keep(message, text, (size_t)len, bytes);
}

static void fill_binary(struct fleet_message *message, double value, uint32_t bytes, uint32_t count)
{
    const int16_t scaled = (int16_t)(value * 100);
    uint8_t raw[FLEET_SAMPLE_MAX] = { 0xb5,
                                      0x01,
                                      (uint8_t)(count >> 8),
                                      (uint8_t)count,
                                      (uint8_t)((uint16_t)scaled >> 8),
                                      (uint8_t)scaled };

    for (unsigned i = 6; i < sizeof raw; i++)
        raw[i] = (uint8_t)(i % 4 == 0 ? scaled >> 4 : 0);
    keep(message, raw, sizeof raw, bytes);
}

/* A picture is as good as random after its head. */
static void fill_image(struct fleet_message *message, uint32_t bytes, uint32_t count)
{
    static const uint8_t head[] = { 0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 'J', 'F', 'I', 'F', 0 };
    struct test_random random = fleet_random_seeded(count, bytes);

    fleet_message_scramble(message, bytes, &random);
    memcpy(message->sample, head, sizeof head < bytes ? sizeof head : bytes);
}

void fleet_message_scramble(struct fleet_message *message, uint32_t bytes,
                            struct test_random *random)
{
    uint8_t raw[FLEET_SAMPLE_MAX];

    for (unsigned i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)(test_random_next(random) >> 32);
    keep(message, raw, sizeof raw, bytes);
}

void fleet_message_fill(struct fleet_message *message, enum persona_form form, uint32_t bytes,
                        double value, uint32_t count)
{
    switch (form) {
    case PERSONA_NUMBER:
        fill_number(message, value, bytes);
        break;
    case PERSONA_JSON:
        fill_json(message, value, bytes, count);
        break;
    case PERSONA_BINARY:
        fill_binary(message, value, bytes, count);
        break;
    case PERSONA_IMAGE:
        fill_image(message, bytes, count);
        break;
    }
}

void fleet_message_topic(struct fleet_message *message, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message->topic, sizeof message->topic, format, arguments);
    va_end(arguments);
}
