/* SPDX-License-Identifier: Apache-2.0 */
#include "powercut/model.h"

#include "core/journal_op.h"

#include <stdlib.h>
#include <string.h>

struct store_frame *model_give(struct model *model, uint8_t *ops, size_t len)
{
    struct model_frame *frame = calloc(1, sizeof(*frame));

    if (model->given == model->capacity) {
        model->capacity = model->capacity > 0 ? 2 * model->capacity : 64;
        /* An array of pointers is what is meant. */
        model->frames = realloc(model->frames, model->capacity * sizeof(struct model_frame *));
    }
    if (frame == NULL || model->frames == NULL)
        abort();
    *frame = (struct model_frame){
        .frame = { .ops = { ops, len } },
        .ops = ops,
        .sum = model->now.sum,
        .count = model->now.count,
        .bodies = model->now.bodies,
    };
    model->frames[model->given++] = frame;
    return &frame->frame;
}

bool model_confirm(struct model *model, const struct store_frame *frame)
{
    if (model->confirmed == model->given || &model->frames[model->confirmed]->frame != frame)
        return false;
    model->confirmed++;
    if (model->written < model->confirmed)
        model->written = model->confirmed;
    return true;
}

/* ---- judging ---- */

static bool is_state(const struct model *model, size_t frames, const struct state *found,
                     size_t bodies)
{
    uint64_t sum = frames > 0 ? model->frames[frames - 1]->sum : model->base.sum;
    size_t count = frames > 0 ? model->frames[frames - 1]->count : model->base.count;
    size_t kept = frames > 0 ? model->frames[frames - 1]->bodies : model->base.bodies;

    return found->sum == sum && found->count + kept == count && kept == bodies;
}

static bool has_same(const struct state *state, const struct thing *thing)
{
    const struct thing *there = state_find(state, thing->key);

    return there != NULL && there->hash == thing->hash;
}

/* What is known of one thing that was found, or should have been. */
struct trace {
    bool is_right;  /* as it was after one of the frames it may stand for */
    bool is_living; /* its key was there after one of them */
    bool is_always; /* and after each */
};

static void trace_things(const struct model *model, size_t least, const struct state *things,
                         struct trace *traces)
{
    struct state state = { 0 };

    state_copy(&model->base, &state);
    for (size_t i = 0; i < things->count; i++)
        traces[i].is_always = true;
    for (size_t k = 0; k <= model->given; k++) {
        if (k > 0)
            state_apply(&state, model->frames[k - 1]->frame.ops);
        if (k < least)
            continue;
        for (size_t i = 0; i < things->count; i++) {
            bool is_there = state_find(&state, things->things[i].key) != NULL;
            traces[i].is_living |= is_there;
            traces[i].is_always &= is_there;
            traces[i].is_right |= has_same(&state, &things->things[i]);
        }
    }
    state_fini(&state);
}

static struct trace *new_traces(const struct model *model, size_t least, const struct state *things)
{
    struct trace *traces = calloc(things->count + 1, sizeof(*traces));

    if (traces == NULL)
        abort();
    trace_things(model, least, things, traces);
    return traces;
}

/* No number of frames gives this state. */
static void find_fault(const struct model *model, const struct state *found, size_t least,
                       struct verdict *out)
{
    struct state confirmed = { 0 };
    struct trace *traces = new_traces(model, least, found);

    for (size_t i = 0; i < found->count; i++) {
        out->duplicated += !traces[i].is_living;
        out->lost += traces[i].is_always && !traces[i].is_right;
    }
    free(traces);
    state_copy(&model->base, &confirmed);
    for (size_t k = 0; k < least; k++)
        state_apply(&confirmed, model->frames[k]->frame.ops);
    traces = new_traces(model, least, &confirmed);
    for (size_t i = 0; i < confirmed.count; i++) {
        uint64_t key = confirmed.things[i].key;
        if (journal_kind_of(key) != JOURNAL_BODY && traces[i].is_always)
            out->lost += state_find(found, key) == NULL;
    }
    free(traces);
    state_fini(&confirmed);
    if (out->lost + out->duplicated == 0)
        out->reordered = 1;
}

struct verdict model_judge(const struct model *model, const struct state *found, size_t bodies,
                           size_t least)
{
    struct verdict verdict = { 0 };

    for (size_t k = model->given + 1; k > least; k--)
        if (is_state(model, k - 1, found, bodies)) {
            verdict.survived = k - 1;
            return verdict;
        }
    for (size_t k = least; k > 0; k--)
        if (is_state(model, k - 1, found, bodies)) {
            verdict.lost = least - (k - 1);
            return verdict;
        }
    find_fault(model, found, least, &verdict);
    return verdict;
}

/* ---- going on ---- */

static void forget_frames(struct model *model)
{
    for (size_t i = 0; i < model->given; i++) {
        free(model->frames[i]->ops);
        free(model->frames[i]);
    }
    model->given = model->confirmed = model->written = 0;
}

void model_settle(struct model *model, size_t survived)
{
    for (size_t i = 0; i < survived; i++)
        state_apply(&model->base, model->frames[i]->frame.ops);
    state_copy(&model->base, &model->now);
    forget_frames(model);
}

void model_fini(struct model *model)
{
    forget_frames(model);
    free(model->frames);
    state_fini(&model->base);
    state_fini(&model->now);
    *model = (struct model){ 0 };
}
