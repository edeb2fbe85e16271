/* SPDX-License-Identifier: Apache-2.0 */
#include "ratchet/message.h"

#include "base/wipe.h"

#include <errno.h>
#include <string.h>

#define VERSION       1u
#define COUNTER_BYTES 8u
#define LABEL_BYTES   21u /* the longest */

static void put_counter(uint64_t counter, uint8_t *out)
{
    for (unsigned i = 0; i < COUNTER_BYTES; i++)
        out[i] = (uint8_t)(counter >> (8 * (COUNTER_BYTES - 1 - i)));
}

static uint64_t get_counter(const uint8_t *at)
{
    uint64_t counter = 0;

    for (unsigned i = 0; i < COUNTER_BYTES; i++)
        counter = counter << 8 | at[i];
    return counter;
}

void ratchet_message_encode(const struct ratchet_message *message,
                            uint8_t out[RATCHET_MESSAGE_BYTES])
{
    out[0] = VERSION;
    put_counter(message->counter, out + 1);
    memcpy(out + 1 + COUNTER_BYTES, message->fresh, RATCHET_KEY_BYTES);
    memcpy(out + 1 + COUNTER_BYTES + RATCHET_KEY_BYTES, message->proof, RATCHET_KEY_BYTES);
}

int ratchet_message_decode(struct mqtt_span bytes, struct ratchet_message *out)
{
    if (bytes.len > 0 && bytes.data[0] != VERSION)
        return -EPROTO;
    if (bytes.len != RATCHET_MESSAGE_BYTES)
        return -EBADMSG;
    out->counter = get_counter(bytes.data + 1);
    memcpy(out->fresh, bytes.data + 1 + COUNTER_BYTES, RATCHET_KEY_BYTES);
    memcpy(out->proof, bytes.data + 1 + COUNTER_BYTES + RATCHET_KEY_BYTES, RATCHET_KEY_BYTES);
    return 0;
}

/* Label, counter, what is fresh, and a last part of 0 or RATCHET_KEY_BYTES, none of which can be
 * taken for another: the lengths are fixed and the labels differ. */
static int compute(const struct ratchet_hmac *hmac, const uint8_t *key, const char *label,
                   const struct ratchet_message *message, const uint8_t *last, uint8_t *out)
{
    uint8_t data[LABEL_BYTES + COUNTER_BYTES + 2 * RATCHET_KEY_BYTES];
    size_t len = strlen(label);

    memcpy(data, label, len);
    put_counter(message->counter, data + len);
    len += COUNTER_BYTES;
    memcpy(data + len, message->fresh, RATCHET_KEY_BYTES);
    len += RATCHET_KEY_BYTES;
    if (last != NULL) {
        memcpy(data + len, last, RATCHET_KEY_BYTES);
        len += RATCHET_KEY_BYTES;
    }
    int error = hmac->compute(hmac->context, key, (struct mqtt_span){ data, len }, out);
    wipe_bytes(data, sizeof(data));
    return error;
}

int ratchet_prove(const struct ratchet_hmac *hmac, const uint8_t secret[RATCHET_KEY_BYTES],
                  const uint8_t *binding, struct ratchet_message *message)
{
    return compute(hmac, secret, "tacit ratchet 1 proof", message, binding, message->proof);
}

int ratchet_advance(const struct ratchet_hmac *hmac, const uint8_t *binding,
                    const struct ratchet_message *message, struct ratchet_step *out)
{
    struct ratchet_step step = { .counter = message->counter + 1 };
    int error = compute(hmac, binding, "tacit ratchet 1 next", message, NULL, step.secret);

    if (error >= 0)
        *out = step;
    wipe_bytes(&step, sizeof(step));
    return error < 0 ? error : 0;
}
