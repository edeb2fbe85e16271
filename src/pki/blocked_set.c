/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/blocked_set.h"

#include "pki/blocked_keys.h"
#include "pki/id_array.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define KEY_BYTES 16
#define FRESH_NS  UINT64_C(50000000) /* more than a tick of any file system's clock */

struct blocked_set {
    struct id_array keys;
    struct id_array moduli;
    uint64_t stamp; /* of the folder */
    atomic_uint count;
};

static int on_key(void *context, const struct blocked_key *key)
{
    struct blocked_set *set = context;

    return id_array_add(&set->keys, key->key_sha256);
}

static int on_entry(void *context, const char *file, const struct blocked_line *line)
{
    struct blocked_set *set = context;

    (void)file;
    return id_array_add(line->kind == BLOCKED_LINE_KEY ? &set->keys : &set->moduli, line->id);
}

/* Asked first: a file that comes meanwhile makes the set look old, never new. A stamp so fresh that
 * the next change may get the same one counts for nothing. */
static uint64_t settled_stamp(const struct registry *registry)
{
    uint64_t stamp = blocked_folder_stamp(registry);
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    bool is_fresh = stamp + FRESH_NS > now_ns && stamp < now_ns + FRESH_NS;
    return is_fresh ? 0 : stamp;
}

int blocked_set_new(struct registry *registry, const struct blocked_folder_doubts *doubts,
                    struct blocked_set **out, struct pki_fault *fault)
{
    struct blocked_set *set = calloc(1, sizeof(*set));

    if (set == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    atomic_init(&set->count, 1);
    set->keys.width = KEY_BYTES;
    set->moduli.width = BLOCKED_TAG_BYTES;
    set->stamp = settled_stamp(registry);
    int status = blocked_keys_list(registry, on_key, set, fault);
    if (status == 0)
        status = blocked_folder_read(registry, doubts, on_entry, set, fault);
    if (status < 0) {
        blocked_set_unref(set);
        return status == -ENOMEM ? pki_fail(fault, status, "out of memory") : status;
    }
    id_array_sort(&set->keys);
    id_array_sort(&set->moduli);
    *out = set;
    return 0;
}

struct blocked_set *blocked_set_ref(struct blocked_set *set)
{
    atomic_fetch_add_explicit(&set->count, 1, memory_order_relaxed);
    return set;
}

void blocked_set_unref(struct blocked_set *set)
{
    if (set == NULL || atomic_fetch_sub_explicit(&set->count, 1, memory_order_acq_rel) != 1)
        return;
    id_array_fini(&set->keys);
    id_array_fini(&set->moduli);
    free(set);
}

bool blocked_set_find(const struct blocked_set *set, const uint8_t *key_sha256)
{
    return set != NULL && id_array_has(&set->keys, key_sha256);
}

bool blocked_set_find_modulus(const struct blocked_set *set, const uint8_t *tag)
{
    return set != NULL && id_array_has(&set->moduli, tag);
}

size_t blocked_set_count(const struct blocked_set *set)
{
    return set->keys.count + set->moduli.count;
}

bool blocked_set_is_current(const struct blocked_set *set, const struct registry *registry)
{
    return set->stamp == blocked_folder_stamp(registry);
}
