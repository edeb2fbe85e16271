/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/scram.h"

#include "pki/base64.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* RFC 7677, section 3. */
#define CLIENT_FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define NONCE        "rOprNGfwEbeRWgbNEkqO" SERVER_NONCE
#define PROOF        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static struct scram_keys keys_of(const char *password)
{
    struct scram_keys keys;
    uint8_t salt[SCRAM_SALT_BYTES];
    size_t len = 0;

    assert_int_equal(base64_decode(BASE64_STANDARD, span_of("W22ZaJ0SNY7soEsUEjb6gQ=="), salt,
                                   sizeof(salt), &len),
                     0);
    assert_int_equal(scram_derive(span_of(password), salt, 4096, &keys), 0);
    return keys;
}

static struct scram_exchange begun(void)
{
    struct scram_keys keys = keys_of("pencil");
    struct scram_first first;
    struct scram_exchange exchange;

    assert_int_equal(scram_read_first(span_of(CLIENT_FIRST), &first), 0);
    scram_begin(&first, &keys, SERVER_NONCE, &exchange);
    return exchange;
}

static void the_standards_example(void **state)
{
    struct scram_exchange exchange = begun();
    char final[SCRAM_FINAL_SIZE];

    (void)state;
    assert_string_equal(exchange.first.user, "user");
    assert_string_equal(exchange.server_first, "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    assert_int_equal(scram_finish(&exchange, span_of("c=biws,r=" NONCE ",p=" PROOF), final), 0);
    assert_string_equal(final, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

static void a_wrong_final_is_refused(void **state)
{
    static const struct {
        const char *message;
        int error;
    } rows[] = {
        { "c=biws,r=" NONCE ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", -EACCES },
        { "c=biws,r=" NONCE ",x=ignored,p=" PROOF, -EACCES }, /* it is part of what is proved */
        { "c=eSws,r=" NONCE ",p=" PROOF, -EBADMSG },
        { "c=biws,r=rOprNGfwEbeRWgbNEkqO,p=" PROOF, -EBADMSG },
        { "c=biws,r=" NONCE "x,p=" PROOF, -EBADMSG },
        { "c=biws,r=" NONCE, -EBADMSG },
        { "c=biws,r=" NONCE ",p=", -EBADMSG },
        { "c=biws,r=" NONCE ",p=dHzb", -EBADMSG },
        { "c=biws,r=" NONCE ",p=" PROOF ",x=1", -EBADMSG },
        { "c=biws,r=" NONCE ",x", -EBADMSG },
        { "r=" NONCE ",c=biws,p=" PROOF, -EBADMSG },
        { "", -EBADMSG },
    };
    struct scram_exchange exchange = begun();

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        char final[SCRAM_FINAL_SIZE] = "untouched";
        if (scram_finish(&exchange, span_of(rows[i].message), final) != rows[i].error)
            fail_msg("%s", rows[i].message);
        assert_string_equal(final, "untouched");
    }
}

static void a_first_message_is_read_strictly(void **state)
{
    static const struct {
        const char *message;
        int error;
        const char *user;
    } rows[] = {
        { "n,,n=a,r=x", 0, "a" },
        { "y,,n=a=2Cb=3D,r=x", 0, "a,b=" },
        { "n,,n=a,r=x,ext=1", 0, "a" },
        { "p=tls-exporter,,n=a,r=x", -ENOTSUP, "" },
        { "n,a=b,n=a,r=x", -ENOTSUP, "" },
        { "n,,m=1,n=a,r=x", -ENOTSUP, "" },
        { "", -EBADMSG, "" },
        { "n", -EBADMSG, "" },
        { "n,,", -EBADMSG, "" },
        { "q,,n=a,r=x", -EBADMSG, "" },
        { "n,,n=,r=x", -EBADMSG, "" },
        { "n,,n=a", -EBADMSG, "" },
        { "n,,n=a,r=", -EBADMSG, "" },
        { "n,,n=a,r=a b", -EBADMSG, "" },
        { "n,,n=a=2,r=x", -EBADMSG, "" },
        { "n,,n=a=41,r=x", -EBADMSG, "" },
        { "n,,r=x,n=a", -EBADMSG, "" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct scram_first first = { 0 };
        if (scram_read_first(span_of(rows[i].message), &first) != rows[i].error)
            fail_msg("%s", rows[i].message);
        assert_string_equal(first.user, rows[i].user);
    }
}

static void long_messages_end_nowhere(void **state)
{
    char message[SCRAM_TEXT_SIZE + 64];
    struct scram_first first;

    (void)state;
    for (size_t len = SCRAM_USER_SIZE - 2; len < sizeof(message) - 1; len++) {
        memset(message, 'a', sizeof(message));
        memcpy(message, "n,,n=", 5);
        memcpy(message + len - 4, ",r=x", 4);
        message[len] = '\0';
        int error = scram_read_first(span_of(message), &first);
        assert_int_equal(error, len - 9 < SCRAM_USER_SIZE ? 0 : -EBADMSG);
    }
}

static void who_is_unknown_looks_the_same_each_time(void **state)
{
    static const uint8_t secret[SCRAM_KEY_BYTES] = { 1 };
    struct scram_keys once;
    struct scram_keys again;
    struct scram_keys other;

    (void)state;
    assert_int_equal(scram_pretend(secret, "nobody", &once), 0);
    assert_int_equal(scram_pretend(secret, "nobody", &again), 0);
    assert_int_equal(scram_pretend(secret, "noone", &other), 0);
    assert_memory_equal(once.salt, again.salt, sizeof(once.salt));
    assert_memory_not_equal(once.salt, other.salt, sizeof(once.salt));
    assert_int_equal(once.rounds, SCRAM_ROUNDS);
    assert_memory_not_equal(once.stored, again.stored, sizeof(once.stored));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standards_example),
        cmocka_unit_test(a_wrong_final_is_refused),
        cmocka_unit_test(a_first_message_is_read_strictly),
        cmocka_unit_test(long_messages_end_nowhere),
        cmocka_unit_test(who_is_unknown_looks_the_same_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
