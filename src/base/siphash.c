/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

#include "base/attrs.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void mix_round(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v2 = rotate_left(s->v2, 32);
}

static inline void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix_round(s);
    s->v0 ^= word;
}

/* Little-endian on every machine; compilers make one load of it. */
static inline uint64_t load_word(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

MQTT_HOT uint64_t siphash(const struct siphash_key *key, struct mqtt_span bytes)
{
    /* The four words spell "somepseudorandomlygeneratedbytes", as the definition has it. */
    struct state s = {
        .v0 = key->low ^ 0x736f6d6570736575u,
        .v1 = key->high ^ 0x646f72616e646f6du,
        .v2 = key->low ^ 0x6c7967656e657261u,
        .v3 = key->high ^ 0x7465646279746573u,
    };

    size_t done = 0;
    for (; bytes.len - done >= 8; done += 8)
        absorb(&s, load_word(bytes.data + done));

    uint64_t last = (uint64_t)bytes.len << 56;
    for (unsigned i = 0; done + i < bytes.len; i++)
        last |= (uint64_t)bytes.data[done + i] << (8 * i);
    absorb(&s, last);

    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        mix_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
