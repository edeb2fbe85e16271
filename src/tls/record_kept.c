/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/record_kept.h"

#include "base/wipe.h"

#include <errno.h>
#include <stdlib.h>

/* Room for the start of a record, of which there may be less. */
#define START_BYTES 64u

struct tls_kept {
    bool is_plaintext;
    uint32_t room;
    uint32_t begin; /* of what has not gone yet; 0 in a record */
    uint32_t end;
    uint8_t bytes[];
};

static struct tls_kept *kept_new(size_t room)
{
    struct tls_kept *kept = malloc(sizeof(*kept) + room);

    if (kept != NULL)
        *kept = (struct tls_kept){ .room = (uint32_t)room };
    return kept;
}

void tls_kept_free(struct tls_kept *kept)
{
    if (kept != NULL)
        wipe_bytes(kept, sizeof(*kept) + kept->end);
    free(kept);
}

size_t tls_kept_bytes(const struct tls_kept *kept)
{
    return kept != NULL ? sizeof(*kept) + kept->room : 0;
}

/* ---- records ---- */

static void add(struct tls_kept *kept, struct mqtt_span bytes)
{
    if (bytes.len > 0)
        memcpy(kept->bytes + kept->end, bytes.data, bytes.len);
    kept->end += (uint32_t)bytes.len;
}

/* More room, for what is sure to come and what the peer only says will. */
static int grow(struct tls_kept **kept, size_t sure, size_t said)
{
    struct tls_kept *before = *kept;
    if (before != NULL && before->room >= sure)
        return 0;
    size_t room = 2 * sure > START_BYTES ? 2 * sure : START_BYTES;
    struct tls_kept *larger = kept_new(said != 0 && said < room ? said : room);
    if (larger == NULL)
        return -ENOMEM;
    if (before != NULL)
        add(larger, (struct mqtt_span){ before->bytes, before->end });
    tls_kept_free(before);
    *kept = larger;
    return 0;
}

/* Fills what is kept up to `wanted` bytes, as far as there is input. */
static int fill(struct tls_kept **kept, struct mqtt_span *input, size_t wanted, size_t said)
{
    size_t has = *kept != NULL ? (*kept)->end : 0;
    size_t missing = wanted - has;
    size_t sure = has + (input->len < missing ? input->len : missing);

    if (sure == has)
        return 0;
    int error = grow(kept, sure, said);
    if (error == 0)
        add(*kept, span_take(input, missing));
    return error;
}

/* A record of which a part came before, or of which not all is there. */
static enum tls_fault gather_pieces(struct tls_kept **kept, struct mqtt_span *input,
                                    struct mqtt_span *out_record)
{
    size_t whole = 0;
    if (*kept == NULL || (*kept)->end < TLS_HEAD_BYTES) {
        if (fill(kept, input, TLS_HEAD_BYTES, 0) < 0)
            return TLS_FAULT_MEMORY;
        if (*kept == NULL || (*kept)->end < TLS_HEAD_BYTES)
            return TLS_FAULT_NONE;
    }
    enum tls_fault fault =
        tls_record_head_decode((struct mqtt_span){ (*kept)->bytes, (*kept)->end }, &whole);
    if (fault != TLS_FAULT_NONE)
        return fault;
    if (fill(kept, input, whole, whole) < 0)
        return TLS_FAULT_MEMORY;
    if ((*kept)->end == whole)
        *out_record = (struct mqtt_span){ (*kept)->bytes, whole };
    return TLS_FAULT_NONE;
}

enum tls_fault tls_kept_gather(struct tls_kept **kept, struct mqtt_span *input,
                               struct mqtt_span *out_record)
{
    if (MQTT_LIKELY(*kept == NULL && input->len >= TLS_HEAD_BYTES)) {
        size_t whole = 0;
        enum tls_fault fault = tls_record_head_decode(*input, &whole);
        if (fault != TLS_FAULT_NONE)
            return fault;
        if (input->len >= whole) {
            *out_record = span_take(input, whole);
            return TLS_FAULT_NONE;
        }
    }
    return gather_pieces(kept, input, out_record);
}

void tls_kept_drop_record(struct tls_kept **kept)
{
    tls_kept_free(*kept);
    *kept = NULL;
}

/* ---- plaintext ---- */

int tls_kept_put_rest(struct tls_kept **kept, struct mqtt_span plaintext)
{
    struct tls_kept *made = kept_new(plaintext.len);
    if (made == NULL)
        return -ENOMEM;
    made->is_plaintext = true;
    add(made, plaintext);
    *kept = made;
    return 0;
}

bool tls_kept_take_rest(struct tls_kept **kept, struct tls_sink *plaintext)
{
    struct tls_kept *rest = *kept;
    if (MQTT_LIKELY(rest == NULL) || !rest->is_plaintext)
        return false;
    struct mqtt_span bytes = { rest->bytes + rest->begin, rest->end - rest->begin };
    struct mqtt_span first = span_take(&bytes, plaintext->room - plaintext->len);
    memcpy(plaintext->bytes + plaintext->len, first.data, first.len);
    plaintext->len += first.len;
    rest->begin += (uint32_t)first.len;
    if (bytes.len == 0)
        tls_kept_drop_record(kept);
    return true;
}
