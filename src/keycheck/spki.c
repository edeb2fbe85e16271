/* SPDX-License-Identifier: Apache-2.0 */
#include "keycheck/spki.h"

#define TAG_INTEGER    0x02
#define TAG_BIT_STRING 0x03
#define TAG_OID        0x06
#define TAG_SEQUENCE   0x30

/* The length of an element whose tag is at `from`, and of what stands before its contents. */
static bool read_length(struct mqtt_span from, size_t *out_header, size_t *out_len)
{
    if (from.len < 2)
        return false;
    size_t octets = from.data[1] < 0x80 ? 0 : from.data[1] & 0x7fu;
    size_t len = octets == 0 ? from.data[1] : 0;

    /* 0x80 is the indefinite length of BER; 64 KiB are more than any key. */
    if (from.data[1] == 0x80 || octets > 2 || from.len < 2 + octets)
        return false;
    for (size_t i = 0; i < octets; i++)
        len = len << 8 | from.data[2 + i];
    if ((octets == 1 && len < 0x80) || (octets == 2 && len < 0x100))
        return false;
    *out_header = 2 + octets;
    *out_len = len;
    return len <= from.len - *out_header;
}

/* Takes one element off the front. `out_whole` (NULL: nobody asks) is with tag and length. */
static bool take(struct mqtt_span *from, uint8_t tag, struct mqtt_span *out_contents,
                 struct mqtt_span *out_whole)
{
    size_t header = 0;
    size_t len = 0;

    if (from->len == 0 || from->data[0] != tag || !read_length(*from, &header, &len))
        return false;
    *out_contents = (struct mqtt_span){ from->data + header, len };
    if (out_whole != NULL)
        *out_whole = (struct mqtt_span){ from->data, header + len };
    from->data += header + len;
    from->len -= header + len;
    return true;
}

bool spki_parse(struct mqtt_span der, struct spki *out)
{
    struct mqtt_span all;
    struct mqtt_span identifier;
    struct mqtt_span oid;
    struct mqtt_span bits;
    struct spki spki = { 0 };

    if (!take(&der, TAG_SEQUENCE, &all, NULL) || der.len != 0
        || !take(&all, TAG_SEQUENCE, &identifier, NULL) || !take(&all, TAG_BIT_STRING, &bits, NULL)
        || all.len != 0 || !take(&identifier, TAG_OID, &oid, &spki.algorithm))
        return false;
    if (bits.len < 1 || bits.data[0] != 0)
        return false;
    spki.parameters = identifier;
    spki.key = (struct mqtt_span){ bits.data + 1, bits.len - 1 };
    *out = spki;
    return true;
}

static bool take_positive(struct mqtt_span *from, struct mqtt_span *out)
{
    struct mqtt_span number;

    if (!take(from, TAG_INTEGER, &number, NULL) || number.len == 0 || (number.data[0] & 0x80) != 0)
        return false;
    if (number.data[0] == 0) {
        /* The zero is there for the sign, or it should not be. */
        if (number.len < 2 || (number.data[1] & 0x80) == 0)
            return false;
        number.data++;
        number.len--;
    }
    *out = number;
    return true;
}

bool spki_parse_rsa(struct mqtt_span key, struct spki_rsa *out)
{
    struct mqtt_span all;
    struct spki_rsa rsa;

    if (!take(&key, TAG_SEQUENCE, &all, NULL) || key.len != 0 || !take_positive(&all, &rsa.modulus)
        || !take_positive(&all, &rsa.exponent) || all.len != 0)
        return false;
    *out = rsa;
    return true;
}
