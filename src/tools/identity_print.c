/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/identity_print.h"

#include "base/span.h"
#include "codec/utf8.h"
#include "tools/identity_options.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool to_parts(int64_t seconds, struct tm *out)
{
    time_t time = (time_t)seconds;
    return gmtime_r(&time, out) != NULL;
}

const char *identity_print_time(int64_t seconds, char out[IDENTITY_PRINT_TIME_SIZE])
{
    struct tm parts;
    if (!to_parts(seconds, &parts)
        || strftime(out, IDENTITY_PRINT_TIME_SIZE, "%Y-%m-%d %H:%M UTC", &parts) == 0)
        memcpy(out, "?", 2);
    return out;
}

const char *identity_print_time_rfc3339(int64_t seconds, char out[IDENTITY_PRINT_TIME_SIZE])
{
    struct tm parts;
    if (!to_parts(seconds, &parts)
        || strftime(out, IDENTITY_PRINT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        memcpy(out, "?", 2);
    return out;
}

const char *identity_print_exact_time(int64_t seconds, char out[IDENTITY_PRINT_TIME_SIZE])
{
    return seconds % 60 == 0 ? identity_print_time(seconds, out)
                             : identity_print_time_rfc3339(seconds, out);
}

/* How many bytes at `c` control a terminal: those of ASCII do, and C2 80 to C2 9F of UTF-8. */
static size_t control_bytes(const unsigned char *c)
{
    if (c[0] < ' ' || c[0] == 0x7f)
        return 1;
    return c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0 ? 2 : 0;
}

/* What was cut in the middle of a character ends before it. */
static size_t whole_characters(const char *text, size_t len)
{
    for (int back = 0; back < 3 && len > 0; back++) {
        if (((unsigned char)text[len] & 0xc0) != 0x80)
            break;
        len--;
    }
    return len;
}

const char *identity_print_text(const char *text, char *out, size_t size)
{
    size_t len = whole_characters(text, strnlen(text, size - 1));

    memcpy(out, text, len);
    out[len] = '\0';
    bool is_utf8 = mqtt_utf8_is_valid(span_of(out));
    for (size_t i = 0; i < len; i++) {
        size_t bad = control_bytes((const unsigned char *)out + i);
        if (bad == 0 && !is_utf8 && (unsigned char)out[i] >= 0x80)
            bad = 1;
        memset(out + i, '?', bad);
    }
    return out;
}

const char *identity_print_hash(const uint8_t bytes[32], char out[65])
{
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return out;
}

static json_t *registered_json(const struct registry_certificate *c)
{
    char fingerprint[65];
    char from[IDENTITY_PRINT_TIME_SIZE];
    char to[IDENTITY_PRINT_TIME_SIZE];
    return json_pack("{s:s, s:s, s:s, s:s}", "serial", c->serial, "sha256",
                     identity_print_hash(c->fingerprint, fingerprint), "not_before",
                     identity_print_time_rfc3339(c->not_before_s, from), "not_after",
                     identity_print_time_rfc3339(c->not_after_s, to));
}

const char *identity_print_proof(const char *protection, bool is_attested)
{
    if (is_attested)
        return " (attested)";
    return identity_extension_protection_of(protection) != KEY_PROTECTION_UNKNOWN ? " (declared)"
                                                                                  : "";
}

json_t *identity_print_entry_json(const struct registry_entry *e)
{
    char key[65];
    char created[IDENTITY_PRINT_TIME_SIZE];
    char changed[IDENTITY_PRINT_TIME_SIZE];
    char reason[REGISTRY_REASON_SIZE];
    char protection[REGISTRY_WORD_SIZE];
    char algorithm[REGISTRY_WORD_SIZE];
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:b, s:s}", "name", e->name,
        "kind", identity_uri_kind_text(e->kind), "role", e->role, "tenant", e->tenant, "site",
        e->site, "status", registry_status_text(e->status), "key_sha256",
        identity_print_hash(e->key_sha256, key), "certificate", registered_json(&e->certificate),
        "created", identity_print_time_rfc3339(e->created_s, created), "changed",
        identity_print_time_rfc3339(e->changed_s, changed), "reason",
        identity_print_text(e->reason, reason, sizeof(reason)), "protection",
        identity_print_text(e->protection, protection, sizeof(protection)), "attested",
        (int)registry_is_attested(e), "algorithm",
        identity_print_text(e->algorithm, algorithm, sizeof(algorithm)));
}

json_t *identity_print_certificate_json(const struct certificate *certificate)
{
    struct certificate_facts facts;
    char key[65];
    char names[1024];
    if (certificate_facts_of(certificate, &facts, NULL) < 0)
        return NULL;
    certificate_names(certificate, names, sizeof(names));
    json_t *document = registered_json(&facts.registered);
    if (json_object_set_new(document, "subject", json_string(facts.common_name)) < 0
        || json_object_set_new(document, "names", json_string(names)) < 0
        || json_object_set_new(document, "algorithm",
                               json_string(key_algorithm_text(facts.algorithm)))
               < 0
        || json_object_set_new(document, "key_sha256",
                               json_string(identity_print_hash(facts.key_sha256, key)))
               < 0) {
        json_decref(document);
        return NULL;
    }
    return document;
}

int identity_print_document(json_t *document)
{
    int failed = document == NULL ? -1 : json_dumpf(document, stdout, JSON_INDENT(2));
    json_decref(document);
    if (failed == 0 && putchar('\n') != EOF && fflush(stdout) == 0)
        return IDENTITY_EXIT_DONE;
    (void)fputs("tacit: cannot write the answer\n", stderr);
    return IDENTITY_EXIT_FAILED;
}
