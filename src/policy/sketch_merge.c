/* SPDX-License-Identifier: Apache-2.0 */
#include "base/invariant.h"
#include "policy/sketch.h"
#include "policy/sketch_state.h"

struct merging {
    struct sketch *into;
    sketch_change change; /* NULL: as they are */
    void *context;
};

static int merge_entry(void *context, const struct sketch_entry *entry)
{
    const struct merging *merging = context;
    struct sketch_entry changed = *entry;
    if (merging->change != NULL && !merging->change(merging->context, &changed))
        return 0;
    sketch_add(merging->into, &changed);
    sketch_settle_at_times(merging->into);
    return 0;
}

void sketch_merge_changed(struct sketch *into, const struct sketch *from, sketch_change change,
                          void *context)
{
    struct merging merging = { into, change, context };
    MQTT_INVARIANT(into != from);
    (void)sketch_each(from, merge_entry, &merging);
    sketch_settle(into);
    const struct sketch_drops drops = sketch_drops_of(from);
    sketch_add_drops(into, &drops);
    sketch_set_earlier(into, sketch_since(from));
}

void sketch_merge(struct sketch *into, const struct sketch *from)
{
    sketch_merge_changed(into, from, NULL, NULL);
}
