/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/enroll.h"

#include "base/wipe.h"
#include "pki/ca.h"
#include "pki/private_file.h"
#include "pki/token_text.h"
#include "tools/device_ratchet.h"
#include "tools/enroll_device.h"
#include "tools/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define TOKEN_FILE_MAX_BYTES 1024
#define DEFAULT_PORT         8883
#define OTHER_DOMAIN         "other" /* of an authority that names none */

static enum enroll_exit fail(const struct pki_fault *fault)
{
    return enroll_options_fail(ENROLL_EXIT_FAILED, "%s", fault->text);
}

/* ---- the token ---- */

/* One line of a file, without what ends it. */
static char *read_line(FILE *file)
{
    char line[TOKEN_FILE_MAX_BYTES];
    char *copy = NULL;

    if (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        copy = strdup(line);
    }
    wipe_bytes(line, sizeof(line));
    return copy;
}

static char *read_file(const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");

    if (file == NULL) {
        (void)enroll_options_fail(ENROLL_EXIT_USAGE, "%s: %s", path, strerror(errno));
        return NULL;
    }
    char *line = read_line(file);
    if (!is_stdin)
        (void)fclose(file);
    if (line == NULL)
        (void)enroll_options_fail(ENROLL_EXIT_USAGE, "%s: there is no token in it", path);
    return line;
}

/* Nothing of it appears on the screen. */
static char *ask_for(const char *name)
{
    struct termios before;
    struct termios quiet;

    if (tcgetattr(STDIN_FILENO, &before) < 0) {
        (void)enroll_options_fail(ENROLL_EXIT_USAGE,
                                  "which token? Say --token-file FILE or --token TOKEN");
        return NULL;
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    (void)fprintf(stderr, "One-time token of %s: ", name);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    char *line = read_line(stdin);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)fputc('\n', stderr);
    return line;
}

/* Fills in options->token. A mistyped one is noticed here, before anybody hears of it. */
static enum enroll_exit get_token(struct enroll_options *o)
{
    uint8_t hash[TOKEN_HASH_BYTES];

    if (o->token == NULL)
        o->token = o->token_file != NULL ? read_file(o->token_file) : ask_for(o->name);
    if (o->token == NULL)
        return ENROLL_EXIT_USAGE;
    if (token_text_hash(span_of(o->token), hash) == 0)
        return ENROLL_EXIT_DONE;
    return enroll_options_fail(ENROLL_EXIT_USAGE,
                               "the token is mistyped: a character is wrong, missing or too many");
}

/* ---- whom to trust ---- */

static enum enroll_exit get_authorities(const struct enroll_options *o, struct bundle **out)
{
    struct pki_fault fault = { "" };

    if (o->ca_sha256 != NULL)
        return enroll_exchange_authorities(o->host, o->enrolment_port, o->ca_sha256, out);
    if (bundle_load(o->ca_file, out, &fault) < 0)
        return enroll_options_fail(ENROLL_EXIT_USAGE, "%s", fault.text);
    return ENROLL_EXIT_DONE;
}

static enum enroll_exit place(const struct enroll_options *o, const struct bundle *authorities,
                              struct enroll_files *files)
{
    char domain[IDENTITY_URI_DOMAIN_SIZE];
    struct pki_fault fault = { "" };

    if (ca_trust_domain_of(bundle_at(authorities, 0), domain, NULL) < 0)
        (void)snprintf(domain, sizeof(domain), "%s", OTHER_DOMAIN);
    int error = enroll_files_place(o->out, domain, o->name, files, &fault);
    if (error == 0)
        error = enroll_files_recover(files, &fault);
    if (error == 0)
        error = bundle_save(authorities, files->authority, &fault);
    return error < 0 ? fail(&fault) : ENROLL_EXIT_DONE;
}

/* ---- all together ---- */

/* One that is there goes on: the broker knows where it stands. */
static enum enroll_exit make_ratchet(const struct enroll_files *files)
{
    int error = device_ratchet_make(files->ratchet);

    return error == 0 ? ENROLL_EXIT_DONE
                      : enroll_options_fail(ENROLL_EXIT_FAILED, "%s: %s", files->ratchet,
                                            strerror(-error));
}

static enum enroll_exit save_profile(const struct enroll_options *o,
                                     const struct enroll_files *files)
{
    struct profile profile = { .port = o->port != 0 ? o->port : DEFAULT_PORT };
    bool is_v6 = strchr(o->host, ':') != NULL;

    (void)snprintf(profile.name, sizeof(profile.name), "%s", o->name);
    (void)snprintf(profile.client_id, sizeof(profile.client_id), "%s", o->name);
    (void)snprintf(profile.host, sizeof(profile.host), "%s", o->host);
    (void)snprintf(profile.ca_file, sizeof(profile.ca_file), "%s", files->authority);
    (void)snprintf(profile.certificate_file, sizeof(profile.certificate_file), "%s",
                   files->certificate);
    (void)snprintf(profile.key_file, sizeof(profile.key_file), "%s", files->key);
    (void)snprintf(profile.enrolment, sizeof(profile.enrolment), "%s%.255s%s:%u", is_v6 ? "[" : "",
                   o->host, is_v6 ? "]" : "", o->enrolment_port);
    int error = profile_save(&profile);
    if (error == 0)
        return ENROLL_EXIT_DONE;
    return enroll_options_fail(ENROLL_EXIT_FAILED,
                               "%s is enrolled, but its profile could not be written: %s; say it "
                               "again",
                               o->name, strerror(-error));
}

static enum enroll_exit get_certificate(struct enroll_options *o, const struct enroll_files *files,
                                        bool *out_is_new)
{
    *out_is_new = o->new_key || !enroll_device_has(files, o->name, (int64_t)time(NULL));
    if (!*out_is_new)
        return ENROLL_EXIT_DONE;
    enum enroll_exit code = get_token(o);
    if (code != ENROLL_EXIT_DONE)
        return code;
    return enroll_device_get(
        files,
        &(struct enroll_call){ .host = o->host,
                               .port = o->enrolment_port,
                               .operation = "simpleenroll",
                               .authority_file = files->authority,
                               .token = o->token },
        o->name,
        &(struct enroll_key){ .is_next = o->new_key, .store = o->has_store ? &o->store : NULL });
}

static enum enroll_exit enrol(struct enroll_options *o)
{
    struct bundle *authorities;
    bool is_new = false;
    struct enroll_files *files = calloc(1, sizeof(*files));
    enum enroll_exit code = ENROLL_EXIT_DONE;

    if (files == NULL)
        return enroll_options_fail(ENROLL_EXIT_FAILED, "out of memory");
    if (!identity_uri_name_is_valid(o->name))
        code = enroll_options_fail(ENROLL_EXIT_USAGE, "'%.80s' cannot be the name of a device",
                                   o->name);
    if (code == ENROLL_EXIT_DONE && o->token != NULL)
        code = get_token(o);
    if (code == ENROLL_EXIT_DONE)
        code = get_authorities(o, &authorities);
    if (code == ENROLL_EXIT_DONE) {
        code = place(o, authorities, files);
        bundle_free(authorities);
        if (code == ENROLL_EXIT_DONE)
            code = get_certificate(o, files, &is_new);
        if (code == ENROLL_EXIT_DONE)
            code = make_ratchet(files);
        if (code == ENROLL_EXIT_DONE)
            code = save_profile(o, files);
        if (code == ENROLL_EXIT_DONE)
            code = enroll_device_print(files, o->name, is_new, o->json);
    }
    free(files);
    return code;
}

int command_enroll(int argc, char **argv)
{
    struct enroll_options options;

    if (!enroll_options_parse(argc, argv, &options))
        return ENROLL_EXIT_USAGE;
    enum enroll_exit code = ENROLL_EXIT_DONE;
    if (options.help)
        enroll_options_print_help();
    else
        code = options.renew ? enroll_renew(&options) : enrol(&options);
    enroll_options_fini(&options);
    return (int)code;
}
