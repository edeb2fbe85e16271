/* SPDX-License-Identifier: Apache-2.0 */
/* What anybody may send to the enrolment: the value of Authorization, or the body of a request; and
 * what any server may answer to `tacit enroll`. The first byte says which. Promises asserted: what
 * is decoded is encoded to the same text but for blanks; a login that is read has a token. */
#include "base/invariant.h"
#include "est/message.h"
#include "pki/base64.h"
#include "pki/bundle.h"
#include "pki/csr.h"
#include "pki/token_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_login(struct mqtt_span header)
{
    struct est_message_credentials c;
    uint8_t hash[TOKEN_HASH_BYTES];
    int error = est_message_credentials(header, &c);

    MQTT_INVARIANT(error == 0 || error == -EBADMSG);
    if (error != 0)
        return;
    MQTT_INVARIANT(strlen(c.token) > 0 && strlen(c.token) < sizeof(c.token));
    MQTT_INVARIANT(c.has_name == (c.name[0] != '\0'));
    error = token_text_hash(span_of(c.token), hash);
    MQTT_INVARIANT(error == 0 || error == -EINVAL);
}

/* Blanks and padding apart, there is one text for the same bytes. */
static void compare(struct mqtt_span text, const char *again)
{
    size_t at = 0;

    for (const char *c = again; *c != '\0'; c++) {
        if (*c == '\n' || *c == '=')
            continue;
        while (at < text.len && strchr(" \t\r\n", text.data[at]) != NULL)
            at++;
        MQTT_INVARIANT(at < text.len && text.data[at] == (uint8_t)*c);
        at++;
    }
}

static void read_body(struct mqtt_span text)
{
    uint8_t *bytes = malloc(text.len / 4 * 3 + 3);
    struct csr *csr;
    size_t len = 0;

    MQTT_INVARIANT(bytes != NULL);
    if (base64_decode_lines(text, bytes, &len) == 0) {
        char *again = base64_encode_lines((struct mqtt_span){ bytes, len });
        MQTT_INVARIANT(again != NULL);
        compare(text, again);
        free(again);
        if (csr_parse((struct mqtt_span){ bytes, len }, &csr, NULL) == 0)
            csr_free(csr);
    }
    free(bytes);
}

static void read_answer(struct mqtt_span text)
{
    static const uint8_t nobody[32] = { 0 };
    struct bundle *bundle;

    if (bundle_parse(text, &bundle, NULL) != 0)
        return;
    MQTT_INVARIANT(bundle_count(bundle) > 0 && bundle_count(bundle) <= BUNDLE_MAX);
    MQTT_INVARIANT(bundle_keep_under(bundle, nobody, 0) == -ENOENT);
    bundle_free(bundle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    struct mqtt_span rest = { data + 1, len - 1 };
    switch (data[0] % 4) {
    case 0:
        read_login(rest);
        break;
    case 1:
        read_body(rest);
        break;
    case 2:
        read_answer(rest);
        break;
    default:
        (void)est_message_operation(rest);
        (void)est_message_is_type(rest, "application/pkcs10");
    }
    return 0;
}
