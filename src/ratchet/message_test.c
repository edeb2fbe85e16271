/* SPDX-License-Identifier: Apache-2.0 */
#include "ratchet/message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the hash is asked for. */
struct asked {
    uint8_t key[RATCHET_KEY_BYTES];
    uint8_t data[256];
    size_t len;
    int status;
};

static int compute(void *context, const uint8_t key[RATCHET_KEY_BYTES], struct mqtt_span data,
                   uint8_t out[RATCHET_KEY_BYTES])
{
    struct asked *asked = context;

    memcpy(asked->key, key, RATCHET_KEY_BYTES);
    assert_true(data.len <= sizeof(asked->data));
    memcpy(asked->data, data.data, data.len);
    asked->len = data.len;
    memset(out, 0xee, RATCHET_KEY_BYTES);
    return asked->status;
}

static struct ratchet_message sample(void)
{
    struct ratchet_message message = { .counter = UINT64_C(0x0102030405060708) };

    memset(message.fresh, 0x11, sizeof(message.fresh));
    memset(message.proof, 0x22, sizeof(message.proof));
    return message;
}

static void it_is_written_as_documented(void **state)
{
    const struct ratchet_message message = sample();
    struct ratchet_message read;
    uint8_t wire[RATCHET_MESSAGE_BYTES];

    (void)state;
    ratchet_message_encode(&message, wire);
    assert_memory_equal(wire, "\1\1\2\3\4\5\6\7\10\x11", 10);
    assert_int_equal(wire[40], 0x11);
    assert_int_equal(wire[41], 0x22);
    assert_int_equal(wire[72], 0x22);
    assert_int_equal(ratchet_message_decode((struct mqtt_span){ wire, sizeof(wire) }, &read), 0);
    assert_memory_equal(&read, &message, sizeof(read));
}

static void what_is_none_is_refused(void **state)
{
    uint8_t wire[RATCHET_MESSAGE_BYTES + 1] = { 1 };
    struct ratchet_message read;

    (void)state;
    for (size_t len = 0; len <= sizeof(wire); len++)
        assert_int_equal(ratchet_message_decode((struct mqtt_span){ wire, len }, &read),
                         len == RATCHET_MESSAGE_BYTES ? 0 : -EBADMSG);
    wire[0] = 2;
    assert_int_equal(
        ratchet_message_decode((struct mqtt_span){ wire, RATCHET_MESSAGE_BYTES }, &read), -EPROTO);
}

static void the_hash_is_asked_for_what_is_documented(void **state)
{
    struct ratchet_message message = sample();
    struct ratchet_step step = { 0 };
    struct asked asked = { .len = 0 };
    const struct ratchet_hmac hmac = { &asked, compute };
    uint8_t secret[RATCHET_KEY_BYTES] = { 3 };
    uint8_t binding[RATCHET_KEY_BYTES] = { 4 };

    (void)state;
    assert_int_equal(ratchet_prove(&hmac, secret, binding, &message), 0);
    assert_memory_equal(asked.key, secret, sizeof(secret));
    assert_int_equal(asked.len, 21 + 8 + 32 + 32);
    assert_memory_equal(asked.data, "tacit ratchet 1 proof\1\2\3\4\5\6\7\10\x11", 30);
    assert_memory_equal(asked.data + 61, binding, sizeof(binding));
    assert_int_equal(message.proof[31], 0xee);

    assert_int_equal(ratchet_advance(&hmac, binding, &message, &step), 0);
    assert_memory_equal(asked.key, binding, sizeof(binding));
    assert_int_equal(asked.len, 20 + 8 + 32);
    assert_memory_equal(asked.data, "tacit ratchet 1 next\1\2\3\4\5\6\7\10\x11", 29);
    assert_int_equal(step.counter, message.counter + 1);
    assert_int_equal(step.secret[0], 0xee);
}

static void a_hash_that_fails_makes_no_step(void **state)
{
    struct ratchet_message message = sample();
    struct ratchet_step step = { .counter = 9 };
    struct asked asked = { .status = -EIO };
    const struct ratchet_hmac hmac = { &asked, compute };
    uint8_t key[RATCHET_KEY_BYTES] = { 0 };

    (void)state;
    assert_int_equal(ratchet_prove(&hmac, key, key, &message), -EIO);
    assert_int_equal(ratchet_advance(&hmac, key, &message, &step), -EIO);
    assert_int_equal(step.counter, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_written_as_documented),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(the_hash_is_asked_for_what_is_documented),
        cmocka_unit_test(a_hash_that_fails_makes_no_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
