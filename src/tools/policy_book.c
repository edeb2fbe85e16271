/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_book.h"

#include "config/config_file.h"
#include "config/rulebook.h"
#include "pki/private_file.h"
#include "pki/state.h"
#include "pki/state_layout.h"
#include "tools/printable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define OBSERVED_FILE_BYTES 268435456 /* as tacitd */

/* The complaints name the file and the place, so nothing is put before them. */
static void on_error(void *context, const char *text)
{
    const struct policy_book *book = context;
    if (book->ears != NULL && book->ears->error != NULL) {
        book->ears->error(book->ears->context, text);
        return;
    }
    (void)printable_put(stderr, span_of(text));
    (void)fputc('\n', stderr);
}

static void on_doubt(void *context, const char *text)
{
    struct policy_book *book = context;
    book->doubts++;
    if (book->ears != NULL && book->ears->doubt != NULL)
        book->ears->doubt(book->ears->context, text);
    else
        (void)identity_options_fail(book->options, IDENTITY_EXIT_DONE, "%s", text);
}

/* ---- opening ---- */

/* No folder and no registry yet is a broker that has not been started: only the file counts. */
static int open_registry(struct policy_book *book)
{
    char path[STATE_PATH_SIZE];
    struct pki_fault fault = { "out of memory" };
    int error = state_path(book->options->state, STATE_REGISTRY, path);
    if (error == 0 && access(path, F_OK) != 0 && errno == ENOENT)
        return IDENTITY_EXIT_DONE;
    if (error < 0)
        (void)snprintf(fault.text, sizeof(fault.text), "%.500s: the path is too long",
                       book->options->state);
    else
        error = state_check(book->options->state, &fault);
    if (error == 0)
        error = registry_open(path, &book->registry, &fault);
    if (error == 0)
        return IDENTITY_EXIT_DONE;
    return identity_options_fail(book->options, IDENTITY_EXIT_FAILED, "%s", fault.text);
}

static int load(struct policy_book *book, const char *path, struct config **out)
{
    const struct identity_options *o = book->options;
    const struct config_overrides overrides = { .state = o->state, .shards = -1, .log_format = -1 };
    struct diagnostics diagnostics = { on_error, book, 0 };
    int error = config_load(path, &settings_disk, &overrides, &diagnostics, out);
    if (error == 0)
        return IDENTITY_EXIT_DONE;
    if (diagnostics.errors == 0)
        return identity_options_fail(o, IDENTITY_EXIT_FAILED, "%s: %s",
                                     path != NULL ? path : "configuration", strerror(-error));
    return IDENTITY_EXIT_FAILED;
}

static int build(struct policy_book *book, const struct config *config,
                 const struct rulebook_doubts *doubts, struct policy **out)
{
    const struct rulebook_basis basis = { .registry = book->registry,
                                          .now_s = book->now_s,
                                          .only_looks = true };
    struct pki_fault fault = { "out of memory" };
    if (rulebook_build(config, &basis, doubts, out, &fault) == 0)
        return IDENTITY_EXIT_DONE;
    return identity_options_fail(book->options, IDENTITY_EXIT_FAILED, "%s", fault.text);
}

int policy_book_open_to(const struct identity_options *options, const struct policy_book_ears *ears,
                        struct policy_book *out)
{
    const struct rulebook_doubts doubts = { out, on_doubt };
    *out = (struct policy_book){
        .options = options,
        .now_s = (int64_t)time(NULL),
        .ears = ears,
    };
    if (config_file_find(options->config, options->state, out->path, sizeof(out->path)) < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%.200s...: too long a path",
                                     options->config != NULL ? options->config : options->state);
    int code = load(out, out->path[0] != '\0' ? out->path : NULL, &out->config);
    if (code == IDENTITY_EXIT_DONE)
        code = open_registry(out);
    if (code == IDENTITY_EXIT_DONE)
        code = build(out, out->config, &doubts, &out->policy);
    return code;
}

int policy_book_open(const struct identity_options *options, struct policy_book *out)
{
    return policy_book_open_to(options, NULL, out);
}

void policy_book_close(struct policy_book *book)
{
    policy_unref(book->policy);
    registry_close(book->registry);
    config_unref(book->config);
    book->policy = NULL;
    book->registry = NULL;
    book->config = NULL;
}

int policy_book_other(struct policy_book *book, const char *path, struct policy **out)
{
    struct config *config = NULL;
    int code = load(book, path, &config);
    if (code == IDENTITY_EXIT_DONE)
        code = build(book, config, NULL, out);
    config_unref(config);
    return code;
}

/* ---- whom it is about ---- */

static const char *or_none(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static const char *bar_of(enum registry_status status)
{
    switch (status) {
    case REGISTRY_REVOKED:
        return "it has been revoked";
    case REGISTRY_SUSPENDED:
        return "it is suspended";
    case REGISTRY_RETIRED:
        return "it has been retired";
    case REGISTRY_ACTIVE:
    case REGISTRY_STATUS_COUNT:
        break;
    }
    return NULL;
}

static bool is_name_or_none(const char *name)
{
    return name[0] == '\0' || identity_name_is_valid(name);
}

/* As tacitd: the registry refuses such names, a file that somebody else wrote need not. */
static const char *misnaming_of(const struct registry_entry *e)
{
    if (identity_name_is_valid(e->name) && is_name_or_none(e->tenant) && is_name_or_none(e->site))
        return NULL;
    return "the registry has a name for it that cannot stand in a topic";
}

/* The identity borrows the names of the entry, which lies in the subject itself. */
static void point(struct policy_book_subject *subject)
{
    const struct registry_entry *e = &subject->entry;
    subject->identity = (struct identity){
        .device = or_none(e->name),
        .tenant = or_none(e->tenant),
        .site = or_none(e->site),
        .role = or_none(e->role),
        .proved = e->name[0] != '\0',
    };
}

void policy_book_subject_of(const struct registry_entry *entry, struct policy_book_subject *out)
{
    const char *misnaming = misnaming_of(entry);
    *out = (struct policy_book_subject){
        .entry = *entry,
        .is_registered = true,
        .barred = misnaming != NULL ? misnaming : bar_of(entry->status),
    };
    point(out);
}

struct replacement {
    const char *option;
    const char *value;
    char *out; /* REGISTRY_TEXT_SIZE bytes */
};

static int replace(const struct identity_options *o, struct policy_book_subject *subject)
{
    const struct replacement rows[] = {
        { "--role", o->role, subject->entry.role },
        { "--tenant", o->tenant, subject->entry.tenant },
        { "--site", o->site, subject->entry.site },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        if (rows[i].value == NULL)
            continue;
        if (!registry_name_is_valid(rows[i].value))
            return identity_options_fail(
                o, IDENTITY_EXIT_USAGE,
                "%s '%.140s' can be nobody's: a name is 1 to 128 printable characters without "
                "space, '/', '+', '#', '%%' and quotes, and does not begin with '$' or '.'",
                rows[i].option, rows[i].value);
        memcpy(rows[i].out, rows[i].value, strlen(rows[i].value) + 1);
        subject->is_registered = false;
    }
    point(subject);
    return IDENTITY_EXIT_DONE;
}

static int no_device(const struct identity_options *o)
{
    return identity_options_fail(o, IDENTITY_EXIT_FAILED,
                                 "there is no device '%.100s' in the registry of %s; to ask about "
                                 "one that does not exist yet, say its --role",
                                 o->device, o->state);
}

int policy_book_subject(struct policy_book *book, struct policy_book_subject *out)
{
    const struct identity_options *o = book->options;
    struct registry_entry entry;
    struct pki_fault fault = { "out of memory" };
    *out = (struct policy_book_subject){ .entry = { .status = REGISTRY_ACTIVE } };
    if (o->device == NULL && o->role == NULL)
        return identity_options_fail(o, IDENTITY_EXIT_USAGE, "whose? Say --device or --role");
    if (o->device == NULL)
        return replace(o, out);
    if (!identity_uri_name_is_valid(o->device))
        return identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                     "'%.100s' cannot be the name of a device: 1 to 64 letters, "
                                     "digits, '.', '_' and '-', a letter or a digit first",
                                     o->device);
    int error =
        book->registry != NULL ? registry_find(book->registry, o->device, &entry, &fault) : -ENOENT;
    if (error == 0)
        policy_book_subject_of(&entry, out);
    else if (error != -ENOENT)
        return identity_options_fail(o, IDENTITY_EXIT_FAILED, "%s", fault.text);
    else if (o->role == NULL)
        return no_device(o);
    else
        memcpy(out->entry.name, o->device, strlen(o->device) + 1);
    return replace(o, out);
}

/* ---- what was recorded ---- */

static struct sketch *new_sketch(void)
{
    struct siphash_key key;
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return NULL;
    return sketch_new(&key, SKETCH_ENTRIES_DEFAULT);
}

#define PATIENCE_TRIES 300
#define PATIENCE_MS    10

static void rest(void)
{
    const struct timespec time = { 0, PATIENCE_MS * 1000000L };
    (void)nanosleep(&time, NULL);
}

/* A tacitd that runs writes what it has so far. Who may not ask, or gets no answer in time, has
 * what was written before: ten seconds old at most. */
static void ask_for_news(const struct identity_options *o)
{
    char wanted[STATE_PATH_SIZE];
    char coming[STATE_PATH_SIZE];
    int tries = 0;
    if (!state_is_claimed(o->state) || state_path(o->state, STATE_OBSERVED_WANTED, wanted) < 0
        || state_path(o->state, STATE_OBSERVED_COMING, coming) < 0
        || private_file_write(wanted, (struct mqtt_span){ (const uint8_t *)"", 0 },
                              PRIVATE_FILE_REPLACE)
               < 0)
        return;
    while ((access(wanted, F_OK) == 0 || access(coming, F_OK) == 0) && tries++ < PATIENCE_TRIES)
        rest();
    if (tries > PATIENCE_TRIES && unlink(wanted) == 0)
        (void)identity_options_fail(o, IDENTITY_EXIT_DONE,
                                    "tacitd does not answer; what it saw in the last ten seconds "
                                    "may be missing");
}

int policy_book_observed(struct policy_book *book, struct sketch **out)
{
    const struct identity_options *o = book->options;
    char path[STATE_PATH_SIZE];
    uint8_t *text = NULL;
    size_t len = 0;
    size_t line = 0;
    struct sketch *sketch = new_sketch();
    int error = sketch != NULL ? state_path(o->state, STATE_OBSERVED, path) : -ENOMEM;
    if (error == 0) {
        state_layout_move_observed(o->state);
        ask_for_news(o);
        error = private_file_read(path, OBSERVED_FILE_BYTES, &text, &len);
    }
    if (error == 0 && sketch_read(sketch, (struct mqtt_span){ text, len }, &line) < 0)
        (void)identity_options_fail(o, IDENTITY_EXIT_DONE,
                                    "%s:%zu: this line is damaged; what stands before it is used",
                                    path, line);
    free(text);
    if (error == 0 || error == -ENOENT) {
        *out = sketch;
        return IDENTITY_EXIT_DONE;
    }
    sketch_free(sketch);
    return identity_options_fail(o, IDENTITY_EXIT_FAILED, "%s: %s",
                                 error == -ENOMEM ? "what was observed" : path, strerror(-error));
}
