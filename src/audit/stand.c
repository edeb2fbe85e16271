/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/stand.h"

#include "audit/fields.h"
#include "audit/folder.h"
#include "base/siphash.h"
#include "store/segment_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void fill(struct mqtt_span bytes, uint64_t key, uint8_t *out, size_t len)
{
    for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
        const struct siphash_key part = { key, at };
        uint64_t word = siphash(&part, bytes);
        memcpy(out + at, &word, sizeof(word));
    }
}

static void hash(void *context, struct mqtt_span bytes, uint8_t out[AUDIT_HASH_BYTES])
{
    (void)context;
    fill(bytes, 1, out, AUDIT_HASH_BYTES);
}

static int sign(void *context, struct mqtt_span bytes, uint8_t out[AUDIT_SIGNATURE_BYTES])
{
    (void)context;
    fill(bytes, 2, out, AUDIT_SIGNATURE_BYTES);
    return 0;
}

static bool verify_signature(void *context, struct mqtt_span bytes,
                             const uint8_t signature[AUDIT_SIGNATURE_BYTES])
{
    uint8_t good[AUDIT_SIGNATURE_BYTES];

    (void)context;
    fill(bytes, 2, good, sizeof(good));
    return memcmp(good, signature, sizeof(good)) == 0;
}

struct audit_port audit_stand_port(void)
{
    return (struct audit_port){
        .key = "the key of the stand, as a test",
        .hash = hash,
        .sign = sign,
        .verify = verify_signature,
    };
}

struct audit_journal_options audit_stand_options(const struct files *files,
                                                 const struct audit_port *port,
                                                 uint64_t checkpoint_records)
{
    return (struct audit_journal_options){
        .files = files,
        .port = port,
        .id = "the log's own id",
        .files_max = 2,
        .checkpoint_records = checkpoint_records,
    };
}

struct audit_journal *audit_stand_open_small(const struct files *files,
                                             const struct audit_port *port)
{
    struct audit_journal_options options = audit_stand_options(files, port, 0);
    struct audit_journal *journal;
    struct audit_found found;

    options.file_bytes = 4096;
    options.files_max = 3;
    assert_int_equal(audit_journal_open(&options, STAND_TIME_MS, &journal, &found), 0);
    return journal;
}

void audit_stand_append(struct audit_journal *journal, unsigned what)
{
    struct audit_fields fields = { 0 };

    audit_fields_add_number(&fields, "client", what);
    audit_fields_add_text(&fields, "address", "192.0.2.1:40000");
    audit_fields_add_text(&fields, "topic",
                          "home/\"k\xc3\xbc"
                          "che\"/+\n");
    assert_int_equal(audit_journal_append(journal, STAND_TIME_MS + what,
                                          what % 3 == 0 ? "connected" : "refused",
                                          audit_fields_end(&fields)),
                     0);
}

void audit_stand_fill(struct audit_journal *journal, unsigned count, unsigned batch)
{
    bool is_written = false;

    for (unsigned done = 0; done < count;) {
        assert_int_equal(audit_journal_begin(journal, STAND_TIME_MS), 0);
        for (unsigned i = 0; i < batch && done < count; i++)
            audit_stand_append(journal, done++);
        enum audit_commit how = done < count ? AUDIT_COMMIT_SYNC : AUDIT_COMMIT_SEAL;
        assert_int_equal(audit_journal_commit(journal, STAND_TIME_MS, how, &is_written), 0);
        assert_true(is_written);
    }
}

static void on_trouble(void *context, const struct audit_trouble *trouble)
{
    struct audit_stand_findings *findings = context;

    findings->count++;
    findings->file = trouble->file;
    findings->line = trouble->line;
    findings->sequence = trouble->sequence;
    (void)snprintf(findings->what, sizeof(findings->what), "%s", trouble->what);
    (void)snprintf(findings->text, sizeof(findings->text), "%s", trouble->text);
}

struct audit_verify_hooks audit_stand_hooks(struct audit_stand_findings *out)
{
    *out = (struct audit_stand_findings){ 0 };
    return (struct audit_verify_hooks){ out, on_trouble };
}

static void verify_file(struct audit_verify *verify, const struct files *files, uint64_t number,
                        bool is_last)
{
    struct segment_bytes bytes = { 0 };
    char name[AUDIT_NAME_BYTES];
    struct mqtt_span line;

    assert_int_equal(segment_bytes_load(files, audit_folder_name(number, name), UINT32_MAX, &bytes),
                     0);
    struct mqtt_span rest = { bytes.data, bytes.len };
    audit_verify_file(verify, number);
    while (audit_folder_next_line(&rest, &line))
        audit_verify_line(verify, line);
    audit_verify_rest(verify, rest.len, is_last);
    segment_bytes_fini(&bytes);
}

struct audit_verify audit_stand_verify(const struct files *files, const struct audit_port *port,
                                       const struct audit_noted *noted,
                                       struct audit_stand_findings *out)
{
    struct audit_verify verify = { .port = port, .hooks = audit_stand_hooks(out), .noted = noted };
    struct audit_statement head;
    struct audit_folder folder;

    assert_int_equal(audit_folder_read(files, &folder), 0);
    if (audit_folder_read_head(files, &head) == 0
        && audit_statement_is_signed(&head, AUDIT_STATES_HEAD, port))
        verify.head = &head;
    for (size_t i = 0; i < folder.count; i++)
        verify_file(&verify, files, folder.numbers[i], i + 1 == folder.count);
    audit_folder_fini(&folder);
    audit_verify_finish(&verify);
    verify.head = NULL;
    verify.noted = NULL;
    return verify;
}
