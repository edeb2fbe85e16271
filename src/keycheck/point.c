/* SPDX-License-Identifier: Apache-2.0 */
#include "keycheck/point.h"

#include "base/attrs.h"
#include "keycheck/bits.h"
#include "keycheck/multiple.h"

#include <openssl/bn.h>

#define POINT_INFINITY     0x00
#define POINT_UNCOMPRESSED 0x04
#define FIRST_MULTIPLES    16

/* Arithmetic modulo the curve's prime, by OpenSSL's reductions for the curves of NIST. */
struct field {
    int (*reduce)(BIGNUM *out, const BIGNUM *number, const BIGNUM *prime, BN_CTX *context);
    const BIGNUM *prime;
    BN_CTX *context;
};

static struct field field_of(const struct curve *curve, BN_CTX *context)
{
    switch (curve->id) {
    case CURVE_P256:
        return (struct field){ BN_nist_mod_256, BN_get0_nist_prime_256(), context };
    case CURVE_P384:
        return (struct field){ BN_nist_mod_384, BN_get0_nist_prime_384(), context };
    case CURVE_P521:
    case CURVE_COUNT:
        break;
    }
    return (struct field){ BN_nist_mod_521, BN_get0_nist_prime_521(), context };
}

static bool multiply(const struct field *f, BIGNUM *out, const BIGNUM *a, const BIGNUM *b)
{
    return BN_mul(out, a, b, f->context) == 1 && f->reduce(out, out, f->prime, f->context) == 1;
}

static BIGNUM *take_number(const struct field *f, struct mqtt_span bytes)
{
    BIGNUM *number = BN_CTX_get(f->context);

    return number != NULL ? BN_bin2bn(bytes.data, (int)bytes.len, number) : NULL;
}

/* y^2 = x^3 - 3x + b, with both below the prime. -1: out of memory. */
static int satisfies(const struct field *f, struct mqtt_span b, struct mqtt_span x_bytes,
                     struct mqtt_span y_bytes)
{
    const BIGNUM *constant = take_number(f, b);
    const BIGNUM *x = take_number(f, x_bytes);
    const BIGNUM *y = take_number(f, y_bytes);
    BIGNUM *right = BN_CTX_get(f->context);
    BIGNUM *left = BN_CTX_get(f->context);

    if (constant == NULL || x == NULL || y == NULL || left == NULL)
        return -1;
    if (BN_cmp(x, f->prime) >= 0 || BN_cmp(y, f->prime) >= 0)
        return 0;
    /* (x^2 + p - 3) x + b: no number goes below zero. */
    if (!multiply(f, right, x, x) || BN_add(right, right, f->prime) != 1
        || BN_sub_word(right, 3) != 1 || f->reduce(right, right, f->prime, f->context) != 1
        || !multiply(f, right, right, x) || BN_add(right, right, constant) != 1
        || f->reduce(right, right, f->prime, f->context) != 1 || !multiply(f, left, y, y))
        return -1;
    return BN_cmp(left, right) == 0;
}

static enum keycheck_fault check_equation(const struct curve *curve, struct mqtt_span x,
                                          struct mqtt_span y)
{
    BN_CTX *context = BN_CTX_new();

    if (context == NULL)
        return KEYCHECK_UNREADABLE;
    const struct field field = field_of(curve, context);
    BN_CTX_start(context);
    int is_on = satisfies(&field, curve->b, x, y);
    BN_CTX_end(context);
    BN_CTX_free(context);
    if (is_on < 0)
        return KEYCHECK_UNREADABLE;
    return is_on == 1 ? KEYCHECK_FINE : KEYCHECK_POINT;
}

/* A point and its negative have the same x. */
static bool is_first_multiple(const struct curve *curve, struct mqtt_span x)
{
    static const uint64_t known[CURVE_COUNT][FIRST_MULTIPLES] = {
#define MULTIPLES(id, ...) [id] = { __VA_ARGS__ },
#include "keycheck/multiples.def"
#undef MULTIPLES
    };
    const uint8_t *from = x.data + (curve->id == CURVE_P521 ? 2 : 0);
    uint64_t beginning = 0;

    for (size_t i = 0; i < sizeof(beginning); i++)
        beginning = beginning << 8 | from[i];
    for (size_t i = 0; i < FIRST_MULTIPLES; i++)
        if (known[curve->id][i] == beginning)
            return true;
    return false;
}

static enum keycheck_fault check_private_half(const struct curve *curve, struct mqtt_span point,
                                              enum keycheck_depth depth)
{
    struct mqtt_span x = { point.data + 1, curve->bytes };

    if (is_first_multiple(curve, x))
        return KEYCHECK_SMALL_PRIVATE;
    if (depth == KEYCHECK_QUICK)
        return KEYCHECK_FINE;
    int is_small = multiple_is_small(curve, point);
    if (is_small < 0)
        return KEYCHECK_UNREADABLE;
    return is_small == 1 ? KEYCHECK_SMALL_PRIVATE : KEYCHECK_FINE;
}

enum keycheck_fault point_check(const struct curve *curve, struct mqtt_span point,
                                enum keycheck_depth depth)
{
    if (point.len == 1 && point.data[0] == POINT_INFINITY)
        return KEYCHECK_POINT;
    if (point.len != 1 + 2 * curve->bytes || point.data[0] != POINT_UNCOMPRESSED)
        return KEYCHECK_ENCODING;

    struct mqtt_span x = { point.data + 1, curve->bytes };
    struct mqtt_span y = { point.data + 1 + curve->bytes, curve->bytes };
    enum keycheck_fault fault = check_equation(curve, x, y);
    if (fault == KEYCHECK_FINE)
        fault = check_private_half(curve, point, depth);
    if (fault != KEYCHECK_FINE)
        return fault;
    if (bits_are_lopsided(x, curve->bits, 0) || bits_are_lopsided(y, curve->bits, 0))
        return KEYCHECK_LOPSIDED;
    return bits_repeat(x) || bits_repeat(y) ? KEYCHECK_PATTERN : KEYCHECK_FINE;
}
