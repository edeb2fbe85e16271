/* SPDX-License-Identifier: Apache-2.0 */
/* Claim: for every first byte and every remaining length, the frame is refused, is
 * pending or is whole exactly as the first byte, the number of bytes at hand and
 * the limit say. [MQTT-2.1.3-1]
 * Bound: remaining lengths 0..16500 one by one, which crosses the forms of one, two
 * and three bytes, and the edges of the longer ones; bytes at hand and limits at
 * both sides of every edge. */
#include "codec/frame.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "proof.h"

#define EVERY_LENGTH 16501u

static uint8_t packet[EVERY_LENGTH + 8];

static const uint32_t far_lengths[] = { 65535, 65536, 2097150, 2097151, 2097152, MQTT_VARINT_MAX };

/* Table 2-2 of the standard; bit n: flags n may stand. */
static uint16_t legal_flags(unsigned type)
{
    switch (type) {
    case MQTT_RESERVED:
        return 0;
    case MQTT_PUBLISH:
        return 0xffff;
    case MQTT_PUBREL:
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        return 1u << 2;
    default:
        return 1u << 0;
    }
}

static uint32_t choose_length(void)
{
    unsigned choice = proof_choose(EVERY_LENGTH + (unsigned)MQTT_ARRAY_LEN(far_lengths));
    return choice < EVERY_LENGTH ? choice : far_lengths[choice - EVERY_LENGTH];
}

/* Bytes at hand: none, the first, one less than the header, the header, one less
 * than the packet, the packet, one more. */
static size_t choose_at_hand(size_t header, size_t whole)
{
    const size_t edges[] = { 0, 1, header - 1, header, whole - 1, whole, whole + 1 };
    size_t edge = edges[proof_choose((unsigned)MQTT_ARRAY_LEN(edges))];
    return edge < sizeof(packet) ? edge : sizeof(packet);
}

static enum mqtt_status expected(unsigned first, size_t header, size_t whole, size_t at_hand,
                                 size_t limit)
{
    if (at_hand == 0)
        return MQTT_PENDING;
    if (first >> 4 == 0)
        return MQTT_ERR_PACKET_TYPE;
    if ((legal_flags(first >> 4) >> (first & 0xf) & 1) == 0)
        return MQTT_ERR_FLAGS;
    if (at_hand < header)
        return MQTT_PENDING;
    if (whole > limit)
        return MQTT_ERR_TOO_LARGE;
    return at_hand < whole ? MQTT_PENDING : MQTT_OK;
}

static void header_is_judged_alone(void)
{
    uint32_t body_len = choose_length();
    unsigned first = proof_choose(256);
    size_t header = 1 + mqtt_varint_size(body_len);
    size_t whole = header + body_len;
    size_t at_hand = choose_at_hand(header, whole);
    size_t limit = whole - proof_choose(2);
    struct mqtt_frame frame = { .type = MQTT_RESERVED };
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));

    mqtt_write_u8(&w, (uint8_t)first);
    mqtt_write_varint(&w, body_len);
    enum mqtt_status want = expected(first, header, whole, at_hand, limit);
    enum mqtt_status got = mqtt_frame_decode((struct mqtt_span){ packet, at_hand }, limit, &frame);

    proof_check(got == want);
    if (got == MQTT_PENDING)
        proof_check(frame.len == (at_hand < header ? 0 : whole));
    if (got != MQTT_OK)
        return;
    proof_check(frame.type == first >> 4 && frame.flags == (first & 0xf));
    proof_check(frame.len == whole && frame.body.len == body_len);
    proof_check(body_len == 0 || frame.body.data == packet + header);
}

PROOF(header_is_judged_alone)
