/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "tacit sense answer %016" PRIx64 " %u\n"

static void forget(struct sensing_answer *answer)
{
    answer->len = 0;
    answer->text[0] = '\0';
}

static void append(struct sensing_answer *answer, unsigned shard, unsigned shard_count,
                   const char *text)
{
    size_t room = sizeof(answer->text) - answer->len;
    int written = shard_count > 1
                      ? snprintf(answer->text + answer->len, room, "shard %u: %s\n", shard, text)
                      : snprintf(answer->text + answer->len, room, "%s\n", text);

    if (written > 0 && (size_t)written < room)
        answer->len += (size_t)written;
    answer->text[answer->len] = '\0';
}

void sensing_answer_add(struct sensing_answer *answer, unsigned shard, unsigned shard_count,
                        const struct sensing_outcome *outcome)
{
    bool is_news = outcome->result != SENSING_NOT_FOUND || answer->len == 0;

    if (answer->result == SENSING_NOT_FOUND && outcome->result != SENSING_NOT_FOUND) {
        answer->result = outcome->result;
        forget(answer);
    }
    if (outcome->result == SENSING_REFUSED)
        answer->result = SENSING_REFUSED;
    if (is_news && outcome->text[0] != '\0')
        append(answer, shard, outcome->result == SENSING_NOT_FOUND ? 1 : shard_count,
               outcome->text);
}

size_t sensing_answer_encode(const struct sensing_answer *answer, char *out)
{
    int len = snprintf(out, SENSING_ANSWER_FILE_BYTES, FORMAT "%s", answer->nonce,
                       (unsigned)answer->result, answer->text);

    return len > 0 ? (size_t)len : 0;
}

int sensing_answer_decode(const char *file, struct sensing_answer *out)
{
    static const char before[] = "tacit sense answer ";
    char *end = NULL;

    if (strncmp(file, before, sizeof(before) - 1) != 0)
        return -EBADMSG;
    uint64_t nonce = strtoull(file + sizeof(before) - 1, &end, 16);
    if (*end != ' ' || end[1] < '0' || end[1] > '0' + (char)SENSING_DONE || end[2] != '\n'
        || strlen(end + 3) >= sizeof(out->text))
        return -EBADMSG;
    out->nonce = nonce;
    out->result = (enum sensing_result)(end[1] - '0');
    out->len = strlen(end + 3);
    memcpy(out->text, end + 3, out->len + 1);
    return 0;
}
