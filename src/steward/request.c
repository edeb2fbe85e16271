/* SPDX-License-Identifier: Apache-2.0 */
#include "steward/request.h"

#include "steward/words.h"

#include <errno.h>
#include <string.h>

/* Longest name, extension and what has a fixed size. */
#define ISSUE_HEAD_BYTES \
    (STEWARD_BY_BYTES + 1 + 4 + 2 + IDENTITY_URI_NAME_SIZE + 2 + IDENTITY_EXTENSION_MAX_BYTES)
#define ENTRY_BYTES (2 + REGISTRY_SERIAL_SIZE - 1 + 1 + 8 + 8) /* at most */
#define LIST_HEAD   (STEWARD_BY_BYTES + 8 + 4)

static struct mqtt_span by_span(const uint8_t by[STEWARD_BY_BYTES])
{
    return (struct mqtt_span){ by, STEWARD_BY_BYTES };
}

static void read_by(struct mqtt_reader *r, uint8_t out[STEWARD_BY_BYTES])
{
    struct mqtt_span by = mqtt_read_bytes(r, STEWARD_BY_BYTES);

    if (by.len == STEWARD_BY_BYTES)
        memcpy(out, by.data, STEWARD_BY_BYTES);
}

/* The message is as long as what was written. */
static int finish(struct steward_message *message, const struct mqtt_writer *w)
{
    if (w->status != MQTT_OK) {
        steward_message_fini(message);
        return -E2BIG;
    }
    message->len = mqtt_writer_written(w).len;
    return 0;
}

/* ---- a certificate ---- */

int steward_issue_encode(const uint8_t by[STEWARD_BY_BYTES],
                         const struct ca_identity_request *request, struct steward_message *out)
{
    uint8_t extension[IDENTITY_EXTENSION_MAX_BYTES];
    size_t extension_len = 0;
    struct der csr = { 0 };
    int error = 0;

    if (request->extension != NULL)
        error = identity_extension_encode(request->extension, extension, &extension_len);
    if (error == 0)
        error = csr_encode_der(request->csr, &csr);
    if (error == 0)
        error =
            steward_message_init(out, STEWARD_ISSUE, STEWARD_REQUEST, ISSUE_HEAD_BYTES + csr.len);
    if (error == 0) {
        struct mqtt_writer w = mqtt_writer_over(out->body, out->len);
        mqtt_write_bytes(&w, by_span(by));
        mqtt_write_u8(&w, (uint8_t)request->kind);
        mqtt_write_u32(&w, request->days);
        mqtt_write_binary(&w, span_of(request->name));
        mqtt_write_binary(&w, (struct mqtt_span){ extension, extension_len });
        mqtt_write_bytes(&w, der_span(&csr));
        error = finish(out, &w);
    }
    der_fini(&csr);
    return error;
}

int steward_issue_decode(struct mqtt_span body, struct steward_issue *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    struct steward_issue issue = { 0 };

    read_by(&r, issue.by);
    uint8_t kind = mqtt_read_u8(&r);
    issue.days = mqtt_read_u32(&r);
    steward_get_text(&r, issue.name, sizeof(issue.name));
    struct mqtt_span extension = mqtt_read_binary(&r);
    issue.csr = mqtt_read_rest(&r);
    if (r.status != MQTT_OK || kind >= IDENTITY_KIND_COUNT || issue.csr.len == 0)
        return -EBADMSG;
    issue.kind = (enum identity_kind)kind;
    issue.has_extension = extension.len > 0;
    if (issue.has_extension && identity_extension_decode(extension, &issue.extension) < 0)
        return -EBADMSG;
    *out = issue;
    return 0;
}

/* ---- a revocation list ---- */

int steward_list_encode(const uint8_t by[STEWARD_BY_BYTES], const struct crl_entries *entries,
                        struct steward_message *out)
{
    if (entries->count > (STEWARD_BODY_MAX - LIST_HEAD) / ENTRY_BYTES)
        return -E2BIG;
    int error = steward_message_init(out, STEWARD_LIST, STEWARD_REQUEST,
                                     LIST_HEAD + entries->count * ENTRY_BYTES);
    if (error < 0)
        return error;
    struct mqtt_writer w = mqtt_writer_over(out->body, out->len);
    mqtt_write_bytes(&w, by_span(by));
    steward_put_u64(&w, entries->number);
    mqtt_write_u32(&w, (uint32_t)entries->count);
    for (size_t i = 0; i < entries->count; i++) {
        const struct crl_entry *entry = &entries->all[i];
        mqtt_write_binary(&w, span_of(entry->serial));
        mqtt_write_u8(&w, (uint8_t)entry->reason);
        steward_put_s64(&w, entry->revoked_s);
        steward_put_s64(&w, entry->not_after_s);
    }
    return finish(out, &w);
}

static bool is_reason(uint8_t reason)
{
    switch (reason) {
    case REGISTRY_REASON_UNSPECIFIED:
    case REGISTRY_REASON_KEY_COMPROMISE:
    case REGISTRY_REASON_AFFILIATION_CHANGED:
    case REGISTRY_REASON_SUPERSEDED:
    case REGISTRY_REASON_CESSATION_OF_OPERATION:
    case REGISTRY_REASON_CERTIFICATE_HOLD:
    case REGISTRY_REASON_PRIVILEGE_WITHDRAWN:
        return true;
    default:
        return false;
    }
}

static int read_entry(struct mqtt_reader *r, struct crl_entries *entries)
{
    struct crl_entry entry = { 0 };

    steward_get_text(r, entry.serial, sizeof(entry.serial));
    uint8_t reason = mqtt_read_u8(r);
    entry.revoked_s = steward_get_s64(r);
    entry.not_after_s = steward_get_s64(r);
    if (!is_reason(reason))
        mqtt_reader_fail(r, MQTT_ERR_FLAGS);
    entry.reason = (enum registry_reason)reason;
    return r->status == MQTT_OK ? crl_entries_add(entries, &entry) : -EBADMSG;
}

int steward_list_decode(struct mqtt_span body, uint8_t out_by[STEWARD_BY_BYTES],
                        struct crl_entries *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    struct crl_entries entries = { 0 };
    int error = 0;

    read_by(&r, out_by);
    entries.number = steward_get_u64(&r);
    uint32_t count = mqtt_read_u32(&r);
    for (uint32_t i = 0; i < count && error == 0; i++)
        error = read_entry(&r, &entries);
    if (error == 0 && mqtt_reader_finish(&r) != MQTT_OK)
        error = -EBADMSG;
    if (error < 0) {
        crl_entries_fini(&entries);
        return error;
    }
    *out = entries;
    return 0;
}

/* ---- a statement ---- */

int steward_vouch_encode(const uint8_t by[STEWARD_BY_BYTES], const struct certificate *server,
                         struct steward_message *out)
{
    struct der der = { 0 };
    int error = certificate_encode(server, &der);

    if (error == 0)
        error =
            steward_message_init(out, STEWARD_VOUCH, STEWARD_REQUEST, STEWARD_BY_BYTES + der.len);
    if (error == 0) {
        struct mqtt_writer w = mqtt_writer_over(out->body, out->len);
        mqtt_write_bytes(&w, by_span(by));
        mqtt_write_bytes(&w, der_span(&der));
        error = finish(out, &w);
    }
    der_fini(&der);
    return error;
}

int steward_vouch_decode(struct mqtt_span body, uint8_t out_by[STEWARD_BY_BYTES],
                         struct certificate **out)
{
    struct mqtt_reader r = mqtt_reader_over(body);

    read_by(&r, out_by);
    struct mqtt_span der = mqtt_read_rest(&r);
    return r.status == MQTT_OK ? certificate_decode(der, out) : -EBADMSG;
}
