/* SPDX-License-Identifier: Apache-2.0 */
#include "keycheck/modulus.h"

#include "base/attrs.h"
#include "keycheck/bits.h"

#include <openssl/bn.h>

#define EXPONENT_BITS_MAX 256 /* FIPS 186-5, 5.4 */
#define ROCA_PRIME_MAX    701 /* the 126th prime: keys of 1984 bits and more use at least so many */
#define FERMAT_STEPS      100
#define NO_WORD           ((BN_ULONG)-1) /* what BN_mod_word() answers when it fails */
#define SKEWED_BITS       16             /* first and last ones of a product of two primes */

static const uint16_t primes[] = {
#define PRIME(p) p,
#include "keycheck/primes.def"
#undef PRIME
};

#define PRIMES MQTT_ARRAY_LEN(primes)

size_t modulus_bits(struct mqtt_span modulus)
{
    if (modulus.len == 0)
        return 0;
    return 8 * modulus.len - 8 + (size_t)(32 - __builtin_clz((unsigned)modulus.data[0] | 1));
}

/* ---- remainders ---- */

/* Of as many primes at a time as have a product that fits into a word: one division of the whole
 * for each group. */
static bool find_remainders(const BIGNUM *modulus, uint32_t out[PRIMES])
{
    size_t next = 0;

    while (next < PRIMES) {
        size_t first = next;
        BN_ULONG product = 1;
        while (next < PRIMES && product < NO_WORD / primes[next])
            product *= primes[next++];
        BN_ULONG rest = BN_mod_word(modulus, product);
        if (rest == NO_WORD)
            return false;
        for (size_t i = first; i < next; i++)
            out[i] = (uint32_t)(rest % primes[i]);
    }
    return true;
}

static bool has_small_factor(const BIGNUM *modulus, const uint32_t remainders[PRIMES])
{
    if (!BN_is_odd(modulus))
        return true;
    for (size_t i = 0; i < PRIMES; i++)
        if (remainders[i] == 0)
            return true;
    return false;
}

/* ---- ROCA ---- */

static bool is_power_of_65537(uint32_t value, uint32_t prime)
{
    uint32_t generator = 65537 % prime;
    uint32_t power = 1;

    do {
        if (power == value)
            return true;
        power = power * generator % prime;
    } while (power != 1);
    return false;
}

/* The faulty library makes primes of the form k * M + (65537^a mod M), M being the product of the
 * first primes. So the modulus is a power of 65537 modulo each of them. A random one is so modulo
 * the primes up to 701 with a probability of 2^-167. */
static bool is_roca(const uint32_t remainders[PRIMES])
{
    for (size_t i = 0; i < PRIMES && primes[i] <= ROCA_PRIME_MAX; i++)
        if (!is_power_of_65537(remainders[i], primes[i]))
            return false;
    return true;
}

/* ---- Fermat ---- */

/* Squares modulo these are few, so that what passes all of them is worth a root. None is above 64:
 * a bit for each remainder. */
static const uint32_t sieve[] = {
    64, 63, 5, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61
};

#define SIEVES MQTT_ARRAY_LEN(sieve)

/* At least the root of a number with that many bits, whose first 32 are about right. */
static bool estimate_root(const BIGNUM *square, BIGNUM *out)
{
    int bits = BN_num_bits(square);
    int shift = bits > 62 ? (bits - 61) & ~1 : 0;
    uint64_t top = 0;
    uint64_t root = 0;

    if (BN_rshift(out, square, shift) != 1)
        return false;
    for (int i = 61; i >= 0; i--)
        top = top << 1 | (uint64_t)BN_is_bit_set(out, i);
    for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1)
        if ((root | bit) * (root | bit) <= top)
            root |= bit;
    return BN_set_word(out, (BN_ULONG)root + 1) == 1 && BN_lshift(out, out, shift / 2) == 1;
}

/* Floor of the square root, after Newton. */
static bool root_of(const BIGNUM *square, BIGNUM *out, BN_CTX *context)
{
    BN_CTX_start(context);
    BIGNUM *next = BN_CTX_get(context);
    bool is_fine = next != NULL && estimate_root(square, out);
    bool is_done = false;
    /* From above it falls until it is there. */
    while (is_fine && !is_done) {
        is_fine = BN_div(next, NULL, square, out, context) == 1 && BN_add(next, next, out) == 1
                  && BN_rshift1(next, next) == 1;
        is_done = is_fine && BN_cmp(next, out) >= 0;
        if (is_fine && !is_done)
            is_fine = BN_copy(out, next) != NULL;
    }
    BN_CTX_end(context);
    return is_fine;
}

/* Is (root + step)^2 - modulus a square? -1: out of memory. */
static int splits(const BIGNUM *modulus, const BIGNUM *root, unsigned step, BN_CTX *context)
{
    BN_CTX_start(context);
    BIGNUM *sum = BN_CTX_get(context);
    BIGNUM *rest = BN_CTX_get(context);
    BIGNUM *again = BN_CTX_get(context);
    int found = -1;

    if (again != NULL && BN_copy(sum, root) != NULL && BN_add_word(sum, step) == 1
        && BN_sqr(rest, sum, context) == 1 && BN_sub(rest, rest, modulus) == 1
        && !BN_is_negative(rest) && root_of(rest, sum, context) && BN_sqr(again, sum, context) == 1)
        found = BN_cmp(again, rest) == 0;
    BN_CTX_end(context);
    return found;
}

/* Modulo one number of the sieve: which remainders squares have, the root's and the modulus's. */
struct residues {
    uint64_t squares;
    uint32_t root;
    uint32_t modulus;
};

static bool fill_residues(const BIGNUM *modulus, const BIGNUM *root, struct residues out[SIEVES])
{
    for (size_t i = 0; i < SIEVES; i++) {
        BN_ULONG of_root = BN_mod_word(root, sieve[i]);
        BN_ULONG of_modulus = BN_mod_word(modulus, sieve[i]);
        if (of_root == NO_WORD || of_modulus == NO_WORD)
            return false;
        out[i] = (struct residues){ .root = (uint32_t)of_root, .modulus = (uint32_t)of_modulus };
        for (uint32_t x = 0; x < sieve[i]; x++)
            out[i].squares |= UINT64_C(1) << (x * x % sieve[i]);
    }
    return true;
}

static bool may_split(const struct residues residues[SIEVES], uint32_t step)
{
    for (size_t i = 0; i < SIEVES; i++) {
        uint32_t sum = (residues[i].root + step) % sieve[i];
        uint32_t rest = (sum * sum + sieve[i] - residues[i].modulus) % sieve[i];
        if ((residues[i].squares >> rest & 1) == 0)
            return false;
    }
    return true;
}

/* Primes p and q with (p + q) / 2 within FERMAT_STEPS of the root of p * q. 1: so it is; -1: out
 * of memory. */
static int search(const BIGNUM *modulus, BN_CTX *context)
{
    struct residues residues[SIEVES];
    BIGNUM *root = BN_CTX_get(context);

    if (root == NULL || !root_of(modulus, root, context) || !fill_residues(modulus, root, residues))
        return -1;
    /* A modulus that is a square is its root's; else the first sum is above the root. */
    int found = 0;
    BIGNUM *square = BN_CTX_get(context);
    if (square == NULL || BN_sqr(square, root, context) != 1)
        return -1;
    if (BN_cmp(square, modulus) == 0)
        return 1;
    for (uint32_t step = 1; step <= FERMAT_STEPS && found == 0; step++)
        if (may_split(residues, step))
            found = splits(modulus, root, step, context);
    return found;
}

/* ---- all of it ---- */

static bool is_good_exponent(struct mqtt_span exponent)
{
    size_t bits = modulus_bits(exponent);

    /* 65537 is the smallest odd number of 17 bits. */
    return bits >= 17 && bits <= EXPONENT_BITS_MAX && (exponent.data[exponent.len - 1] & 1) == 1;
}

static enum keycheck_fault check_arithmetic(const BIGNUM *modulus, BN_CTX *context)
{
    uint32_t remainders[PRIMES];

    if (!find_remainders(modulus, remainders))
        return KEYCHECK_UNREADABLE;
    if (has_small_factor(modulus, remainders))
        return KEYCHECK_FACTOR;
    if (is_roca(remainders))
        return KEYCHECK_ROCA;
    int found = search(modulus, context);
    if (found < 0)
        return KEYCHECK_UNREADABLE;
    return found == 1 ? KEYCHECK_CLOSE : KEYCHECK_FINE;
}

static enum keycheck_fault check_number(struct mqtt_span bytes)
{
    enum keycheck_fault fault = KEYCHECK_UNREADABLE;
    BN_CTX *context = BN_CTX_new();

    if (context == NULL)
        return fault;
    BN_CTX_start(context);
    BIGNUM *modulus = BN_CTX_get(context);
    if (modulus != NULL && BN_bin2bn(bytes.data, (int)bytes.len, modulus) != NULL)
        fault = check_arithmetic(modulus, context);
    BN_CTX_end(context);
    BN_CTX_free(context);
    return fault;
}

enum keycheck_fault modulus_check(const struct spki_rsa *rsa)
{
    size_t bits = modulus_bits(rsa->modulus);

    if (bits < MODULUS_BITS_MIN)
        return KEYCHECK_SHORT;
    if (bits > MODULUS_BITS_MAX)
        return KEYCHECK_LONG;
    if (!is_good_exponent(rsa->exponent))
        return KEYCHECK_EXPONENT;
    if (bits_are_lopsided(rsa->modulus, bits, SKEWED_BITS))
        return KEYCHECK_LOPSIDED;
    return bits_repeat(rsa->modulus) ? KEYCHECK_PATTERN : check_number(rsa->modulus);
}
