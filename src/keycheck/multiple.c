/* SPDX-License-Identifier: Apache-2.0 */
#include "keycheck/multiple.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <stdlib.h>

/* k = giant * STRIDE + baby, with both from minus to plus their number of steps: up to
 * 128 * 511 + 255 = 65663. The x coordinate of a baby serves for both signs. */
#define BABY_STEPS  255
#define STRIDE      (2 * BABY_STEPS + 1)
#define GIANT_STEPS 128

struct search {
    EC_GROUP *group;
    BN_CTX *context;
    EC_POINT *key;
    EC_POINT *step;  /* what the walk adds each time */
    EC_POINT *place; /* where it is */
    BIGNUM *x;
    size_t bytes; /* of a coordinate */
    uint8_t (*babies)[CURVE_COORDINATE_MAX];
};

static int name_of(enum curve_id id)
{
    static const int names[CURVE_COUNT] = { [CURVE_P256] = NID_X9_62_prime256v1,
                                            [CURVE_P384] = NID_secp384r1,
                                            [CURVE_P521] = NID_secp521r1 };
    return names[id];
}

static void search_fini(struct search *s)
{
    free(s->babies);
    BN_free(s->x);
    EC_POINT_free(s->place);
    EC_POINT_free(s->step);
    EC_POINT_free(s->key);
    BN_CTX_free(s->context);
    EC_GROUP_free(s->group);
}

static bool search_init(struct search *out, const struct curve *curve, struct mqtt_span point)
{
    struct search s = { .bytes = curve->bytes,
                        .context = BN_CTX_new(),
                        .group = EC_GROUP_new_by_curve_name(name_of(curve->id)),
                        .babies = calloc(BABY_STEPS, sizeof(*s.babies)) };

    if (s.group != NULL) {
        s.key = EC_POINT_new(s.group);
        s.step = EC_POINT_new(s.group);
        s.place = EC_POINT_new(s.group);
        s.x = BN_new();
    }
    *out = s;
    return s.context != NULL && s.key != NULL && s.step != NULL && s.place != NULL && s.x != NULL
           && s.babies != NULL
           && EC_POINT_oct2point(s.group, s.key, point.data, point.len, s.context) == 1;
}

static bool read_x(struct search *s, uint8_t *out)
{
    return EC_POINT_get_affine_coordinates(s->group, s->place, s->x, NULL, s->context) == 1
           && BN_bn2binpad(s->x, out, (int)s->bytes) == (int)s->bytes;
}

static bool take_step(struct search *s)
{
    return EC_POINT_add(s->group, s->place, s->place, s->step, s->context) == 1;
}

/* `factor` times the generator. */
static bool set_step(struct search *s, BN_ULONG factor)
{
    return BN_set_word(s->x, factor) == 1
           && EC_POINT_mul(s->group, s->step, s->x, NULL, NULL, s->context) == 1;
}

static bool walk_babies(struct search *s)
{
    if (!set_step(s, 1) || EC_POINT_set_to_infinity(s->group, s->place) != 1)
        return false;
    for (size_t i = 0; i < BABY_STEPS; i++)
        if (!take_step(s) || !read_x(s, s->babies[i]))
            return false;
    return true;
}

/* Where the walk is now: is it a baby or nothing? */
static int is_known(struct search *s)
{
    uint8_t x[CURVE_COORDINATE_MAX];

    if (EC_POINT_is_at_infinity(s->group, s->place) == 1)
        return 1;
    if (!read_x(s, x))
        return -1;
    for (size_t i = 0; i < BABY_STEPS; i++)
        if (memcmp(x, s->babies[i], s->bytes) == 0)
            return 1;
    return 0;
}

/* From the key on, in steps of STRIDE in the direction that `step` has. */
static int walk_giants(struct search *s)
{
    if (EC_POINT_copy(s->place, s->key) != 1)
        return -1;
    int found = is_known(s);
    for (size_t i = 0; i < GIANT_STEPS && found == 0; i++)
        found = take_step(s) ? is_known(s) : -1;
    return found;
}

static int search(struct search *s)
{
    if (!walk_babies(s) || !set_step(s, STRIDE))
        return -1;
    int found = walk_giants(s);
    if (found == 0)
        found = EC_POINT_invert(s->group, s->step, s->context) == 1 ? walk_giants(s) : -1;
    return found;
}

int multiple_is_small(const struct curve *curve, struct mqtt_span point)
{
    struct search s;
    int found = -1;

    if (search_init(&s, curve, point))
        found = search(&s);
    search_fini(&s);
    return found;
}
