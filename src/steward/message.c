/* SPDX-License-Identifier: Apache-2.0 */
#include "steward/message.h"

#include "codec/reader.h"
#include "codec/writer.h"
#include "steward/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_MAX 4095 /* no errno is higher */

/* ---- messages ---- */

size_t steward_message_max(enum steward_kind kind, enum steward_direction direction)
{
    static const size_t most[STEWARD_KIND_COUNT][2] = {
#define KIND(name, request, answer) [STEWARD_##name] = { request, answer },
#include "steward/kinds.def"
#undef KIND
    };

    return (unsigned)kind < STEWARD_KIND_COUNT ? most[kind][direction] : 0;
}

void steward_header_encode(const struct steward_header *header, uint8_t out[STEWARD_HEADER_BYTES])
{
    struct mqtt_writer w = mqtt_writer_over(out, STEWARD_HEADER_BYTES);

    mqtt_write_u8(&w, (uint8_t)header->kind);
    mqtt_write_u32(&w, header->len);
}

int steward_header_decode(const uint8_t in[STEWARD_HEADER_BYTES], enum steward_direction direction,
                          struct steward_header *out)
{
    struct mqtt_reader r = mqtt_reader_over((struct mqtt_span){ in, STEWARD_HEADER_BYTES });
    uint8_t kind = mqtt_read_u8(&r);
    uint32_t len = mqtt_read_u32(&r);

    if (kind >= STEWARD_KIND_COUNT || (kind == STEWARD_GREETING && direction == STEWARD_REQUEST)
        || len > steward_message_max((enum steward_kind)kind, direction))
        return -EBADMSG;
    *out = (struct steward_header){ (enum steward_kind)kind, len };
    return 0;
}

void steward_message_fini(struct steward_message *message)
{
    free(message->body);
    *message = (struct steward_message){ 0 };
}

struct mqtt_span steward_message_body(const struct steward_message *message)
{
    return (struct mqtt_span){ message->body, message->len };
}

int steward_message_init(struct steward_message *message, enum steward_kind kind,
                         enum steward_direction direction, size_t len)
{
    if (len > steward_message_max(kind, direction))
        return -E2BIG;
    uint8_t *body = len > 0 ? malloc(len) : NULL;
    if (len > 0 && body == NULL)
        return -ENOMEM;
    *message = (struct steward_message){ kind, body, len };
    return 0;
}

/* ---- answers ---- */

int steward_answer_encode(const struct steward_answer *answer, enum steward_kind kind,
                          struct steward_message *out)
{
    struct mqtt_span why = answer->status < 0 ? span_of(answer->fault.text) : span_of("");
    int error =
        steward_message_init(out, kind, STEWARD_ANSWER, 2 + 2 + why.len + answer->result.len);

    if (error < 0)
        return error;
    struct mqtt_writer w = mqtt_writer_over(out->body, out->len);
    mqtt_write_u16(&w, (uint16_t)-answer->status);
    mqtt_write_binary(&w, why);
    mqtt_write_bytes(&w, answer->result);
    return 0;
}

int steward_answer_decode(struct mqtt_span body, struct steward_answer *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    uint16_t status = mqtt_read_u16(&r);

    out->fault = (struct pki_fault){ "" };
    steward_get_text(&r, out->fault.text, sizeof(out->fault.text));
    out->result = mqtt_read_rest(&r);
    out->status = -(int)status;
    bool is_good = r.status == MQTT_OK && status <= STATUS_MAX
                   && (status != 0 || out->fault.text[0] == '\0')
                   && (status == 0 || out->result.len == 0);
    return is_good ? 0 : -EBADMSG;
}
