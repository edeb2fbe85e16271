/* SPDX-License-Identifier: Apache-2.0 */
#include "powercut/damage.h"

#include "core/journal_op.h"
#include "store/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MOST_BYTES 64u /* of a frame */
#define LAST_FRAMES     8u  /* of the last sync, and some of housekeeping's */

enum what {
    SPOIL_FRAME = 0,
    SPOIL_HEAD,
    TAKE_SEGMENT,
    WHATS,
};

/* A frame, as it was before. */
struct place {
    char segment[STORE_NAME_BYTES];
    uint64_t offset;
    size_t len;
    uint8_t *ops;
};

struct plan {
    struct trial *trial;
    enum what what;
    struct place *frames; /* all that hold something */
    size_t count;
    const struct place *target;
    unsigned places;   /* that are complained of */
    uint64_t *touched; /* keys that frames in those places name */
    size_t touched_count;
};

static void *grow(void *array, size_t count, size_t size)
{
    void *larger = realloc(array, (count + 1) * size);

    if (larger == NULL)
        abort();
    return larger;
}

static bool is_touched(const struct plan *plan, uint64_t key)
{
    for (size_t i = 0; i < plan->touched_count; i++)
        if (plan->touched[i] == key)
            return true;
    return false;
}

static int note_frame(void *context, const struct scan_frame *frame)
{
    struct plan *plan = context;
    struct place place = { .offset = frame->offset, .len = frame->ops.len };

    if (frame->ops.len == 0)
        return 0; /* housekeeping's: nothing hangs on it */
    plan->frames = grow(plan->frames, plan->count, sizeof(place));
    place.ops = grow(NULL, frame->ops.len, 1);
    memcpy(place.ops, frame->ops.data, frame->ops.len);
    (void)snprintf(place.segment, sizeof(place.segment), "%s", frame->segment);
    plan->frames[plan->count++] = place;
    return 0;
}

static void touch(struct plan *plan, const struct place *frame)
{
    struct mqtt_span ops = { frame->ops, frame->len };
    struct journal_op op;

    for (int more = journal_op_next(&ops, &op); more == 1; more = journal_op_next(&ops, &op)) {
        plan->touched = grow(plan->touched, plan->touched_count, sizeof(*plan->touched));
        plan->touched[plan->touched_count++] = op.key;
    }
}

/* What the store says is damaged may be gone. It may not say so of another segment; but where a
 * whole one is missing, the one before it seems to lack its end. */
static void note_damage(void *context, const struct store_damage *damage)
{
    struct plan *plan = context;

    plan->places++;
    if (plan->what != TAKE_SEGMENT && strcmp(damage->segment, plan->target->segment) != 0)
        trial_complain(plan->trial, "%s was spoilt, and %s is said to be damaged: %s",
                       plan->target->segment, damage->segment, damage->what);
    for (size_t i = 0; i < plan->count; i++) {
        const struct place *frame = &plan->frames[i];
        bool is_before = frame->offset + HEAD_MOST_BYTES + frame->len <= damage->offset;
        bool is_behind = damage->bytes > 0 && frame->offset >= damage->offset + damage->bytes;
        if (strcmp(frame->segment, damage->segment) == 0 && !is_before && !is_behind)
            touch(plan, frame);
    }
}

static bool make_plan(struct plan *plan)
{
    struct trial *trial = plan->trial;
    struct files files = fake_files_port(trial->disk);
    struct scan_summary summary;
    const struct scan_hooks hooks = { .context = plan, .frame = note_frame };

    plan->what = (enum what)test_random_below(&trial->random, WHATS);
    if (store_scan(&files, &hooks, &summary) < 0) {
        trial_complain(trial, "store_scan fails on a disk that is well");
        return false;
    }
    /* Not the last ones: who could tell them from a tail that was torn? */
    if (plan->count <= LAST_FRAMES)
        return false;
    size_t candidates = plan->count - LAST_FRAMES;
    plan->target = &plan->frames[test_random_below(&trial->random, candidates)];
    if (strcmp(plan->target->segment, plan->frames[plan->count - 1].segment) == 0)
        plan->what = SPOIL_FRAME;
    return true;
}

static void spoil(const struct plan *plan)
{
    struct trial *trial = plan->trial;
    const struct place *target = plan->target;
    struct files files = fake_files_port(trial->disk);
    uint8_t mask = (uint8_t)(1u << test_random_below(&trial->random, 8));
    uint64_t offset = plan->what == SPOIL_HEAD
                          ? test_random_below(&trial->random, 8)
                          : target->offset + test_random_below(&trial->random, target->len);
    bool is_done = plan->what == TAKE_SEGMENT
                       ? files.remove(files.context, target->segment) == 0
                             && files.sync_folder(files.context) == 0
                       : fake_files_flip(trial->disk, target->segment, offset, mask);

    if (!is_done)
        trial_complain(trial, "%s: nothing to spoil at %llu", target->segment,
                       (unsigned long long)offset);
}

/* Where nobody complains everything has to be there: frames that were written a second time after a
 * failure may be. */
static void look_again(struct plan *plan)
{
    struct files files = fake_files_port(plan->trial->disk);
    struct scan_summary summary;
    const struct scan_hooks hooks = { .context = plan, .damage = note_damage };

    if (store_scan(&files, &hooks, &summary) < 0)
        trial_complain(plan->trial, "store_scan fails on a damaged disk");
}

struct check {
    struct trial *trial;
    const struct plan *plan;
    const struct state *right;
    size_t found; /* of those that do not depend on what was spoilt */
};

static bool depends(const struct plan *plan, uint64_t key, uint64_t body)
{
    return is_touched(plan, key) || (body != 0 && is_touched(plan, body));
}

static int check_thing(void *context, const struct store_thing *thing)
{
    struct check *check = context;
    const struct thing *right = state_find(check->right, thing->key);
    uint64_t bytes = state_hash_bytes(thing->bytes);
    uint64_t body = thing->body_key != 0 ? state_hash_bytes(thing->body) : 0;

    if (depends(check->plan, thing->key, thing->body_key))
        return 0;
    if (right == NULL)
        check->trial->tally->duplicated++;
    else if (right->hash != state_hash_thing(thing->key, bytes, thing->body_key, body))
        check->trial->tally->lost++;
    check->found++;
    return 0;
}

/* Everything that does not depend on what was spoilt is there, as it was. */
static void check_rest(struct trial *trial, const struct plan *plan)
{
    struct check check = { .trial = trial, .plan = plan, .right = &trial->model.now };
    uint64_t bad = trial->tally->duplicated + trial->tally->lost;
    size_t expected = 0;

    for (size_t i = 0; i < check.right->count; i++) {
        const struct thing *thing = &check.right->things[i];
        expected +=
            journal_kind_of(thing->key) != JOURNAL_BODY && !depends(plan, thing->key, thing->body);
    }
    if (store_each(trial->store, check_thing, &check) < 0)
        trial_complain(trial, "store_each fails on a damaged store");
    if (check.found < expected)
        trial->tally->lost += expected - check.found;
    if (trial->tally->duplicated + trial->tally->lost != bad)
        trial_complain(trial,
                       "%s spoilt at %llu (kind of damage: %d): %zu things served of %zu "
                       "that have nothing to do with it",
                       plan->target->segment, (unsigned long long)plan->target->offset,
                       (int)plan->what, check.found, expected);
}

/* Written anew, it is whole, and holds what could be read. */
static void repair(struct plan *plan)
{
    struct trial *trial = plan->trial;
    uint64_t things = store_figures(trial->store).living_things;

    trial_compact(trial);
    trial_close(trial);
    if (trial_open_only(trial) < 0)
        trial_complain(trial, "a store that was repaired cannot be opened");
    else if (trial->damages > 0 || trial->found.things != things)
        trial_complain(trial, "repaired, it has %llu damages and %llu of %llu things",
                       (unsigned long long)trial->damages, (unsigned long long)trial->found.things,
                       (unsigned long long)things);
    if (trial->store != NULL)
        check_rest(trial, plan);
}

static void open_and_check(struct plan *plan)
{
    struct trial *trial = plan->trial;

    trial->expects_damage = true;
    int error = trial_open_only(trial);
    if (error < 0) {
        trial_complain(trial, "a damaged store cannot be opened: %s", strerror(-error));
        return;
    }
    if (trial->damages != plan->places)
        trial_complain(trial, "store_scan tells of %u damages, store_open of %llu", plan->places,
                       (unsigned long long)trial->damages);
    check_rest(trial, plan);
    repair(plan);
}

void damage_try(struct trial *trial)
{
    struct plan plan = { .trial = trial };

    if (make_plan(&plan)) {
        spoil(&plan);
        look_again(&plan);
        open_and_check(&plan);
    }
    for (size_t i = 0; i < plan.count; i++)
        free(plan.frames[i].ops);
    free(plan.frames);
    free(plan.touched);
}
