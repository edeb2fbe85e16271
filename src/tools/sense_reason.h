/* SPDX-License-Identifier: Apache-2.0 */
/* One reason of an alarm, as the audit log has it (docs/audit-log.md), and as a sentence.
 *
 *     publishes: 300 messages, usual 0 to 7, 35.0 bits, model role, for 40 s */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SENSE_REASON_WORD_BYTES     48
#define SENSE_REASON_SENTENCE_BYTES 320

/* Of what stands in the log; texts end with a NUL. */
struct sense_told {
    char feature[SENSE_REASON_WORD_BYTES]; /* its key */
    char unit[SENSE_REASON_WORD_BYTES];
    char model[SENSE_REASON_WORD_BYTES]; /* "own", "role", "rule" */
    double observed, low, high, bits;
    uint64_t for_s;
};

/* False: it is no reason as they are written. */
bool sense_reason_take(const char *text, struct sense_told *out);

/* "It published messages: 300 messages in a window, ...". `out` has SENSE_REASON_SENTENCE_BYTES. */
void sense_reason_sentence(const struct sense_told *told, char *out);
