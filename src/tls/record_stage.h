/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a record layer, and the other end of it with the right keys, which can say anything. */
#pragma once

#include "tls/record.h"
#include "tls/record_engine.h"

#include <stdbool.h>

#define SUITE      TLS_SUITE_AES_128_GCM_SHA256
#define WIRE_BYTES 65536u

/* Ours, and the other end's two directions. */
struct stage {
    struct tls_record_engine *engine;
    struct tls_records records;
    struct tls_record_direction out; /* what the client writes with */
    struct tls_record_direction in;
    uint8_t wire[WIRE_BYTES]; /* what the client has said and nobody has read */
    size_t wire_len;
    uint8_t sent[WIRE_BYTES];
    struct tls_sink output;
    uint8_t heard_bytes[WIRE_BYTES];
    struct tls_sink heard;
};

struct stage *stage_new_at(uint64_t read_sequence, uint64_t write_sequence);
struct stage *stage_new(void);
void stage_free(struct stage *stage);
void stage_say(struct stage *stage, unsigned kind, const void *content, size_t len, size_t padding);
void stage_say_data(struct stage *stage, const char *text);
void stage_renew_out(struct stage *stage);
void stage_say_renewal(struct stage *stage, bool asks);
enum tls_result stage_hear_some(struct stage *stage, size_t len);
enum tls_result stage_hear(struct stage *stage);
void stage_assert_heard(struct stage *stage, const char *text);
unsigned stage_take_sent(struct stage *stage, uint8_t *into, size_t *out_len);
void stage_assert_sent_alert(struct stage *stage, unsigned alert);
void stage_assert_sent_renewal(struct stage *stage, bool asks);
void stage_assert_sent_data(struct stage *stage, const char *text);
int stage_answer(struct stage *stage, const char *text);
void stage_assert_broken(struct stage *stage);
void stage_assert_refused(struct stage *stage, enum tls_fault fault);
