/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/token_text.h"

#include "base/wipe.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#define SECRET_BYTES 16
#define DATA_DIGITS  26
#define DIGITS       28
#define GROUP        4
#define MODULUS      1021u /* prime, and two digits hold it */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* The digits as a number to base 32, modulo a prime: a change of one digit, or of the order of two
 * that differ, changes it. */
static unsigned checksum(const uint8_t digits[DATA_DIGITS])
{
    unsigned sum = 0;

    for (unsigned i = 0; i < DATA_DIGITS; i++)
        sum = (sum * 32 + digits[i]) % MODULUS;
    return sum;
}

/* Five bits each, from the top; the last one has three, and two of zero. */
static void spread(const uint8_t secret[SECRET_BYTES], uint8_t out[DATA_DIGITS])
{
    unsigned window = 0;
    unsigned bits = 0;
    unsigned used = 0;

    for (unsigned i = 0; i < DATA_DIGITS; i++) {
        if (bits < 5) {
            unsigned next = used < SECRET_BYTES ? secret[used++] : 0;
            window = (window << 8 | next) & 0xffffu;
            bits += 8;
        }
        bits -= 5;
        out[i] = (uint8_t)(window >> bits & 31u);
    }
}

int token_text_new(char *out)
{
    uint8_t secret[SECRET_BYTES];
    uint8_t digits[DIGITS];
    size_t len = 0;

    if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
        return -EIO;
    spread(secret, digits);
    unsigned sum = checksum(digits);
    digits[DATA_DIGITS] = (uint8_t)(sum / 32);
    digits[DATA_DIGITS + 1] = (uint8_t)(sum % 32);
    for (size_t i = 0; i < DIGITS; i++) {
        if (i > 0 && i % GROUP == 0)
            out[len++] = '-';
        out[len++] = alphabet[digits[i]];
    }
    out[len] = '\0';
    wipe_bytes(secret, sizeof(secret));
    wipe_bytes(digits, sizeof(digits));
    return 0;
}

/* -1: it is none. */
static int digit_of(uint8_t c)
{
    if (c == 'o' || c == 'O')
        c = '0';
    if (c == 'i' || c == 'I' || c == 'l' || c == 'L')
        c = '1';
    if (c >= 'a' && c <= 'z')
        c = (uint8_t)(c - 'a' + 'A');
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

static bool read_digits(struct mqtt_span text, uint8_t out[DIGITS])
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '-' || text.data[i] == ' ')
            continue;
        int digit = digit_of(text.data[i]);
        if (digit < 0 || count == DIGITS)
            return false;
        out[count++] = (uint8_t)digit;
    }
    return count == DIGITS;
}

int token_text_hash(struct mqtt_span text, uint8_t out[TOKEN_HASH_BYTES])
{
    uint8_t digits[DIGITS];
    char canonical[DIGITS];
    bool is_good = read_digits(text, digits)
                   && checksum(digits) == digits[DATA_DIGITS] * 32u + digits[DATA_DIGITS + 1];
    int error = is_good ? 0 : -EINVAL;

    for (size_t i = 0; is_good && i < DIGITS; i++)
        canonical[i] = alphabet[digits[i]];
    if (is_good && EVP_Digest(canonical, DIGITS, out, NULL, EVP_sha256(), NULL) != 1)
        error = -EIO;
    wipe_bytes(digits, sizeof(digits));
    wipe_bytes(canonical, sizeof(canonical));
    return error;
}
