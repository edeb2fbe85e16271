/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed header: what kind of packet, how long, judged before its body is
 * awaited. MQTT 5.0 section 2.1. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "codec/packet.h"
#include "codec/status.h"

/* One whole packet in a receive buffer; `body` borrows from it. */
struct mqtt_frame {
    enum mqtt_packet_type type;
    uint8_t flags; /* low four bits of the first byte */
    struct mqtt_span body;
    size_t len; /* whole packet, header included, bytes */
};

/* Looks for a packet at the start of `bytes`.
 *
 * MQTT_OK: *out is a whole packet.
 * MQTT_PENDING: more bytes are needed; out->len is the whole packet's length when
 * it is known already and 0 when not; the rest of *out is unspecified.
 * Otherwise the header is refused: reserved type, reserved flags [MQTT-2.1.3-1]
 * [MQTT-2.2.2-2], overlong or unfinished length [MQTT-1.5.5-1], or a packet above
 * `max_packet_bytes` (MQTT_ERR_TOO_LARGE), as early as the header tells.
 *
 * The flags of a PUBLISH are judged by its decoder. PUBREL, SUBSCRIBE and
 * UNSUBSCRIBE carry 0x2 and nothing else: MQTT 3.1 would let them be repeated with
 * the duplicate bit, which nobody does on a transport that does not lose bytes and
 * which the header alone cannot tell from a broken 3.1.1 packet. */
MQTT_NODISCARD enum mqtt_status mqtt_frame_decode(struct mqtt_span bytes, size_t max_packet_bytes,
                                                  struct mqtt_frame *out);
