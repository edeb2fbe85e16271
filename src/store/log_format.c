/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_format.h"

#include "store/checksum.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEADER_MAGIC   "TACITLOG"
#define HEAD_MAGIC     "TACF"
#define SEGMENT_PREFIX "log-"
#define SPARE_PREFIX   "spare-"
#define NUMBER_DIGITS  16

_Static_assert(STORE_BLOCK_BYTES == LOG_FORMAT_BLOCK_BYTES, "one size of blocks");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the log's integers are little-endian and are copied as they are");

static uint8_t *put(uint8_t *at, const void *value, size_t bytes)
{
    memcpy(at, value, bytes);
    return at + bytes;
}

static const uint8_t *get(const uint8_t *at, void *value, size_t bytes)
{
    memcpy(value, at, bytes);
    return at + bytes;
}

static uint32_t check_of(const uint8_t *bytes, size_t len)
{
    return checksum_crc32c(0, (struct mqtt_span){ bytes, len });
}

static bool check_is_right(const uint8_t *bytes, size_t len)
{
    uint32_t check;
    memcpy(&check, bytes + len, sizeof(check));
    return check == check_of(bytes, len);
}

void log_format_write_header(const struct log_header *header, uint8_t out[LOG_FORMAT_HEADER_BYTES])
{
    uint8_t *at = put(out, HEADER_MAGIC, 8);
    at = put(at, &header->version, 4);
    at = put(at, &header->blocks_before, 4);
    at = put(at, &header->number, 8);
    at = put(at, &header->first_sequence, 8);
    at = put(at, &header->oldest, 8);
    at = put(at, &header->mark, 8);
    at = put(at, &header->created_ms, 8);
    uint32_t check = check_of(out, LOG_FORMAT_HEADER_BYTES - 4);
    (void)put(at, &check, 4);
}

enum log_header_verdict log_format_read_header(const uint8_t in[LOG_FORMAT_HEADER_BYTES],
                                               struct log_header *out)
{
    if (memcmp(in, HEADER_MAGIC, 8) != 0 || !check_is_right(in, LOG_FORMAT_HEADER_BYTES - 4))
        return LOG_HEADER_BAD;
    const uint8_t *at = get(get(in + 8, &out->version, 4), &out->blocks_before, 4);
    if (out->version > STORE_VERSION)
        return LOG_HEADER_NEWER;
    at = get(at, &out->number, 8);
    at = get(at, &out->first_sequence, 8);
    at = get(at, &out->oldest, 8);
    at = get(at, &out->mark, 8);
    (void)get(at, &out->created_ms, 8);
    bool makes_sense = out->version == STORE_VERSION && out->number != 0
                       && out->number <= LOG_FORMAT_MOST && out->first_sequence <= LOG_FORMAT_MOST
                       && out->oldest <= out->number;
    return makes_sense ? LOG_HEADER_GOOD : LOG_HEADER_BAD;
}

void log_format_write_head(const struct log_head *head, uint8_t out[LOG_FORMAT_HEAD_BYTES])
{
    uint8_t *at = put(out, HEAD_MAGIC, 4);
    at = put(at, &head->length, 4);
    at = put(at, &head->mark, 8);
    at = put(at, &head->sequence, 8);
    at = put(at, &head->confirmed, 8);
    at = put(at, &head->oldest, 8);
    at = put(at, &head->flags, 4);
    at = put(at, &head->ops_check, 4);
    uint32_t check = check_of(out, LOG_FORMAT_HEAD_BYTES - 4);
    (void)put(at, &check, 4);
}

bool log_format_read_head(const uint8_t in[LOG_FORMAT_HEAD_BYTES], struct log_head *out)
{
    if (memcmp(in, HEAD_MAGIC, 4) != 0 || !check_is_right(in, LOG_FORMAT_HEAD_BYTES - 4))
        return false;
    const uint8_t *at = get(in + 4, &out->length, 4);
    at = get(at, &out->mark, 8);
    at = get(at, &out->sequence, 8);
    at = get(at, &out->confirmed, 8);
    at = get(at, &out->oldest, 8);
    at = get(at, &out->flags, 4);
    (void)get(at, &out->ops_check, 4);
    return out->length <= STORE_FRAME_MOST_BYTES && out->sequence <= LOG_FORMAT_MOST;
}

void log_format_segment_name(uint64_t number, char out[LOG_FORMAT_NAME_BYTES])
{
    (void)snprintf(out, LOG_FORMAT_NAME_BYTES, SEGMENT_PREFIX "%016" PRIx64, number);
}

void log_format_spare_name(uint64_t number, char out[LOG_FORMAT_NAME_BYTES])
{
    (void)snprintf(out, LOG_FORMAT_NAME_BYTES, SPARE_PREFIX "%016" PRIx64, number);
}

static uint64_t number_behind(const char *prefix, const char *name)
{
    size_t before = strlen(prefix);
    uint64_t number = 0;
    if (strncmp(name, prefix, before) != 0 || strlen(name) != before + NUMBER_DIGITS)
        return 0;
    for (const char *at = name + before; *at != '\0'; at++) {
        const char *digits = "0123456789abcdef";
        const char *digit = strchr(digits, *at);
        if (digit == NULL)
            return 0;
        number = number << 4 | (uint64_t)(digit - digits);
    }
    return number <= LOG_FORMAT_MOST ? number : 0;
}

uint64_t log_format_segment_number(const char *name)
{
    return number_behind(SEGMENT_PREFIX, name);
}

uint64_t log_format_spare_number(const char *name)
{
    return number_behind(SPARE_PREFIX, name);
}
