/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/keys_migrate.h"

#include "keystore/device_key.h"
#include "tools/enroll_device.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/keys_find.h"
#include "tools/keys_import.h"
#include "tools/keys_past.h"
#include "tools/keys_plan.h"
#include "tools/keys_print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKUPS                                                                                  \
    "the key was in that file until now: backups, snapshots and images of the disk from before " \
    "have it still, and so may the file system"

/* One key that moves. */
struct migration {
    const struct identity_options *options;
    struct device_key_store store;
    struct profile place;
    struct enroll_files files;
    struct key_facts before;
    enum keys_plan plan;
    bool was_wiped;
    bool is_told;                 /* the broker knows how it is kept now */
    char error[HTTPS_ERROR_SIZE]; /* why the old file is there still; "": it is not */
};

static enum enroll_exit fail(const struct migration *m, enum enroll_exit code, const char *why)
{
    (void)identity_options_fail(m->options, IDENTITY_EXIT_FAILED, "%s", why);
    return code;
}

/* ---- where it is, where it goes ---- */

static enum enroll_exit read_store(struct migration *m)
{
    const char *to = m->options->to;

    if (to == NULL)
        return fail(m, ENROLL_EXIT_USAGE, "where to? Say --to sealed, --to tpm or --to pkcs11:...");
    if (device_key_parse_store(to, &m->store) < 0)
        return fail(m, ENROLL_EXIT_USAGE,
                    "that is no store of keys: --to sealed, tpm, or "
                    "'pkcs11:token=...;object=...?pin-source=file:...', where no PIN stands");
    if (m->store.protection == KEY_PROTECTION_TPM && m->store.uri != NULL)
        return fail(m, ENROLL_EXIT_USAGE,
                    "a handle is given to a key when it is made at the first enrolment; say "
                    "--to tpm");
    return ENROLL_EXIT_DONE;
}

static enum enroll_exit find_place(struct migration *m)
{
    char name[PROFILE_NAME_SIZE] = "";
    int error = 0;

    if (m->options->as != NULL)
        (void)snprintf(name, sizeof(name), "%s", m->options->as);
    else
        error = profile_default(name);
    if (error < 0)
        return fail(m, ENROLL_EXIT_USAGE, "whose key? Say --as NAME");
    if (profile_load(name, &m->place) < 0)
        return fail(m, ENROLL_EXIT_USAGE, "there is no good profile of that name");
    return ENROLL_EXIT_DONE;
}

/* What was interrupted is completed first. */
static enum enroll_exit recover(struct migration *m)
{
    struct pki_fault fault = { "" };
    bool was_wiped = false;
    int error = enroll_files_of(m->place.key_file, m->place.certificate_file, m->place.ca_file,
                                &m->files, &fault);

    if (error == 0)
        error = enroll_files_recover(&m->files, &fault);
    if (error == 0)
        error = keys_past_settle(&m->files, &was_wiped, &fault);
    if (error < 0)
        return fail(m, ENROLL_EXIT_FAILED, fault.text);
    m->was_wiped = was_wiped;
    key_facts_of(m->files.key, &m->before);
    return m->before.is_open ? ENROLL_EXIT_DONE : fail(m, ENROLL_EXIT_FAILED, m->before.why.text);
}

/* A next key may be one that the broker has taken already: then there is no other way than it. */
static enum enroll_exit check_next(struct migration *m)
{
    enum key_protection next;
    char text[256];

    if (device_key_protection(m->files.next_key, &next, NULL) < 0)
        return ENROLL_EXIT_DONE;
    if (next == m->store.protection) {
        m->plan = m->plan != KEYS_PLAN_REFUSE ? KEYS_PLAN_REPLACE : m->plan;
        return ENROLL_EXIT_DONE;
    }
    (void)snprintf(
        text, sizeof(text),
        "another key was on its way here, to %s, when it was interrupted, and the broker "
        "may have taken it: complete that first",
        identity_extension_protection_text(next));
    return fail(m, ENROLL_EXIT_FAILED, text);
}

static enum enroll_exit make_plan(struct migration *m)
{
    const struct keys_plan_wish wish = { .to = m->store.protection,
                                         .new_key = m->options->new_key,
                                         .has_tpm = device_key_has_tpm() };

    m->plan = keys_plan_decide(&m->before, &wish);
    enum enroll_exit code = check_next(m);
    if (code != ENROLL_EXIT_DONE || m->plan != KEYS_PLAN_REFUSE)
        return code;
    return fail(m, ENROLL_EXIT_USAGE,
                "the key is kept better than that, and no key goes from there to a lesser place; "
                "`tacit enroll --renew --new-key --key-store` makes another one");
}

/* ---- going ---- */

/* A file whose key has moved. What is wrong is no failure of the move. */
static void settle(struct migration *m)
{
    struct pki_fault fault = { "" };

    if (keys_past_settle(&m->files, &m->was_wiped, &fault) < 0)
        (void)snprintf(m->error, sizeof(m->error), "%.300s", fault.text);
}

static enum enroll_exit seal(struct migration *m)
{
    struct pki_fault fault = { "" };

    if (keys_import_seal(&m->files, &fault) < 0) {
        settle(m);
        return fail(m, ENROLL_EXIT_FAILED, fault.text);
    }
    settle(m);
    m->is_told = enroll_renew_key(m->place.name, NULL) == ENROLL_EXIT_DONE;
    return ENROLL_EXIT_DONE;
}

static enum enroll_exit replace(struct migration *m)
{
    struct pki_fault fault = { "" };
    struct https_reply reply = { 0 };

    if (!m->options->json && !m->options->new_key)
        (void)printf("%s: %s keys are made where they are kept, and none is taken from outside: "
                     "this is another key, and the broker takes it instead of the old one\n",
                     m->place.name, identity_extension_protection_text(m->store.protection));
    if (keys_past_keep(&m->files, &fault) < 0)
        return fail(m, ENROLL_EXIT_FAILED, fault.text);
    enum enroll_exit code = enroll_renew_key(m->place.name, &m->store);
    m->is_told = code == ENROLL_EXIT_DONE;
    /* It works when somebody has verified it. Without an answer from the broker the old key may be
     * the one that counts, and has its place then. */
    if (m->is_told && enroll_renew_ask(&m->place, &reply, m->error) < 0)
        return code;
    https_reply_fini(&reply);
    settle(m);
    return code;
}

static enum enroll_exit go(struct migration *m)
{
    switch (m->plan) {
    case KEYS_PLAN_SEAL:
        return seal(m);
    case KEYS_PLAN_REPLACE:
        return replace(m);
    case KEYS_PLAN_STAY:
        m->is_told = true;
        return ENROLL_EXIT_DONE;
    case KEYS_PLAN_REFUSE:
        break;
    }
    return ENROLL_EXIT_FAILED;
}

/* ---- saying ---- */

static const char *how(const struct migration *m)
{
    if (m->plan == KEYS_PLAN_STAY)
        return "nothing to do";
    return m->plan == KEYS_PLAN_SEAL ? "same key" : "new key";
}

/* Only what could be copied has copies that are worth anything, and only while the key is the same. */
static bool has_copies(const struct migration *m)
{
    return m->plan == KEYS_PLAN_SEAL && m->before.protection == KEY_PROTECTION_PLAIN;
}

static const char *old_text(const struct migration *m)
{
    if (m->error[0] != '\0')
        return m->error;
    return m->was_wiped ? "overwritten and removed" : "none";
}

static int print_json(const struct migration *m, const struct key_facts *now)
{
    char old[HTTPS_ERROR_SIZE];
    char name[PROFILE_NAME_SIZE];

    return identity_print_document(
        json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s, s:b, s:b, s:s, s:s*}", "name",
                  identity_print_text(m->place.name, name, sizeof(name)), "from",
                  identity_extension_protection_text(m->before.protection), "to",
                  identity_extension_protection_text(now->protection), "how", how(m), "sealed_by",
                  now->protection != KEY_PROTECTION_SEALED ? NULL
                  : now->is_sealed_by_tpm                  ? "tpm"
                                                           : "machine",
                  "file", m->files.key, "wiped", (int)m->was_wiped, "broker_knows", (int)m->is_told,
                  "old_file", identity_print_text(old_text(m), old, sizeof(old)), "copies",
                  has_copies(m) ? BACKUPS : NULL));
}

static int print_people(const struct migration *m, const struct key_facts *now)
{
    if (m->plan == KEYS_PLAN_STAY)
        (void)printf("%s: the key is there already: %s, %s\n", m->place.name, keys_print_level(now),
                     m->files.key);
    else
        (void)printf("%s: %s is %s now, %s\n", m->place.name,
                     m->plan == KEYS_PLAN_SEAL ? "the key" : "another key", keys_print_level(now),
                     m->files.key);
    if (m->error[0] != '\0')
        (void)printf("  old file   kept as %s" KEYS_FIND_OLD ", say it again: %s\n", m->files.key,
                     m->error);
    else if (m->plan != KEYS_PLAN_STAY || m->was_wiped)
        (void)printf("  old file   %s\n", old_text(m));
    if (m->plan != KEYS_PLAN_STAY && m->before.protection == KEY_PROTECTION_PKCS11)
        (void)puts("  old token  has the old key still; the broker refuses it");
    if (has_copies(m))
        (void)puts("  copies     " BACKUPS
                   ".\n             Say it with --new-key to make them worthless");
    if (!m->is_told)
        (void)puts("  broker     does not know yet; the next renewal tells it");
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static enum enroll_exit run(struct migration *m)
{
    struct key_facts now;
    enum enroll_exit code = read_store(m);

    if (code == ENROLL_EXIT_DONE)
        code = find_place(m);
    if (code == ENROLL_EXIT_DONE)
        code = recover(m);
    if (code == ENROLL_EXIT_DONE)
        code = make_plan(m);
    if (code == ENROLL_EXIT_DONE)
        code = go(m);
    if (code != ENROLL_EXIT_DONE)
        return code;
    key_facts_of(m->files.key, &now);
    return m->options->json ? (enum enroll_exit)print_json(m, &now)
                            : (enum enroll_exit)print_people(m, &now);
}

int keys_migrate(const struct identity_options *options)
{
    struct migration *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "out of memory");
    m->options = options;
    enum enroll_exit code = run(m);
    free(m);
    return (int)code;
}
