/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_record.h"

#include "policy/replay.h"
#include "tools/identity_print.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#define DAY_S 86400

/* What was seen of a device with another role or another outcome comes together. */
#define TOPICS_MAX (4 * SKETCH_TOPICS_MAX)

/* ---- devices as they are now ---- */

struct view {
    struct policy_book *book;
    struct policy_record *record;
    const struct policy_record_wish *wish;
    struct policy_book_subject subject; /* the one looked up last */
    bool is_known;                      /* the registry has it */
    char name[REGISTRY_TEXT_SIZE];      /* under which it was looked up; "": none yet */
    struct pki_fault fault;
    int status;
};

static void look_up(struct view *view, const char *device)
{
    struct registry_entry entry;
    if (strcmp(view->name, device) == 0)
        return;
    (void)snprintf(view->name, sizeof(view->name), "%s", device);
    int error = registry_find(view->book->registry, device, &entry, &view->fault);
    view->is_known = error == 0;
    if (error == 0)
        policy_book_subject_of(&entry, &view->subject);
    else if (error != -ENOENT && view->status == 0)
        view->status = error;
}

static bool is_gone_for_good(enum registry_status status)
{
    return status == REGISTRY_REVOKED || status == REGISTRY_RETIRED;
}

/* Who is not in the registry was let in by another authority's certificate or by a listener: the
 * record is all there is to know about it. */
static bool change_entry(void *context, struct sketch_entry *entry)
{
    struct view *view = context;
    const struct policy *policy = view->book->policy;
    bool has_registry = view->book->registry != NULL;
    if (!view->wish->older_too && entry->last_s < view->record->from_s)
        return false;
    if (has_registry && entry->identity.device != NULL) {
        look_up(view, entry->identity.device);
        if (view->is_known && is_gone_for_good(view->subject.entry.status)) {
            view->record->left_out++;
            return false;
        }
        if (view->is_known)
            entry->identity = view->subject.identity;
    }
    if (view->wish->as_decided)
        entry->allowed =
            replay_decide(policy_find(policy, &entry->identity), entry) != REPLAY_REFUSED;
    return true;
}

/* ---- opening ---- */

static struct sketch *new_view(void)
{
    struct siphash_key key;
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return NULL;
    struct sketch *sketch = sketch_new(&key, SKETCH_ENTRIES_DEFAULT);
    if (sketch != NULL)
        sketch_set_topics_max(sketch, TOPICS_MAX);
    return sketch;
}

int policy_record_open(struct policy_book *book, const struct policy_record_wish *wish,
                       struct policy_record *out)
{
    struct view view = { .book = book, .record = out, .wish = wish };
    struct sketch *recorded = NULL;
    *out = (struct policy_record){
        .days = wish->days,
        .from_s = book->now_s - (int64_t)wish->days * DAY_S,
        .is_recording = book->config->observes,
    };
    int code = policy_book_observed(book, &recorded);
    if (code != IDENTITY_EXIT_DONE)
        return code;
    out->seen = new_view();
    if (out->seen == NULL) {
        sketch_free(recorded);
        return identity_options_fail(book->options, IDENTITY_EXIT_FAILED, "out of memory");
    }
    sketch_merge_changed(out->seen, recorded, change_entry, &view);
    out->since_s = sketch_since(recorded);
    sketch_free(recorded);
    if (view.status == 0)
        return IDENTITY_EXIT_DONE;
    return identity_options_fail(book->options, IDENTITY_EXIT_FAILED, "%s", view.fault.text);
}

void policy_record_close(struct policy_record *record)
{
    sketch_free(record->seen);
    record->seen = NULL;
}

/* ---- what there is to say about it ---- */

static void doubt_days(const struct policy_record *record, const struct policy_book *book)
{
    char since[IDENTITY_PRINT_TIME_SIZE];
    int64_t days = (book->now_s - record->since_s) / DAY_S;
    if (record->since_s == 0) {
        (void)identity_options_fail(book->options, IDENTITY_EXIT_DONE,
                                    "nothing has been recorded yet in %s", book->options->state);
        return;
    }
    if (record->since_s <= record->from_s)
        return;
    (void)identity_options_fail(book->options, IDENTITY_EXIT_DONE,
                                "recorded for %" PRId64 " day%s only, since %s: of the %u days "
                                "that were asked for, nothing is known of the rest",
                                days, days == 1 ? "" : "s",
                                identity_print_time(record->since_s, since), record->days);
}

static bool is_complete(const struct sketch_drops *drops)
{
    return drops->topics == 0 && drops->entries == 0 && drops->unrecorded == 0;
}

void policy_record_doubt(const struct policy_record *record, const struct policy_book *book)
{
    const struct sketch_drops drops = sketch_drops_of(record->seen);
    doubt_days(record, book);
    if (!record->is_recording)
        (void)identity_options_fail(book->options, IDENTITY_EXIT_DONE,
                                    "nothing is being recorded: the configuration says "
                                    "observe = off");
    if (!is_complete(&drops))
        (void)identity_options_fail(
            book->options, IDENTITY_EXIT_DONE,
            "the record is not complete: %" PRIu64 " topics of devices that used very many, "
            "%" PRIu64 " entries over the bound of all and %" PRIu64 " that were too long to "
            "be recorded are missing",
            drops.topics, drops.entries, drops.unrecorded);
    if (record->left_out != 0)
        (void)identity_options_fail(book->options, IDENTITY_EXIT_DONE,
                                    "%zu recorded uses are left out: their devices have been "
                                    "revoked or retired",
                                    record->left_out);
}

json_t *policy_record_json(const struct policy_record *record)
{
    char since[IDENTITY_PRINT_TIME_SIZE];
    const struct sketch_drops drops = sketch_drops_of(record->seen);
    return json_pack(
        "{s:i, s:s?, s:b, s:b, s:{s:I, s:I, s:I}, s:I}", "days", (int)record->days, "since",
        record->since_s != 0 ? identity_print_time_rfc3339(record->since_s, since) : NULL,
        "covers_days", record->since_s != 0 && record->since_s <= record->from_s, "recording",
        record->is_recording, "dropped", "topics", (json_int_t)drops.topics, "entries",
        (json_int_t)drops.entries, "unrecorded", (json_int_t)drops.unrecorded, "left_out",
        (json_int_t)record->left_out);
}
