/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/sealed_format.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sealed_format sample(enum sealed_method method, size_t wrapped_len)
{
    struct sealed_format sealed = { .method = method, .wrapped_len = wrapped_len };

    memset(sealed.salt, 1, sizeof(sealed.salt));
    memset(sealed.nonce, 2, sizeof(sealed.nonce));
    memset(sealed.point, 3, sizeof(sealed.point));
    memset(sealed.wrapped, 4, wrapped_len);
    memset(sealed.scalar, 5, sizeof(sealed.scalar));
    memset(sealed.tag, 6, sizeof(sealed.tag));
    return sealed;
}

static void there_and_back(void **state)
{
    static const struct {
        enum sealed_method method;
        size_t wrapped_len;
    } rows[] = { { SEALED_BY_MACHINE, 0 },
                 { SEALED_BY_TPM, 1 },
                 { SEALED_BY_TPM, SEALED_FORMAT_WRAPPED_MAX } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sealed_format before = sample(rows[i].method, rows[i].wrapped_len);
        struct sealed_format after;
        uint8_t bytes[SEALED_FORMAT_MAX_BYTES];
        size_t len = sealed_format_encode(&before, bytes);
        assert_int_equal(sealed_format_decode((struct mqtt_span){ bytes, len }, &after), 0);
        assert_memory_equal(&before, &after, sizeof(before));
    }
}

static void every_length_but_its_own_is_refused(void **state)
{
    struct sealed_format sealed = sample(SEALED_BY_TPM, 7);
    struct sealed_format out;
    uint8_t bytes[SEALED_FORMAT_MAX_BYTES + 1] = { 0 };
    size_t len = sealed_format_encode(&sealed, bytes);

    (void)state;
    for (size_t i = 0; i <= len + 1; i++) {
        if (i == len)
            continue;
        uint8_t *exact = malloc(i + 1);
        assert_non_null(exact);
        memcpy(exact, bytes, i);
        assert_int_equal(sealed_format_decode((struct mqtt_span){ exact, i }, &out), -EBADMSG);
        free(exact);
    }
}

static void heads_that_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        int error;
    } rows[] = { { 0, 2, -ENOTSUP },
                 { 0, 0, -ENOTSUP },
                 { 1, SEALED_BY_NOTHING, -ENOTSUP },
                 { 1, 3, -ENOTSUP },
                 { 2, 0xff, -EBADMSG },
                 { 3, 1, -EBADMSG },
                 { 1, SEALED_BY_TPM, -EBADMSG } };
    struct sealed_format sealed = sample(SEALED_BY_MACHINE, 0);
    struct sealed_format out;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t bytes[SEALED_FORMAT_MAX_BYTES];
        size_t len = sealed_format_encode(&sealed, bytes);
        bytes[rows[i].at] = rows[i].value;
        assert_int_equal(sealed_format_decode((struct mqtt_span){ bytes, len }, &out),
                         rows[i].error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(every_length_but_its_own_is_refused),
        cmocka_unit_test(heads_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
