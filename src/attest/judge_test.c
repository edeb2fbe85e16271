/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/judge.h"

#include "attest/soft_tpm.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ENDORSEMENT_USE "2.23.133.8.1"

/* A TPM, what the broker knows of it, and the two messages of a good attestation. */
struct stage {
    struct soft_tpm tpm;
    uint8_t key_sha256[ATTEST_HASH_BYTES];
    uint8_t endorsement[ATTEST_HASH_BYTES];
    struct attest_expectation expected;
    struct attest_pending pending;
    uint8_t challenge_bytes[ATTEST_MESSAGE_MAX_BYTES];
    struct attest_challenge challenge;
};

static enum attest_verdict claim(struct stage *s, struct mqtt_span certificate)
{
    uint8_t bytes[ATTEST_MESSAGE_MAX_BYTES];
    size_t len = soft_tpm_claim(&s->tpm, certificate, bytes);
    size_t answer_len = 0;
    enum attest_verdict verdict = attest_judge_claim((struct mqtt_span){ bytes, len }, &s->expected,
                                                     &s->pending, s->challenge_bytes, &answer_len);

    if (verdict == ATTEST_PROVED)
        assert_int_equal(attest_challenge_decode(
                             (struct mqtt_span){ s->challenge_bytes, answer_len }, &s->challenge),
                         0);
    return verdict;
}

static enum attest_verdict claim_bare(struct stage *s)
{
    return claim(s, (struct mqtt_span){ NULL, 0 });
}

static struct stage *open_stage(bool is_rsa)
{
    struct stage *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    soft_tpm_init(&s->tpm, is_rsa);
    soft_tpm_sha256(&s->tpm.key, s->key_sha256);
    soft_tpm_sha256(&s->tpm.endorsement, s->endorsement);
    s->expected =
        (struct attest_expectation){ .key_sha256 = s->key_sha256, .endorsement = s->endorsement };
    return s;
}

static void close_stage(struct stage *s)
{
    soft_tpm_fini(&s->tpm);
    free(s);
}

static enum attest_verdict answer(const struct stage *s, const struct soft_statement *statement,
                                  const uint8_t *secret)
{
    uint8_t bytes[ATTEST_MESSAGE_MAX_BYTES];
    size_t len = soft_tpm_answer(statement, secret, bytes);

    return attest_judge_answer((struct mqtt_span){ bytes, len }, &s->pending);
}

static void a_key_in_a_tpm_is_proved(void **state)
{
    (void)state;
    for (int is_rsa = 0; is_rsa < 2; is_rsa++) {
        struct stage *s = open_stage(is_rsa != 0);
        uint8_t secret[ATTEST_SECRET_BYTES];
        assert_int_equal(claim_bare(s), ATTEST_PROVED);
        assert_int_equal(s->pending.voucher, ATTEST_BY_LIST);
        assert_memory_equal(s->pending.endorsement, s->endorsement, ATTEST_HASH_BYTES);
        assert_true(soft_tpm_activate(&s->tpm, &s->challenge, secret));
        const struct soft_statement honest = soft_tpm_statement(&s->tpm, &s->challenge);
        assert_int_equal(answer(s, &honest, secret), ATTEST_PROVED);
        close_stage(s);
    }
}

static void nobody_vouches(void **state)
{
    struct stage *s = open_stage(false);

    (void)state;
    s->expected.endorsement = NULL;
    assert_int_equal(claim_bare(s), ATTEST_EK_UNKNOWN);
    s->expected.endorsement = s->key_sha256;
    assert_int_equal(claim_bare(s), ATTEST_EK_OTHER);
    close_stage(s);
}

/* Each attribute that is wanted, missing; each that is not, there. */
static void shapes(void **state)
{
    static const uint32_t captive[] = { ATTEST_FIXED_TPM, ATTEST_FIXED_PARENT, ATTEST_MADE_INSIDE };
    struct stage *s = open_stage(false);
    struct {
        struct soft_object *object;
        uint32_t own;
        enum attest_verdict verdict;
    } cases[] = {
        { &s->tpm.endorsement, ATTEST_RESTRICTED | ATTEST_SIGN, ATTEST_EK_SHAPE },
        { &s->tpm.witness, ATTEST_RESTRICTED | ATTEST_SIGN | ATTEST_DECRYPT, ATTEST_WITNESS_SHAPE },
        { &s->tpm.key, ATTEST_SIGN, ATTEST_KEY_SHAPE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t good = soft_tpm_attributes(cases[i].object);
        for (size_t j = 0; j < sizeof(captive) / sizeof(captive[0]); j++) {
            soft_tpm_describe(cases[i].object, good & ~captive[j]);
            assert_int_equal(claim_bare(s), cases[i].verdict);
        }
        for (uint32_t bit = 1u << 16; bit <= 1u << 18; bit <<= 1) {
            soft_tpm_describe(cases[i].object, good ^ bit);
            if ((cases[i].own & bit) != 0)
                assert_int_equal(claim_bare(s), cases[i].verdict);
        }
        soft_tpm_describe(cases[i].object, good);
    }
    assert_int_equal(claim_bare(s), ATTEST_PROVED);
    close_stage(s);
}

static void a_key_of_somebody_else(void **state)
{
    struct stage *s = open_stage(false);

    (void)state;
    s->expected.key_sha256 = s->endorsement;
    assert_int_equal(claim_bare(s), ATTEST_KEY_OTHER);
    close_stage(s);
}

/* The endorsement key of a TPM, and a witness of a program. */
static void a_credential_opens_in_one_tpm(void **state)
{
    (void)state;
    for (int is_rsa = 0; is_rsa < 2; is_rsa++) {
        struct stage *s = open_stage(is_rsa != 0);
        struct stage *other = open_stage(is_rsa != 0);
        uint8_t secret[ATTEST_SECRET_BYTES] = { 0 };
        assert_int_equal(claim_bare(s), ATTEST_PROVED);
        assert_false(soft_tpm_activate(&other->tpm, &s->challenge, secret));
        const struct soft_statement honest = soft_tpm_statement(&s->tpm, &s->challenge);
        assert_int_equal(answer(s, &honest, secret), ATTEST_SECRET);
        struct soft_object kept = s->tpm.witness;
        s->tpm.witness = other->tpm.witness;
        assert_false(soft_tpm_activate(&s->tpm, &s->challenge, secret));
        s->tpm.witness = kept;
        close_stage(other);
        close_stage(s);
    }
}

static void statements_that_lie(void **state)
{
    static const uint8_t stale[ATTEST_NONCE_BYTES] = { 1 };
    struct stage *s = open_stage(false);
    uint8_t secret[ATTEST_SECRET_BYTES];

    (void)state;
    assert_int_equal(claim_bare(s), ATTEST_PROVED);
    assert_true(soft_tpm_activate(&s->tpm, &s->challenge, secret));
    const struct soft_statement honest = soft_tpm_statement(&s->tpm, &s->challenge);
    struct soft_statement lie = honest;
    lie.magic = 0x00000000;
    assert_int_equal(answer(s, &lie, secret), ATTEST_STATEMENT);
    lie = honest;
    lie.type = 0x8018; /* TPM_ST_ATTEST_QUOTE */
    assert_int_equal(answer(s, &lie, secret), ATTEST_STATEMENT);
    lie = honest;
    lie.nonce = (struct mqtt_span){ stale, sizeof(stale) };
    assert_int_equal(answer(s, &lie, secret), ATTEST_NONCE);
    lie = honest;
    lie.nonce.len = 0;
    assert_int_equal(answer(s, &lie, secret), ATTEST_NONCE);
    lie = honest;
    lie.about = &s->tpm.witness;
    assert_int_equal(answer(s, &lie, secret), ATTEST_NAME);
    lie = honest;
    lie.signer = s->tpm.key.key;
    assert_int_equal(answer(s, &lie, secret), ATTEST_SIGNATURE);
    secret[0] ^= 1;
    assert_int_equal(answer(s, &honest, secret), ATTEST_SECRET);
    close_stage(s);
}

/* The same key, said to be better than it is to the TPM: it has another name then. */
static void attributes_are_part_of_the_name(void **state)
{
    struct stage *s = open_stage(false);
    uint8_t secret[ATTEST_SECRET_BYTES];
    struct soft_object loose = s->tpm.key;

    (void)state;
    soft_tpm_describe(&loose, ATTEST_SIGN);
    assert_int_equal(claim_bare(s), ATTEST_PROVED);
    assert_true(soft_tpm_activate(&s->tpm, &s->challenge, secret));
    struct soft_statement lie = soft_tpm_statement(&s->tpm, &s->challenge);
    lie.about = &loose;
    assert_int_equal(answer(s, &lie, secret), ATTEST_NAME);
    close_stage(s);
}

static void mangled_claims(void **state)
{
    struct stage *s = open_stage(false);
    uint8_t good[ATTEST_MESSAGE_MAX_BYTES];
    size_t len = soft_tpm_claim(&s->tpm, (struct mqtt_span){ NULL, 0 }, good);
    uint8_t challenge[ATTEST_MESSAGE_MAX_BYTES];
    size_t challenge_len;

    (void)state;
    for (size_t n = 0; n < len; n++) {
        uint8_t *exact = malloc(n > 0 ? n : 1);
        assert_non_null(exact);
        memcpy(exact, good, n);
        assert_int_equal(attest_judge_claim((struct mqtt_span){ exact, n }, &s->expected,
                                            &s->pending, challenge, &challenge_len),
                         ATTEST_MALFORMED);
        free(exact);
    }
    /* Some bits do not count, who may use the endorsement key for example: a challenge is all that
     * comes of it. */
    for (size_t i = 0; i < len; i++) {
        good[i] ^= 0x80;
        enum attest_verdict verdict = attest_judge_claim(
            (struct mqtt_span){ good, len }, &s->expected, &s->pending, challenge, &challenge_len);
        assert_in_range(verdict, ATTEST_MALFORMED, ATTEST_PROVED);
        good[i] ^= 0x80;
    }
    close_stage(s);
}

static void mangled_answers(void **state)
{
    struct stage *s = open_stage(false);
    uint8_t good[ATTEST_MESSAGE_MAX_BYTES];
    uint8_t secret[ATTEST_SECRET_BYTES];

    (void)state;
    assert_int_equal(claim_bare(s), ATTEST_PROVED);
    assert_true(soft_tpm_activate(&s->tpm, &s->challenge, secret));
    const struct soft_statement honest = soft_tpm_statement(&s->tpm, &s->challenge);
    size_t len = soft_tpm_answer(&honest, secret, good);
    assert_int_equal(attest_judge_answer((struct mqtt_span){ good, len }, &s->pending),
                     ATTEST_PROVED);
    for (size_t n = 0; n < len; n++) {
        uint8_t *exact = malloc(n > 0 ? n : 1);
        assert_non_null(exact);
        memcpy(exact, good, n);
        assert_int_not_equal(attest_judge_answer((struct mqtt_span){ exact, n }, &s->pending),
                             ATTEST_PROVED);
        free(exact);
    }
    for (size_t i = 0; i < 8 * len; i++) {
        good[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(attest_judge_answer((struct mqtt_span){ good, len }, &s->pending),
                             ATTEST_PROVED);
        good[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    close_stage(s);
}

/* ---- certificates of endorsement keys ---- */

static struct attest_roots *roots_of(EVP_PKEY *maker)
{
    char path[] = "/tmp/attest-roots-XXXXXX";
    uint8_t der[2048];
    const uint8_t *at = der;
    struct attest_roots *roots;
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    X509 *x509 = d2i_X509(NULL, &at, (long)soft_tpm_certify(maker, NULL, NULL, der, sizeof(der)));

    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, x509), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(x509);
    assert_int_equal(attest_roots_load(path, &roots), 0);
    assert_int_equal(unlink(path), 0);
    return roots;
}

static void certificates_vouch(void **state)
{
    struct stage *s = open_stage(true);
    EVP_PKEY *maker = EVP_EC_gen("P-256");
    EVP_PKEY *stranger = EVP_EC_gen("P-256");
    struct attest_roots *roots = roots_of(maker);
    const struct {
        EVP_PKEY *key;
        EVP_PKEY *issuer;
        const char *use;
        enum attest_verdict verdict;
    } cases[] = {
        { s->tpm.endorsement.key, maker, ENDORSEMENT_USE, ATTEST_PROVED },
        { s->tpm.endorsement.key, stranger, ENDORSEMENT_USE, ATTEST_EK_UNKNOWN },
        { s->tpm.endorsement.key, maker, NULL, ATTEST_EK_UNKNOWN },
        { s->tpm.endorsement.key, maker, "clientAuth", ATTEST_EK_UNKNOWN },
        { s->tpm.witness.key, maker, ENDORSEMENT_USE, ATTEST_EK_UNKNOWN },
        { maker, NULL, ENDORSEMENT_USE, ATTEST_EK_UNKNOWN },
    };

    (void)state;
    s->expected.endorsement = NULL;
    s->expected.roots = roots;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t der[2048];
        size_t len =
            soft_tpm_certify(cases[i].key, cases[i].issuer, cases[i].use, der, sizeof(der));
        assert_int_equal(claim(s, (struct mqtt_span){ der, len }), cases[i].verdict);
        if (cases[i].verdict != ATTEST_PROVED)
            continue;
        assert_int_equal(s->pending.voucher, ATTEST_BY_CERTIFICATE);
        assert_int_equal(claim(s, (struct mqtt_span){ der, len - 1 }), ATTEST_EK_UNKNOWN);
        s->expected.roots = NULL;
        assert_int_equal(claim(s, (struct mqtt_span){ der, len }), ATTEST_EK_UNKNOWN);
        s->expected.roots = roots;
        /* Who names one wants that one. */
        s->expected.endorsement = s->key_sha256;
        assert_int_equal(claim(s, (struct mqtt_span){ der, len }), ATTEST_EK_OTHER);
        s->expected.endorsement = NULL;
    }
    attest_roots_free(roots);
    EVP_PKEY_free(maker);
    EVP_PKEY_free(stranger);
    close_stage(s);
}

static void files_without_certificates(void **state)
{
    struct attest_roots *roots;

    (void)state;
    assert_int_equal(attest_roots_load("/nonexistent/roots.pem", &roots), -ENOENT);
    assert_int_equal(attest_roots_load("/dev/null", &roots), -EBADMSG);
    attest_roots_free(NULL);
}

static void words(void **state)
{
    (void)state;
    for (int i = 0; i < ATTEST_VERDICT_COUNT; i++)
        assert_int_equal(attest_verdict_text((enum attest_verdict)i)[0] == '\0',
                         i == ATTEST_PROVED);
    assert_string_equal(attest_voucher_text(ATTEST_BY_NOBODY), "");
    assert_string_equal(attest_voucher_text(ATTEST_BY_LIST), "ek-list");
    assert_string_equal(attest_voucher_text(ATTEST_BY_CERTIFICATE), "ek-certificate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_in_a_tpm_is_proved),
        cmocka_unit_test(nobody_vouches),
        cmocka_unit_test(shapes),
        cmocka_unit_test(a_key_of_somebody_else),
        cmocka_unit_test(a_credential_opens_in_one_tpm),
        cmocka_unit_test(statements_that_lie),
        cmocka_unit_test(attributes_are_part_of_the_name),
        cmocka_unit_test(mangled_claims),
        cmocka_unit_test(mangled_answers),
        cmocka_unit_test(certificates_vouch),
        cmocka_unit_test(files_without_certificates),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
