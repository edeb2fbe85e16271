/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_noted.h"

#include "audit/hex.h"
#include "audit/statement.h"
#include "pki/private_file.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES 4096

static bool parse_pair(struct mqtt_span text, struct audit_noted *out)
{
    struct audit_noted noted = { 0 };
    size_t at = 0;

    for (; at < text.len && at < 19 && text.data[at] >= '0' && text.data[at] <= '9'; at++)
        noted.sequence = noted.sequence * 10 + (uint64_t)(text.data[at] - '0');
    if (noted.sequence == 0 || at == text.len || text.data[at] != ':')
        return false;
    struct mqtt_span hash = { text.data + at + 1, text.len - at - 1 };
    if (!audit_hex_get(hash, noted.hash, sizeof(noted.hash)))
        return false;
    *out = noted;
    return true;
}

static bool parse_head(struct mqtt_span text, struct audit_noted *out)
{
    char line[AUDIT_HEAD_BYTES];
    struct audit_statement head;

    if (text.len + 1 > sizeof(line))
        return false;
    memcpy(line, text.data, text.len);
    line[text.len] = '\n';
    struct mqtt_span whole = { (const uint8_t *)line, text.len + 1 };
    if (!audit_statement_read_head(whole, &head))
        return false;
    out->sequence = head.sequence;
    memcpy(out->hash, head.hash, sizeof(out->hash));
    return true;
}

bool log_noted_parse(struct mqtt_span text, struct audit_noted *out)
{
    while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == ' '))
        text.len--;
    return text.len > 0 && (parse_pair(text, out) || parse_head(text, out));
}

static int read_file(const struct identity_options *options, struct audit_noted *out)
{
    uint8_t *text = NULL;
    size_t len = 0;
    int error = private_file_read(options->since, FILE_MAX_BYTES, &text, &len);

    if (error < 0)
        return identity_options_fail(options, IDENTITY_EXIT_USAGE, "cannot read %s: %s",
                                     options->since, strerror(-error));
    bool is_noted = log_noted_parse((struct mqtt_span){ text, len }, out);
    free(text);
    return is_noted
               ? 0
               : identity_options_fail(options, IDENTITY_EXIT_USAGE,
                                       "%s has neither SEQ:HASH nor a copy of audit/head in it",
                                       options->since);
}

int log_noted_read(const struct identity_options *options, struct audit_noted *out, bool *out_has)
{
    *out_has = options->checkpoint != NULL || options->since != NULL;
    if (options->checkpoint != NULL && options->since != NULL)
        return identity_options_fail(options, IDENTITY_EXIT_USAGE,
                                     "--checkpoint and --since: say one of them");
    if (options->since != NULL)
        return read_file(options, out);
    if (options->checkpoint != NULL && !log_noted_parse(span_of(options->checkpoint), out))
        return identity_options_fail(options, IDENTITY_EXIT_USAGE,
                                     "'%s' is not SEQ:HASH, a number and 64 digits in hex",
                                     options->checkpoint);
    return 0;
}
