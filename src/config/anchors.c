/* SPDX-License-Identifier: Apache-2.0 */
#include "config/anchors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct anchor {
    struct bytes_node by_id;
    int64_t first_s;
    char id[];
};

void anchors_init(struct anchors *anchors)
{
    /* Ids are hashes of what the operator wrote. */
    bytes_map_init(&anchors->map, &(struct siphash_key){ 0 });
}

static void free_anchor(struct bytes_node *node, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(node, struct anchor, by_id));
}

void anchors_fini(struct anchors *anchors)
{
    bytes_map_each(&anchors->map, free_anchor, NULL);
    bytes_map_fini(&anchors->map);
}

int anchors_first(struct anchors *anchors, const char *id, int64_t now_s, int64_t *out_first_s)
{
    struct bytes_node *node = bytes_map_find(&anchors->map, span_of(id));

    if (node != NULL) {
        *out_first_s = MQTT_CONTAINER_OF(node, struct anchor, by_id)->first_s;
        return 0;
    }
    struct anchor *anchor = calloc(1, sizeof(*anchor) + strlen(id) + 1);
    if (anchor == NULL)
        return -ENOMEM;
    memcpy(anchor->id, id, strlen(id) + 1);
    anchor->first_s = now_s;
    anchor->by_id.key = span_of(anchor->id);
    int error = bytes_map_insert(&anchors->map, &anchor->by_id);
    if (error < 0) {
        free(anchor);
        return error;
    }
    *out_first_s = now_s;
    return 0;
}
