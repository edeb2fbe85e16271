/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/canary_show.h"

#include "pki/canaries.h"
#include "pki/canary_uses.h"
#include "pki/state.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

/* Where the answer comes from. */
struct sources {
    struct registry *registry;
    struct activity *activity; /* NULL: nobody was ever seen */
};

/* What was done with one canary, in sum. */
struct sum {
    uint64_t count;
    struct canary_use last;
    int64_t first_s;
};

struct listing {
    const struct sources *sources;
    json_t *array; /* NULL: for people */
};

static int open_sources(const struct identity_options *o, struct sources *out,
                        struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    int error = identity_registry_open(o, &out->registry, fault);

    if (error == 0)
        error = state_path(o->state, STATE_ACTIVITY, path);
    if (error == 0)
        error = activity_open(path, false, &out->activity, fault);
    return error == -ENOENT && out->registry != NULL ? 0 : error;
}

static void close_sources(struct sources *sources)
{
    activity_close(sources->activity);
    registry_close(sources->registry);
}

static int list_uses(const struct sources *sources, const char *name, canary_uses_visit visit,
                     void *context, struct pki_fault *fault)
{
    return sources->activity != NULL
               ? canary_uses_list(sources->activity, name, visit, context, fault)
               : 0;
}

static int add_use(void *context, const struct canary_use *use)
{
    struct sum *sum = context;

    sum->first_s = sum->count == 0 ? use->first_s : sum->first_s;
    sum->count += use->count;
    if (use->last_s >= sum->last.last_s)
        sum->last = *use;
    return 0;
}

/* ---- all of them ---- */

static json_t *canary_json(const struct canary *canary, const struct sum *sum)
{
    char created[IDENTITY_PRINT_TIME_SIZE];
    char first[IDENTITY_PRINT_TIME_SIZE];
    char last[IDENTITY_PRINT_TIME_SIZE];
    char topic[CANARY_TOPIC_SIZE];
    char note[REGISTRY_TEXT_SIZE];
    char address[ACTIVITY_ADDRESS_SIZE];
    bool was_used = sum->count > 0;

    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:I, s:s?, s:s?, s:s?}", "name", canary->name, "kind",
        canaries_kind_text(canary->kind), "topic",
        identity_print_text(canary->topic, topic, sizeof(topic)), "note",
        identity_print_text(canary->note, note, sizeof(note)), "created",
        identity_print_time_rfc3339(canary->created_s, created), "uses", (json_int_t)sum->count,
        "first", was_used ? identity_print_time_rfc3339(sum->first_s, first) : NULL, "last",
        was_used ? identity_print_time_rfc3339(sum->last.last_s, last) : NULL, "last_address",
        was_used ? identity_print_text(sum->last.address, address, sizeof(address)) : NULL);
}

static void print_row(const struct canary *canary, const struct sum *sum)
{
    char last[IDENTITY_PRINT_TIME_SIZE] = "-";
    char topic[CANARY_TOPIC_SIZE];
    char address[ACTIVITY_ADDRESS_SIZE];
    char note[REGISTRY_TEXT_SIZE];

    if (sum->count > 0)
        (void)identity_print_time(sum->last.last_s, last);
    (void)printf("%-24s %-8s %8" PRIu64 " %-22s %-24s %s%s%s\n", canary->name,
                 canaries_kind_text(canary->kind), sum->count, last,
                 sum->count > 0 ? identity_print_text(sum->last.address, address, sizeof(address))
                                : "-",
                 identity_print_text(canary->topic, topic, sizeof(topic)),
                 canary->topic[0] != '\0' && canary->note[0] != '\0' ? "  " : "",
                 identity_print_text(canary->note, note, sizeof(note)));
}

static int list_one(void *context, const struct canary *canary)
{
    const struct listing *listing = context;
    struct sum sum = { .count = 0 };
    int error = list_uses(listing->sources, canary->name, add_use, &sum, NULL);

    if (error < 0)
        return error;
    if (listing->array != NULL)
        return json_array_append_new(listing->array, canary_json(canary, &sum)) < 0 ? -ENOMEM : 0;
    print_row(canary, &sum);
    return 0;
}

static int list_all(const struct identity_options *o, const struct sources *sources,
                    struct pki_fault *fault)
{
    struct listing listing = { sources, o->json ? json_array() : NULL };

    if (!o->json)
        (void)printf("%-24s %-8s %8s %-22s %-24s %s\n", "NAME", "KIND", "USES", "LAST", "FROM",
                     "WHAT");
    int error = canaries_list(sources->registry, list_one, &listing, fault);
    if (error == 0 && o->json)
        return identity_print_document(listing.array);
    json_decref(listing.array);
    if (error < 0)
        return error;
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* ---- one of them ---- */

static int print_use(void *context, const struct canary_use *use)
{
    char first[IDENTITY_PRINT_TIME_SIZE];
    char last[IDENTITY_PRINT_TIME_SIZE];
    char address[ACTIVITY_ADDRESS_SIZE];
    char client[CANARY_USE_WHO_SIZE];
    char topic[CANARY_USE_TOPIC_SIZE];

    (void)context;
    (void)printf("%s  %-16s %6" PRIu64 " times, last %s, from %s",
                 identity_print_exact_time(use->first_s, first), use->what, use->count,
                 identity_print_exact_time(use->last_s, last),
                 identity_print_text(use->address, address, sizeof(address)));
    if (use->client[0] != '\0')
        (void)printf(", client \"%s\"", identity_print_text(use->client, client, sizeof(client)));
    if (use->topic[0] != '\0')
        (void)printf(", \"%s\"", identity_print_text(use->topic, topic, sizeof(topic)));
    if (use->bytes > 0)
        (void)printf(", %" PRIu64 " bytes", use->bytes);
    (void)printf("\n");
    return 0;
}

static int append_use(void *context, const struct canary_use *use)
{
    char first[IDENTITY_PRINT_TIME_SIZE];
    char last[IDENTITY_PRINT_TIME_SIZE];
    char address[ACTIVITY_ADDRESS_SIZE];
    char client[CANARY_USE_WHO_SIZE];
    char topic[CANARY_USE_TOPIC_SIZE];
    json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "what", use->what,
                            "address", identity_print_text(use->address, address, sizeof(address)),
                            "client", identity_print_text(use->client, client, sizeof(client)),
                            "topic", identity_print_text(use->topic, topic, sizeof(topic)), "count",
                            (json_int_t)use->count, "bytes", (json_int_t)use->bytes, "first",
                            identity_print_time_rfc3339(use->first_s, first), "last",
                            identity_print_time_rfc3339(use->last_s, last));

    return json_array_append_new(context, one) < 0 ? -ENOMEM : 0;
}

/* NULL out of memory, or when the file cannot be read. */
static json_t *describe(const struct sources *sources, const struct canary *canary,
                        const struct sum *sum, struct pki_fault *fault)
{
    json_t *document = canary_json(canary, sum);
    json_t *uses = json_array();

    if (list_uses(sources, canary->name, append_use, uses, fault) == 0
        && json_object_set(document, "did", uses) == 0) {
        json_decref(uses);
        return document;
    }
    json_decref(uses);
    json_decref(document);
    return NULL;
}

static int print_one(const struct sources *sources, const struct canary *canary,
                     const struct sum *sum, struct pki_fault *fault)
{
    char created[IDENTITY_PRINT_TIME_SIZE];
    char text[CANARY_TOPIC_SIZE];

    (void)printf("name     %s\nkind     %s\n", canary->name, canaries_kind_text(canary->kind));
    if (canary->topic[0] != '\0')
        (void)printf("topic    %s\n", identity_print_text(canary->topic, text, sizeof(text)));
    if (canary->note[0] != '\0')
        (void)printf("note     %s\n", identity_print_text(canary->note, text, sizeof(text)));
    (void)printf("added    %s\nuses     %" PRIu64 "\n",
                 identity_print_time(canary->created_s, created), sum->count);
    int error = list_uses(sources, canary->name, print_use, NULL, fault);
    if (error < 0)
        return error;
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static int show(const struct identity_options *o, const struct sources *sources,
                struct pki_fault *fault)
{
    struct canary canary;
    struct sum sum = { .count = 0 };
    int result = canaries_find(sources->registry, o->operands[0], &canary, fault);

    if (result == 0)
        result = list_uses(sources, canary.name, add_use, &sum, fault);
    if (result == 0)
        result = o->json ? identity_print_document(describe(sources, &canary, &sum, fault))
                         : print_one(sources, &canary, &sum, fault);
    return result == IDENTITY_EXIT_DONE && sum.count > 0 ? IDENTITY_EXIT_FOUND : result;
}

static int answer(const struct identity_options *options,
                  int (*say)(const struct identity_options *o, const struct sources *sources,
                             struct pki_fault *fault))
{
    struct sources sources = { NULL, NULL };
    struct pki_fault fault = { "" };
    int result = open_sources(options, &sources, &fault);

    if (result == 0)
        result = say(options, &sources, &fault);
    close_sources(&sources);
    return result < 0 ? identity_registry_fail(options, result, &fault) : result;
}

int canary_list(const struct identity_options *options)
{
    return answer(options, list_all);
}

int canary_show(const struct identity_options *options)
{
    return answer(options, show);
}
