/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/id_array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64

void id_array_fini(struct id_array *array)
{
    free(array->bytes);
    *array = (struct id_array){ .width = array->width };
}

int id_array_add(struct id_array *array, const uint8_t *id)
{
    if (array->count == array->room) {
        size_t room = array->room > 0 ? array->room * 2 : ROOM_FIRST;
        uint8_t *bytes = reallocarray(array->bytes, room, array->width);
        if (bytes == NULL)
            return -ENOMEM;
        array->bytes = bytes;
        array->room = room;
    }
    memcpy(array->bytes + array->count * array->width, id, array->width);
    array->count++;
    return 0;
}

const uint8_t *id_array_at(const struct id_array *array, size_t i)
{
    return array->bytes + i * array->width;
}

static int compare(const void *a, const void *b, void *context)
{
    const struct id_array *array = context;

    return memcmp(a, b, array->width);
}

static void drop_doubles(struct id_array *array)
{
    size_t kept = 0;

    for (size_t i = 0; i < array->count; i++) {
        if (kept > 0 && compare(id_array_at(array, kept - 1), id_array_at(array, i), array) == 0)
            continue;
        memmove(array->bytes + kept * array->width, id_array_at(array, i), array->width);
        kept++;
    }
    array->count = kept;
}

void id_array_sort(struct id_array *array)
{
    bool is_sorted = true;

    if (array->count == 0)
        return;
    /* Lists are kept sorted; then this is all. */
    for (size_t i = 1; i < array->count && is_sorted; i++)
        is_sorted = compare(id_array_at(array, i - 1), id_array_at(array, i), array) < 0;
    if (!is_sorted) {
        qsort_r(array->bytes, array->count, array->width, compare, array);
        drop_doubles(array);
    }
    uint8_t *bytes = reallocarray(array->bytes, array->count, array->width);
    if (bytes != NULL) {
        array->bytes = bytes;
        array->room = array->count;
    }
}

bool id_array_has(const struct id_array *array, const uint8_t *id)
{
    size_t from = 0;
    size_t until = array->count;

    while (from < until) {
        size_t middle = from + (until - from) / 2;
        int order = memcmp(id, id_array_at(array, middle), array->width);
        if (order == 0)
            return true;
        if (order < 0)
            until = middle;
        else
            from = middle + 1;
    }
    return false;
}
