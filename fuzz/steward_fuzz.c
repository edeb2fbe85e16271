/* SPDX-License-Identifier: Apache-2.0 */
/* What either side of the steward's socket may have written: a header, of which the first byte says
 * for which direction it is meant, and a body. Promises asserted: no body is longer than its kind
 * allows; what is accepted is bounded text and known values; a list and a story of the state folder
 * are the same when they are written and read again. */
#include "base/invariant.h"
#include "steward/greeting.h"
#include "steward/request.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_issue(struct mqtt_span body)
{
    struct steward_issue issue;
    struct csr *csr = NULL;

    if (steward_issue_decode(body, &issue) != 0)
        return;
    MQTT_INVARIANT(memchr(issue.name, 0, sizeof(issue.name)) != NULL);
    MQTT_INVARIANT((unsigned)issue.kind < IDENTITY_KIND_COUNT && issue.csr.len > 0);
    if (csr_parse_again(issue.csr, &csr, NULL) == 0)
        csr_free(csr);
}

static void check_list(struct mqtt_span body)
{
    uint8_t by[STEWARD_BY_BYTES];
    uint8_t by_again[STEWARD_BY_BYTES];
    struct crl_entries entries = { 0 };
    struct crl_entries again = { 0 };
    struct steward_message message = { 0 };

    if (steward_list_decode(body, by, &entries) != 0)
        return;
    MQTT_INVARIANT(steward_list_encode(by, &entries, &message) == 0);
    MQTT_INVARIANT(span_equal(steward_message_body(&message), body));
    MQTT_INVARIANT(steward_list_decode(steward_message_body(&message), by_again, &again) == 0);
    MQTT_INVARIANT(again.count == entries.count && again.number == entries.number);
    steward_message_fini(&message);
    crl_entries_fini(&again);
    crl_entries_fini(&entries);
}

static void check_vouch(struct mqtt_span body)
{
    uint8_t by[STEWARD_BY_BYTES];
    struct certificate *server = NULL;

    if (steward_vouch_decode(body, by, &server) == 0)
        certificate_free(server);
}

static void check_answer(enum steward_kind kind, struct mqtt_span body)
{
    struct steward_answer answer;
    struct steward_greeting greeting;
    struct state_made made;
    struct der der = { 0 };

    if (steward_answer_decode(body, &answer) != 0)
        return;
    MQTT_INVARIANT(answer.status <= 0 && answer.status >= -4095);
    MQTT_INVARIANT(answer.status == 0 || answer.result.len == 0);
    if (kind == STEWARD_GREETING && steward_greeting_decode(answer.result, &greeting) == 0) {
        MQTT_INVARIANT(steward_greeting_encode(&greeting, &der) == 0);
        der_fini(&der);
    }
    if (kind == STEWARD_PREPARE && steward_made_decode(answer.result, &made) == 0) {
        MQTT_INVARIANT(steward_made_encode(&made, &der) == 0);
        der_fini(&der);
    }
}

static void check_request(enum steward_kind kind, struct mqtt_span body)
{
    if (kind == STEWARD_ISSUE)
        check_issue(body);
    else if (kind == STEWARD_LIST)
        check_list(body);
    else if (kind == STEWARD_VOUCH)
        check_vouch(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct steward_header header;

    if (len < 1 + STEWARD_HEADER_BYTES)
        return 0;
    enum steward_direction direction = (data[0] & 1) != 0 ? STEWARD_ANSWER : STEWARD_REQUEST;
    if (steward_header_decode(data + 1, direction, &header) != 0)
        return 0;
    MQTT_INVARIANT(header.len <= steward_message_max(header.kind, direction));
    struct mqtt_span body = { data + 1 + STEWARD_HEADER_BYTES, len - 1 - STEWARD_HEADER_BYTES };
    if (body.len > header.len)
        body.len = header.len;
    if (direction == STEWARD_ANSWER)
        check_answer(header.kind, body);
    else
        check_request(header.kind, body);
    return 0;
}
