/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/record_stage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t client_secret[TLS_SECRET_MOST_BYTES] = { 1, 2, 3 };
static const uint8_t server_secret[TLS_SECRET_MOST_BYTES] = { 4, 5, 6 };

struct stage *stage_new_at(uint64_t read_sequence, uint64_t write_sequence)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    stage->engine = tls_record_engine_new(8);
    assert_non_null(stage->engine);
    const struct tls_record_secrets secrets = { SUITE, client_secret, server_secret, read_sequence,
                                                write_sequence };
    assert_int_equal(tls_records_open(&stage->records, stage->engine, &secrets), 0);
    stage->out = stage->records.read;
    stage->in = stage->records.write;
    stage->output = (struct tls_sink){ stage->sent, sizeof(stage->sent), 0 };
    stage->heard = (struct tls_sink){ stage->heard_bytes, sizeof(stage->heard_bytes), 0 };
    return stage;
}

struct stage *stage_new(void)
{
    return stage_new_at(0, 0);
}

void stage_free(struct stage *stage)
{
    tls_records_close(&stage->records, stage->engine);
    tls_record_engine_free(stage->engine);
    free(stage);
}

/* ---- what the client says ---- */

void stage_say(struct stage *stage, unsigned kind, const void *content, size_t len, size_t padding)
{
    uint8_t *record = stage->wire + stage->wire_len;
    size_t inner_len = len + 1 + padding;
    memset(record, 0, TLS_HEAD_BYTES + inner_len);
    tls_record_head_encode(inner_len + TLS_TAG_BYTES, record);
    memcpy(record + TLS_HEAD_BYTES, content, len);
    record[TLS_HEAD_BYTES + len] = (uint8_t)kind;
    assert_int_equal(tls_direction_seal(&stage->out, stage->engine, SUITE, record, inner_len),
                     TLS_FAULT_NONE);
    stage->wire_len += TLS_HEAD_BYTES + inner_len + TLS_TAG_BYTES;
}

void stage_say_data(struct stage *stage, const char *text)
{
    stage_say(stage, TLS_KIND_DATA, text, strlen(text), 0);
}

void stage_renew_out(struct stage *stage)
{
    assert_int_equal(tls_direction_renew(&stage->out, stage->engine, SUITE), 0);
}

void stage_say_renewal(struct stage *stage, bool asks)
{
    uint8_t message[TLS_RENEWAL_BYTES];
    tls_record_renewal_encode(asks, message);
    stage_say(stage, TLS_KIND_HANDSHAKE, message, sizeof(message), 0);
    stage_renew_out(stage);
}

/* ---- what ours makes of it ---- */

/* One input, in a block of its size. */
enum tls_result stage_hear_some(struct stage *stage, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, stage->wire, len);
    memmove(stage->wire, stage->wire + len, stage->wire_len - len);
    stage->wire_len -= len;
    struct mqtt_span input = { copy, len };
    enum tls_result result = TLS_DONE;
    while (result == TLS_DONE) {
        size_t before = stage->heard.len;
        result =
            tls_records_read(&stage->records, stage->engine, &input, &stage->heard, &stage->output);
        assert_int_equal(result == TLS_DONE, stage->heard.len > before);
    }
    free(copy);
    return result;
}

enum tls_result stage_hear(struct stage *stage)
{
    return stage_hear_some(stage, stage->wire_len);
}

void stage_assert_heard(struct stage *stage, const char *text)
{
    assert_int_equal(stage->heard.len, strlen(text));
    assert_memory_equal(stage->heard_bytes, text, strlen(text));
    stage->heard.len = 0;
}

/* The first record that was sent, taken off: its kind, and its content in `into`. */
unsigned stage_take_sent(struct stage *stage, uint8_t *into, size_t *out_len)
{
    size_t whole = 0;
    enum tls_kind kind = TLS_KIND_NONE;
    struct mqtt_span content = { 0 };
    assert_true(stage->output.len >= TLS_HEAD_BYTES);
    assert_int_equal(
        tls_record_head_decode((struct mqtt_span){ stage->sent, TLS_HEAD_BYTES }, &whole),
        TLS_FAULT_NONE);
    assert_true(whole <= stage->output.len);
    assert_int_equal(tls_direction_open(&stage->in, stage->engine, SUITE,
                                        (struct mqtt_span){ stage->sent, whole }, into),
                     TLS_FAULT_NONE);
    assert_int_equal(
        tls_record_inner_decode((struct mqtt_span){ into, whole - TLS_HEAD_BYTES - TLS_TAG_BYTES },
                                &kind, &content),
        TLS_FAULT_NONE);
    memmove(stage->sent, stage->sent + whole, stage->output.len - whole);
    stage->output.len -= whole;
    *out_len = content.len;
    return kind;
}

void stage_assert_sent_alert(struct stage *stage, unsigned alert)
{
    uint8_t content[64];
    size_t len = 0;
    assert_int_equal(stage_take_sent(stage, content, &len), TLS_KIND_ALERT);
    assert_int_equal(len, 2);
    assert_int_equal(content[0], alert == TLS_ALERT_CLOSE_NOTIFY ? 1 : 2);
    assert_int_equal(content[1], alert);
    assert_int_equal(stage->output.len, 0);
}

void stage_assert_sent_renewal(struct stage *stage, bool asks)
{
    uint8_t content[64];
    size_t len = 0;
    const uint8_t wanted[] = { 24, 0, 0, 1, asks };
    assert_int_equal(stage_take_sent(stage, content, &len), TLS_KIND_HANDSHAKE);
    assert_int_equal(len, sizeof(wanted));
    assert_memory_equal(content, wanted, sizeof(wanted));
    assert_int_equal(tls_direction_renew(&stage->in, stage->engine, SUITE), 0);
}

void stage_assert_sent_data(struct stage *stage, const char *text)
{
    uint8_t content[64];
    size_t len = 0;
    assert_int_equal(stage_take_sent(stage, content, &len), TLS_KIND_DATA);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(content, text, len);
}

int stage_answer(struct stage *stage, const char *text)
{
    return tls_records_write(&stage->records, stage->engine, span_of(text), &stage->output);
}

/* Nothing is left of it, and nothing goes any more. */
void stage_assert_broken(struct stage *stage)
{
    static const struct tls_records nothing;
    struct tls_records left = stage->records;
    uint8_t byte = 0;
    struct mqtt_span input = { &byte, 1 };
    left.state = 0;
    assert_memory_equal(&left, &nothing, sizeof(left));
    assert_int_equal(stage->output.len, 0);
    assert_int_equal(
        tls_records_read(&stage->records, stage->engine, &input, &stage->heard, &stage->output),
        TLS_FAILED);
    assert_int_equal(stage_answer(stage, "x"), -EPROTO);
    tls_records_shutdown(&stage->records, stage->engine, &stage->output);
    assert_int_equal(stage->output.len, 0);
}

void stage_assert_refused(struct stage *stage, enum tls_fault fault)
{
    assert_int_equal(stage_hear(stage), TLS_FAILED);
    assert_string_equal(tls_record_engine_failure(stage->engine), tls_fault_text(fault));
    stage_assert_sent_alert(stage, tls_fault_alert(fault));
    stage_assert_broken(stage);
}
