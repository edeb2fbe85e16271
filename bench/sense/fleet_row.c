/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_row.h"

const char fleet_row_head[] = "t_epoch,client_ip,tcp_stream,dir,mqtt_type,client_id,topic,"
                              "remaining_len,qos,keepalive,connack_rc,payload_hex,label\n";

/* Each of these returns where the next column begins. printf would take most of the run. */
static char *text(char *at, const char *from)
{
    while (*from != '\0')
        *at++ = *from++;
    return at;
}

static char *number(char *at, uint64_t value)
{
    char digits[20];
    unsigned count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

static char *number_or_nothing(char *at, int32_t value)
{
    return value == FLEET_ABSENT ? at : number(at, (uint64_t)value);
}

static char *moment(char *at, int64_t us)
{
    uint64_t fraction = (uint64_t)us % 1000000;

    at = number(at, (uint64_t)us / 1000000);
    *at++ = '.';
    for (unsigned i = 6; i-- > 0; fraction /= 10)
        at[i] = (char)('0' + fraction % 10);
    return text(at + 6, "000");
}

static char *sample(char *at, const struct fleet_row *row)
{
    for (unsigned i = 0; i < row->sample_len; i++) {
        *at++ = "0123456789abcdef"[row->sample[i] >> 4];
        *at++ = "0123456789abcdef"[row->sample[i] & 15];
    }
    return at;
}

size_t fleet_row_line(const struct fleet_row *row, char *out)
{
    char *at = moment(out, row->at_us);

    *at++ = ',';
    at = text(at, row->address);
    *at++ = ',';
    at = number(at, row->stream);
    at = text(at, row->down ? ",down," : ",up,");
    at = number(at, row->type);
    *at++ = ',';
    at = text(at, row->client_id);
    *at++ = ',';
    at = text(at, row->topic);
    *at++ = ',';
    at = number(at, row->remaining);
    *at++ = ',';
    at = number_or_nothing(at, row->qos);
    *at++ = ',';
    at = number_or_nothing(at, row->keepalive_s);
    *at++ = ',';
    at = number_or_nothing(at, row->connack);
    *at++ = ',';
    at = sample(at, row);
    at = text(at, row->attack ? ",1\n" : ",0\n");
    return (size_t)(at - out);
}
