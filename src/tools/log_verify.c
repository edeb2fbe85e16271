/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_verify.h"

#include "audit/hex.h"
#include "audit/verify.h"
#include "tools/identity_print.h"
#include "tools/log_noted.h"
#include "tools/log_place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define TOLD_MAX  1000 /* troubles that are told one by one */
#define AGAIN_MAX 5    /* looks from the start because files went meanwhile */
#define HASH_HEX  (2 * AUDIT_HASH_BYTES + 1)

struct verifying {
    const struct identity_options *options;
    struct audit_verify verify;
    json_t *troubles; /* NULL: people read it */
    size_t unfinished_bytes;
    bool shows;  /* how far it is, on the terminal */
    bool failed; /* out of memory */
};

static const char *name_of(uint64_t file, char out[AUDIT_NAME_BYTES])
{
    return file != 0 ? audit_folder_name(file, out) : "the log";
}

static void clear_line(const struct verifying *verifying)
{
    if (verifying->shows)
        (void)fputs("\r\033[K", stderr);
}

static void tell_people(const struct audit_trouble *trouble)
{
    char name[AUDIT_NAME_BYTES];

    (void)printf("%s", name_of(trouble->file, name));
    if (trouble->line > 0)
        (void)printf(":%" PRIu64, trouble->line);
    (void)printf(": %s\n", trouble->text);
}

static void on_trouble(void *context, const struct audit_trouble *trouble)
{
    struct verifying *verifying = context;
    char name[AUDIT_NAME_BYTES];

    if (verifying->verify.troubles > TOLD_MAX)
        return;
    if (verifying->troubles == NULL) {
        clear_line(verifying);
        tell_people(trouble);
        return;
    }
    json_t *told =
        json_pack("{s:s, s:I, s:I, s:s, s:s}", "file", name_of(trouble->file, name), "line",
                  (json_int_t)trouble->line, "sequence", (json_int_t)trouble->sequence, "what",
                  trouble->what, "text", trouble->text);
    if (json_array_append_new(verifying->troubles, told) < 0)
        verifying->failed = true;
}

static int on_line(void *context, struct mqtt_span line)
{
    struct verifying *verifying = context;

    audit_verify_line(&verifying->verify, line);
    return verifying->failed ? -ENOMEM : 0;
}

static int verify_all(struct verifying *verifying, const struct log_place *place)
{
    int error = 0;

    for (size_t i = 0; i < place->files.count && error == 0; i++) {
        size_t rest = 0;
        bool is_last = i + 1 == place->files.count;
        audit_verify_file(&verifying->verify, place->files.numbers[i]);
        if (verifying->shows)
            (void)fprintf(stderr, "\r%zu of %zu files, %" PRIu64 " records", i, place->files.count,
                          verifying->verify.records);
        error = log_place_read(place, i, on_line, verifying, &rest);
        if (error == 0)
            audit_verify_rest(&verifying->verify, rest, is_last);
        verifying->unfinished_bytes = is_last ? rest : 0;
    }
    clear_line(verifying);
    if (error == 0)
        audit_verify_finish(&verifying->verify);
    return error;
}

/* ---- the answer ---- */

static void print_advice(const struct audit_verify *verify)
{
    if (verify->troubles > TOLD_MAX)
        (void)printf("and %" PRIu64 " more\n", verify->troubles - TOLD_MAX);
    (void)printf(
        "What is told here happened to the files, not by tacitd: keep a copy of them as they "
        "are, and compare\nwith what was forwarded to the journal or syslog.\n");
}

static int print_people(const struct verifying *verifying, const struct log_place *place)
{
    const struct audit_verify *verify = &verifying->verify;
    char hash[HASH_HEX];
    char key[HASH_HEX];

    if (verify->troubles > 0)
        print_advice(verify);
    (void)printf("%" PRIu64 " records in %zu files, %" PRIu64 " to %" PRIu64 ": ", verify->records,
                 place->files.count, verify->first, verify->sequence);
    if (verify->troubles == 0)
        (void)printf("whole; signed up to %" PRIu64 "\n", verify->signed_sequence);
    else
        (void)printf("not whole, %" PRIu64 " things are wrong\n", verify->troubles);
    if (verifying->unfinished_bytes > 0)
        (void)printf("%zu bytes at the end are no whole record, as a crash leaves them; the next "
                     "start of tacitd cuts them off and records it.\n",
                     verifying->unfinished_bytes);
    (void)printf("key %s\n", audit_hex_put(place->audit.port.key, AUDIT_HASH_BYTES, key));
    if (verify->troubles == 0)
        (void)printf("Note elsewhere: %" PRIu64 ":%s\n"
                     "With `--checkpoint` that tells later whether this end was cut off together "
                     "with its head; who has the\nsigning key can write all of it anew, but not "
                     "what was noted.\n",
                     verify->sequence, audit_hex_put(verify->hash, AUDIT_HASH_BYTES, hash));
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static int print_json(struct verifying *verifying, const struct log_place *place)
{
    const struct audit_verify *verify = &verifying->verify;
    char noted[HASH_HEX + 24];
    char hash[HASH_HEX];
    char key[HASH_HEX];
    json_t *troubles = verifying->troubles;

    verifying->troubles = NULL;
    (void)snprintf(noted, sizeof(noted), "%" PRIu64 ":%s", verify->sequence,
                   audit_hex_put(verify->hash, AUDIT_HASH_BYTES, hash));
    return identity_print_document(
        json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:o}", "state",
                  verifying->options->state, "whole", (int)(verify->troubles == 0), "files",
                  (json_int_t)place->files.count, "records", (json_int_t)verify->records, "first",
                  (json_int_t)verify->first, "last", (json_int_t)verify->sequence, "signed",
                  (json_int_t)verify->signed_sequence, "checkpoint", noted, "key",
                  audit_hex_put(place->audit.port.key, AUDIT_HASH_BYTES, key), "unfinished_bytes",
                  (json_int_t)verifying->unfinished_bytes, "wrong", (json_int_t)verify->troubles,
                  "troubles", troubles));
}

/* A file that was removed to make room since it was listed is none that is missing: all is listed
 * again and looked at from the start. */
static int verify_again(struct verifying *verifying, struct log_place *place)
{
    const struct audit_verify fresh = verifying->verify;
    int error = verify_all(verifying, place);

    for (unsigned i = 0; i < AGAIN_MAX && error == -ENOENT; i++) {
        error = log_place_relist(place);
        if (error < 0)
            return error;
        verifying->verify = fresh;
        verifying->verify.head = place->has_head ? &place->head : NULL;
        if (verifying->troubles != NULL)
            (void)json_array_clear(verifying->troubles);
        error = verify_all(verifying, place);
    }
    return error;
}

static int verify_and_print(struct verifying *verifying, struct log_place *place)
{
    int error = verify_again(verifying, place);

    if (error == 0 && verifying->failed)
        error = -ENOMEM;
    if (error < 0)
        return log_place_fail(place, error);
    bool is_whole = verifying->verify.troubles == 0;
    int code =
        verifying->options->json ? print_json(verifying, place) : print_people(verifying, place);
    return code == IDENTITY_EXIT_DONE && !is_whole ? IDENTITY_EXIT_FOUND : code;
}

int log_verify(const struct identity_options *options)
{
    struct audit_noted noted;
    struct log_place place;
    bool has_noted = false;
    int code = log_noted_read(options, &noted, &has_noted);

    if (code == 0)
        code = log_place_open(options, &place);
    if (code != 0)
        return code;
    struct verifying verifying = {
        .options = options,
        .shows = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) != 1,
        .troubles = options->json ? json_array() : NULL,
    };
    verifying.verify = (struct audit_verify){
        .port = &place.audit.port,
        .hooks = { &verifying, on_trouble },
        .head = place.has_head ? &place.head : NULL,
        .noted = has_noted ? &noted : NULL,
    };
    code = options->json && verifying.troubles == NULL ? log_place_fail(&place, -ENOMEM)
                                                       : verify_and_print(&verifying, &place);
    json_decref(verifying.troubles);
    log_place_close(&place);
    return code;
}
