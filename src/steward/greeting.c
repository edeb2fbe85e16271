/* SPDX-License-Identifier: Apache-2.0 */
#include "steward/greeting.h"

#include "steward/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MADE_BYTES     (6 + 2 + IDENTITY_URI_DOMAIN_SIZE + 8 + 2 + PKI_FAULT_BYTES)
#define GREETING_BYTES (MADE_BYTES + 4 + 2 + PKI_FAULT_BYTES + 2 + STEWARD_CONFINED_BYTES)

static void write_made(struct mqtt_writer *w, const struct state_made *made)
{
    mqtt_write_u8(w, made->folder);
    mqtt_write_u8(w, made->ca);
    mqtt_write_u8(w, made->server);
    mqtt_write_u8(w, made->admin);
    mqtt_write_u8(w, made->registry);
    mqtt_write_binary(w, span_of(made->trust_domain));
    steward_put_s64(w, made->ca_not_after_s);
    mqtt_write_u8(w, made->is_overdue);
    mqtt_write_binary(w, made->is_overdue ? span_of(made->overdue.text) : span_of(""));
}

static void read_made(struct mqtt_reader *r, struct state_made *out)
{
    out->folder = steward_get_bool(r);
    out->ca = steward_get_bool(r);
    out->server = steward_get_bool(r);
    out->admin = steward_get_bool(r);
    out->registry = steward_get_bool(r);
    steward_get_text(r, out->trust_domain, sizeof(out->trust_domain));
    out->ca_not_after_s = steward_get_s64(r);
    out->is_overdue = steward_get_bool(r);
    steward_get_text(r, out->overdue.text, sizeof(out->overdue.text));
}

static int copy(const struct mqtt_writer *w, struct der *out)
{
    struct mqtt_span written = mqtt_writer_written(w);
    uint8_t *bytes = w->status == MQTT_OK ? malloc(written.len) : NULL;

    if (bytes == NULL)
        return -ENOMEM;
    memcpy(bytes, written.data, written.len);
    *out = (struct der){ bytes, written.len };
    return 0;
}

int steward_made_encode(const struct state_made *made, struct der *out)
{
    uint8_t room[MADE_BYTES];
    struct mqtt_writer w = mqtt_writer_over(room, sizeof(room));

    write_made(&w, made);
    return copy(&w, out);
}

int steward_made_decode(struct mqtt_span result, struct state_made *out)
{
    struct mqtt_reader r = mqtt_reader_over(result);
    struct state_made made = { 0 };

    read_made(&r, &made);
    if (mqtt_reader_finish(&r) != MQTT_OK)
        return -EBADMSG;
    *out = made;
    return 0;
}

int steward_greeting_encode(const struct steward_greeting *greeting, struct der *out)
{
    uint8_t room[GREETING_BYTES];
    struct mqtt_writer w = mqtt_writer_over(room, sizeof(room));

    write_made(&w, &greeting->made);
    mqtt_write_u8(&w, greeting->has_state);
    mqtt_write_u8(&w, greeting->signs);
    mqtt_write_binary(&w, greeting->signs ? span_of("") : span_of(greeting->silent.text));
    mqtt_write_u8(&w, greeting->is_confined);
    mqtt_write_u8(&w, greeting->is_instrumented);
    mqtt_write_binary(&w, span_of(greeting->confined));
    return copy(&w, out);
}

int steward_greeting_decode(struct mqtt_span result, struct steward_greeting *out)
{
    struct mqtt_reader r = mqtt_reader_over(result);
    struct steward_greeting greeting = { 0 };

    read_made(&r, &greeting.made);
    greeting.has_state = steward_get_bool(&r);
    greeting.signs = steward_get_bool(&r);
    steward_get_text(&r, greeting.silent.text, sizeof(greeting.silent.text));
    greeting.is_confined = steward_get_bool(&r);
    greeting.is_instrumented = steward_get_bool(&r);
    steward_get_text(&r, greeting.confined, sizeof(greeting.confined));
    if (mqtt_reader_finish(&r) != MQTT_OK)
        return -EBADMSG;
    *out = greeting;
    return 0;
}
