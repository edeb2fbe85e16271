/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/store_repair.h"

#include "pki/state.h"
#include "store/store.h"
#include "tools/identity_print.h"
#include "tools/store_losses.h"
#include "tools/store_place.h"
#include "tools/store_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT_BYTES_DEFAULT ((uint64_t)16 * 1024 * 1024)
#define SEGMENT_BYTES_MOST    ((uint64_t)64 * 1024 * 1024)

struct repairing {
    const struct identity_options *options;
    struct store_place place;
    struct store_losses losses;
    struct scan_summary before;
    uint64_t largest_segment;
    json_t *damages; /* NULL: people read it */
    json_t *aside;   /* names of the files that were put aside */
    uint64_t things; /* that live afterwards */
};

/* ---- looking ---- */

static int on_frame(void *context, const struct scan_frame *frame)
{
    struct repairing *repairing = context;
    return store_losses_frame(&repairing->losses, frame);
}

static void on_segment(void *context, const struct scan_segment *segment)
{
    struct repairing *repairing = context;
    if (segment->bytes > repairing->largest_segment)
        repairing->largest_segment = segment->bytes;
}

static void on_damage(void *context, const struct store_damage *damage)
{
    struct repairing *repairing = context;
    store_losses_damage(&repairing->losses, damage);
    if (repairing->damages == NULL)
        (void)printf("%s: offset %" PRIu64 ": %s\n", damage->segment, damage->offset, damage->what);
    else if (json_array_append_new(repairing->damages,
                                   json_pack("{s:s, s:I, s:I, s:s}", "segment", damage->segment,
                                             "offset", (json_int_t)damage->offset, "bytes",
                                             (json_int_t)damage->bytes, "what", damage->what))
             < 0)
        repairing->losses.failed = true;
}

static int look(struct repairing *repairing)
{
    const struct scan_hooks hooks = {
        .context = repairing,
        .frame = on_frame,
        .segment = on_segment,
        .damage = on_damage,
    };
    int error = store_place_scan(&repairing->place, &hooks, &repairing->before);
    return error < 0 ? error : store_losses_conclude(&repairing->losses);
}

/* ---- mending ---- */

/* The new log has segments like those of the old one, and as much room as it needs: the bound is
 * tacitd's business. */
static int mend(struct repairing *repairing)
{
    struct store_found found;
    struct store *store = NULL;
    uint64_t bytes = repairing->largest_segment / STORE_BLOCK_BYTES * STORE_BLOCK_BYTES;
    if (bytes < STORE_SEGMENT_LEAST)
        bytes = SEGMENT_BYTES_DEFAULT;
    if (bytes > SEGMENT_BYTES_MOST)
        bytes = SEGMENT_BYTES_MOST;
    const struct store_options options = { .files = repairing->place.files,
                                           .segment_bytes = bytes,
                                           .most_bytes = UINT64_MAX };
    int error = store_open(&options, NULL, NULL, &found, &store);
    if (error < 0)
        return error;
    error = store_compact(store);
    repairing->things = store_figures(store).living_things;
    store_close(store);
    return error;
}

static int note_aside(void *visitor, const char *name)
{
    struct repairing *repairing = visitor;
    if (strncmp(name, "log-", 4) != 0 || strstr(name, ".damaged-") == NULL)
        return 0;
    return json_array_append_new(repairing->aside, json_string(name)) < 0 ? -ENOMEM : 0;
}

/* ---- saying what came of it ---- */

static void print_figures(const char *title, const uint64_t figures[JOURNAL_KINDS])
{
    char buffer[STORE_RECORD_KIND_BYTES];
    const char *separator = "";
    uint64_t sum = 0;
    for (unsigned i = 0; i < JOURNAL_KINDS; i++)
        sum += figures[i];
    if (sum == 0)
        return;
    (void)printf("%s", title);
    for (unsigned i = 0; i < JOURNAL_KINDS; i++)
        if (figures[i] > 0) {
            (void)printf("%s%s %" PRIu64, separator,
                         store_record_kind(journal_key((enum journal_kind)i, 0), buffer),
                         figures[i]);
            separator = ", ";
        }
    (void)putchar('\n');
}

static void print_clients(const struct store_losses *losses)
{
    const char *name;
    json_t *value;
    if (json_object_size(losses->clients) == 0)
        return;
    (void)printf("clients they belong to:\n");
    json_object_foreach(losses->clients, name, value)
    {
        char text[256];
        (void)printf("  %s\n", identity_print_text(name, text, sizeof(text)));
    }
}

static int print_people(const struct repairing *repairing)
{
    const struct store_losses *losses = &repairing->losses;
    size_t index;
    json_t *name;
    if (losses->places == 0)
        (void)printf("nothing is damaged; ");
    (void)printf("the log was written anew: %" PRIu64 " things\n", repairing->things);
    print_figures("lost: ", losses->lost);
    print_figures("there as they were at an earlier time: ", losses->stale);
    print_figures("there again though they had been dropped: ", losses->back);
    print_clients(losses);
    if (losses->opaque_places > 0)
        (void)printf("%" PRIu64 " of %" PRIu64
                     " damaged places do not show what stood in them: more may be lost than "
                     "this\n",
                     losses->opaque_places, losses->places);
    json_array_foreach(repairing->aside, index, name)(void)
        printf("put aside: %s/%s\n", repairing->place.path, json_string_value(name));
    if (json_array_size(repairing->aside) > 0)
        (void)printf("Nothing reads these files any more: remove them when you have looked at "
                     "them.\n");
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static json_t *figures_json(const uint64_t figures[JOURNAL_KINDS])
{
    char buffer[STORE_RECORD_KIND_BYTES];
    json_t *object = json_object();
    for (unsigned i = 0; i < JOURNAL_KINDS && object != NULL; i++)
        if (figures[i] > 0
            && json_object_set_new(object,
                                   store_record_kind(journal_key((enum journal_kind)i, 0), buffer),
                                   json_integer((json_int_t)figures[i]))
                   < 0) {
            json_decref(object);
            object = NULL;
        }
    return object;
}

static json_t *clients_json(const struct store_losses *losses)
{
    const char *name;
    json_t *value;
    json_t *array = json_array();
    json_object_foreach(losses->clients, name, value)
    {
        if (array != NULL && json_array_append_new(array, json_string(name)) < 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static int print_json(const struct repairing *repairing)
{
    const struct store_losses *losses = &repairing->losses;
    return identity_print_document(json_pack(
        "{s:s, s:O, s:I, s:I, s:o, s:o, s:o, s:o, s:O}", "state", repairing->options->state,
        "damages", repairing->damages, "opaque_damages", (json_int_t)losses->opaque_places,
        "things", (json_int_t)repairing->things, "lost", figures_json(losses->lost), "stale",
        figures_json(losses->stale), "back", figures_json(losses->back), "clients",
        clients_json(losses), "aside", repairing->aside));
}

/* ---- the command ---- */

static int fail_to_mend(const struct repairing *repairing, int error)
{
    if (error == -ENOSPC || error == -EDQUOT)
        return identity_options_fail(repairing->options, IDENTITY_EXIT_FAILED,
                                     "%s: the disk is full. What lives has to fit beside the old "
                                     "log: make room and say it again; nothing was lost by this",
                                     repairing->place.path);
    return identity_options_fail(repairing->options, IDENTITY_EXIT_FAILED,
                                 "%s: cannot write the new log: %s. The old one is as it was",
                                 repairing->place.path, strerror(-error));
}

static int repair(struct repairing *repairing)
{
    const struct files *files = &repairing->place.files;
    int error = look(repairing);
    if (error < 0)
        return store_place_fail(&repairing->place, error);
    error = mend(repairing);
    if (error < 0)
        return fail_to_mend(repairing, error);
    error = files->list(files->context, note_aside, repairing);
    if (error < 0)
        return store_place_fail(&repairing->place, error);
    return repairing->options->json ? print_json(repairing) : print_people(repairing);
}

static int repair_claimed(struct repairing *repairing)
{
    int result = store_place_open(repairing->options, &repairing->place);
    if (result != 0)
        return result;
    repairing->aside = json_array();
    repairing->damages = repairing->options->json ? json_array() : NULL;
    if (!store_losses_init(&repairing->losses, &repairing->place.files) || repairing->aside == NULL
        || (repairing->options->json && repairing->damages == NULL))
        result = store_place_fail(&repairing->place, -ENOMEM);
    else
        result = repair(repairing);
    store_losses_fini(&repairing->losses);
    json_decref(repairing->damages);
    json_decref(repairing->aside);
    store_place_close(&repairing->place);
    return result;
}

int store_repair(const struct identity_options *options)
{
    struct repairing repairing = { .options = options };
    struct pki_fault fault = { "out of memory" };
    int claim = -1;
    int error = state_check(options->state, &fault);
    if (error == 0)
        error = state_claim(options->state, &claim, &fault);
    if (error == -EBUSY)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED,
                                     "a tacitd runs with %s: stop it first (systemctl stop "
                                     "tacitd), as it writes to the log",
                                     options->state);
    if (error < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    int result = repair_claimed(&repairing);
    (void)close(claim);
    return result;
}
