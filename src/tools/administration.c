/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/administration.h"

#include "audit/fields.h"
#include "audit/place.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KIND        "administration"
#define WORDS_BYTES 512

static const char *const commands[] = {
#define CHANGES(command) command,
#include "tools/administration.def"
#undef CHANGES
};

static bool changes(const struct identity_options *options)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(commands); i++)
        if (strcmp(options->command, commands[i]) == 0)
            return true;
    return false;
}

static void add_user(struct audit_fields *fields)
{
    const struct passwd *user = getpwuid(getuid());

    audit_fields_add_text(fields, "user", user != NULL ? user->pw_name : "");
    audit_fields_add_number(fields, "uid", getuid());
}

static void add_names(const struct identity_options *options, struct audit_fields *fields)
{
    char words[WORDS_BYTES] = "";
    size_t len = 0;

    for (int i = 0; i < options->operand_count && len < sizeof(words); i++)
        len += (size_t)snprintf(words + len, sizeof(words) - len, "%s%s", i > 0 ? " " : "",
                                options->operands[i]);
    audit_fields_add_text(fields, "names", words);
}

static void add_words(const struct identity_options *o, struct audit_fields *fields)
{
    const struct {
        const char *name;
        const char *text;
    } words[] = {
        { "device", o->device },
        { "group", o->group },
        { "role", o->role },
        { "tenant", o->tenant },
        { "site", o->site },
        { "identity_kind", o->kind },
        { "publish", o->publish },
        { "subscribe", o->subscribe },
        { "deny_publish", o->deny_publish },
        { "deny_subscribe", o->deny_subscribe },
        { "qos", o->qos },
        { "retain", o->retain },
        { "max_payload", o->max_payload },
        { "rate", o->rate },
        { "expires", o->expires },
        { "owner", o->owner },
        { "reason", o->reason },
        { "text", o->text },
        { "key_sha", o->sha256 },
        { "source", o->source },
        { "trust_domain", o->trust_domain },
        { "forget", o->forget },
        { "lasts", o->duration },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(words); i++)
        audit_fields_add_text(fields, words[i].name, words[i].text);
}

static void add_flags(const struct identity_options *o, struct audit_fields *fields)
{
    const struct {
        const char *name;
        bool is_set;
    } flags[] = {
        { "no_tenant", o->no_tenant },   { "no_site", o->no_site },
        { "wildcards", o->wildcards },   { "block_key", o->block_key },
        { "token_only", o->token_only }, { "remove", o->remove },
        { "suspend", o->suspend },       { "resume", o->resume },
        { "import", o->import != NULL }, { "again", o->again },
        { "finish", o->finish },         { "force", o->force },
        { "devices", o->devices },       { "undo", o->undo },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(flags); i++)
        if (flags[i].is_set)
            audit_fields_add_text(fields, flags[i].name, "yes");
}

static int write_record(struct audit_place *place, struct mqtt_span fields)
{
    struct audit_journal_options options;
    struct audit_journal *journal = NULL;
    struct audit_found found;
    struct timespec now;
    bool is_written = false;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t utc_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    int error = audit_place_options(place, &options);
    if (error == 0)
        error = audit_journal_open(&options, utc_ms, &journal, &found);
    if (error == 0)
        error = audit_journal_begin(journal, utc_ms);
    if (error == 0) {
        int added = audit_journal_append(journal, utc_ms, KIND, fields);
        error = audit_journal_commit(journal, utc_ms, AUDIT_COMMIT_SEAL, &is_written);
        error = added != 0 ? added : error;
    }
    audit_journal_close(journal);
    return error;
}

static void note(const struct identity_options *options)
{
    struct pki_fault fault = { "out of memory" };
    struct audit_fields fields = { 0 };
    struct audit_place place;

    audit_fields_add_text(&fields, "command", options->command);
    add_names(options, &fields);
    add_words(options, &fields);
    add_flags(options, &fields);
    add_user(&fields);
    int error = audit_place_open(options->state, &place, &fault);
    if (error == 0) {
        error = write_record(&place, audit_fields_end(&fields));
        if (error != 0)
            (void)pki_fail(&fault, error, "%s: %s", place.folder, strerror(-error));
        audit_place_close(&place);
    }
    if (error != 0)
        (void)identity_options_fail(options, IDENTITY_EXIT_FAILED,
                                    "done, but the audit log has no record of it: %s", fault.text);
}

int administration_note(const struct identity_options *options, int code)
{
    if (code == IDENTITY_EXIT_DONE && changes(options) && audit_place_exists(options->state))
        note(options);
    return code;
}
