/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_hold.h"

#include "config/config_time.h"
#include "pki/barred.h"
#include "pki/holds.h"
#include "pki/state.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNDONE_FOR_S INT64_C(86400)

/* What is done about one device. */
struct deed {
    const struct identity_options *options;
    struct registry *registry;
    struct registry_hold hold; /* as it is to be, or was */
    struct pki_fault fault;
};

/* Seconds; `usual` when nothing is said. -EINVAL. */
static int read_duration(struct deed *deed, int64_t usual, int64_t *out_s)
{
    const char *text = deed->options->duration;

    *out_s = usual;
    if (text == NULL || config_time_duration(text, out_s) == 0)
        return 0;
    return pki_fail(&deed->fault, -EINVAL, "--for %.40s: write a time such as 30m, 12h or 7d",
                    text);
}

/* The registry, and a device in it. */
static int begin(struct deed *deed)
{
    struct registry_entry entry;
    const char *name = deed->options->operands[0];
    int error = identity_registry_open(deed->options, &deed->registry, &deed->fault);

    if (error == 0)
        error = identity_registry_find(deed->registry, name, &entry, &deed->fault);
    (void)snprintf(deed->hold.name, sizeof(deed->hold.name), "%s", name);
    return error;
}

static int refuse_clone(const struct deed *deed)
{
    return identity_options_fail(deed->options, IDENTITY_EXIT_FOUND,
                                 "%s is held because its key was seen in two places: see tacit "
                                 "device show, and tacit device release",
                                 deed->hold.name);
}

/* Says why it was not done: `result` is 0 where a clone stands there, or negative errno. */
static int fail(struct deed *deed, int result)
{
    registry_close(deed->registry);
    return result < 0 ? identity_registry_fail(deed->options, result, &deed->fault)
                      : refuse_clone(deed);
}

/* 1: put; 0: a clone stands there. */
static int put(struct deed *deed, int64_t for_s)
{
    deed->hold.until_s = for_s > 0 ? (int64_t)time(NULL) + for_s : 0;
    return holds_put(deed->registry, &deed->hold, &deed->fault);
}

/* As JSON, or the sentence, in which stands until when. */
static int print(struct deed *deed, const char *state, bool was_held, const char *sentence)
{
    char text[IDENTITY_PRINT_TIME_SIZE];
    int64_t until_s = deed->hold.until_s;

    registry_close(deed->registry);
    if (deed->options->json) {
        json_t *document = json_pack("{s:s, s:s, s:b}", "name", deed->hold.name, "state", state,
                                     "was_held", was_held ? 1 : 0);
        if (document != NULL && until_s > 0)
            (void)json_object_set_new(document, "until",
                                      json_string(identity_print_time_rfc3339(until_s, text)));
        return identity_print_document(document);
    }
    (void)printf("%s %s", deed->hold.name, sentence);
    if (until_s > 0)
        (void)printf(", until %s", identity_print_exact_time(until_s, text));
    (void)printf("\n");
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int sense_quarantine(const struct identity_options *options)
{
    struct deed deed = { .options = options, .hold = { .kind = HOLD_BEHAVIOUR } };
    const char *why = options->reason != NULL ? options->reason : "by hand";
    int64_t for_s = 0;
    int result = read_duration(&deed, 0, &for_s);

    if (result == 0)
        result = begin(&deed);
    if (result == 0)
        result = holds_end_pardon(deed.registry, deed.hold.name, &deed.fault);
    (void)snprintf(deed.hold.why, sizeof(deed.hold.why), "%s", why);
    if (result >= 0)
        result = put(&deed, for_s);
    if (result <= 0)
        return fail(&deed, result);
    return print(&deed, "quarantined", true,
                 "is in quarantine: nothing is taken from it or given to it");
}

/* Is it held, and how? 1, 0, or negative errno. */
static int find(struct deed *deed, struct registry_hold *out)
{
    int error = holds_find(deed->registry, deed->hold.name, out, &deed->fault);

    if (error == -ENOENT)
        return 0;
    return error < 0 ? error : 1;
}

int sense_release(const struct identity_options *options)
{
    struct deed deed = { .options = options };
    struct registry_hold found = { .kind = HOLD_BEHAVIOUR };
    int result = begin(&deed);

    if (result == 0)
        result = find(&deed, &found);
    if (result == 1 && found.kind == HOLD_CLONE)
        return fail(&deed, 0);
    if (result == 1)
        result = holds_end(deed.registry, deed.hold.name, &deed.fault);
    if (result < 0)
        return fail(&deed, result);
    return print(&deed, "free", result == 1,
                 result == 1 ? "is released: a running tacitd closes its connections within a "
                               "second, and the next one goes on with its session"
                             : "is not in quarantine");
}

/* An address: what is done about it does not stand in the registry. */
static int undo_address(struct deed *deed, const struct barred_place *place)
{
    const char *state_dir = deed->options->state;
    int64_t for_s = 0;
    struct barred *all = NULL;
    size_t count = 0;
    bool was_held = false;
    int result = read_duration(deed, UNDONE_FOR_S, &for_s);

    if (result == 0)
        result = state_check(state_dir, &deed->fault);
    if (result >= 0)
        result = barred_load(state_dir, &all, &count);
    for (size_t i = 0; i < count; i++)
        was_held = was_held
                   || (memcmp(&all[i].place, place, sizeof(*place)) == 0
                       && all[i].until_s > (int64_t)time(NULL));
    free(all);
    if (result == 0)
        result = barred_pardon(state_dir, place, for_s < UINT32_MAX ? (uint32_t)for_s : UINT32_MAX);
    if (result < 0 && deed->fault.text[0] == '\0')
        (void)pki_fail(&deed->fault, result, "%s: %s", state_dir, strerror(-result));
    if (result < 0)
        return fail(deed, result);
    (void)barred_place_text(place, deed->hold.name);
    deed->hold.until_s = (int64_t)time(NULL) + for_s;
    return print(deed, "pardoned", was_held,
                 "is let in again by a running tacitd within a second, and is not blocked");
}

int sense_undo(const struct identity_options *options)
{
    struct deed deed = { .options = options, .hold = { .kind = HOLD_PARDON, .why = "undone" } };
    struct registry_hold found = { .kind = HOLD_BEHAVIOUR };
    struct barred_place place;
    int64_t for_s = 0;
    bool was_held = false;

    if (barred_place_of(options->operands[0], &place))
        return undo_address(&deed, &place);
    int result = read_duration(&deed, UNDONE_FOR_S, &for_s);
    if (result == 0)
        result = begin(&deed);
    if (result == 0)
        result = find(&deed, &found);
    was_held = result == 1 && found.kind == HOLD_BEHAVIOUR;
    if (result >= 0)
        result = put(&deed, for_s);
    if (result <= 0)
        return fail(&deed, result);
    return print(&deed, "pardoned", was_held,
                 "is free again, and nothing is done about how it behaves");
}
