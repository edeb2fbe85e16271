/* SPDX-License-Identifier: Apache-2.0 */
#include "client/shelf.h"

static int shelf_put(void *context, uint32_t id, const struct tacit_bytes *pieces, unsigned count)
{
    struct shelf *shelf = context;
    struct shelf_entry entry = { .len = 0 };
    assert_true(id < SHELF_ENTRIES);
    if (shelf->refuses_put)
        return TACIT_IO;
    for (unsigned i = 0; i < count; i++) {
        assert_true(entry.len + pieces[i].len <= sizeof(entry.bytes));
        if (pieces[i].len > 0)
            memcpy(entry.bytes + entry.len, pieces[i].data, pieces[i].len);
        entry.len += pieces[i].len;
    }
    shelf->entries[id] = entry;
    return TACIT_OK;
}

static int shelf_get(void *context, uint32_t id, void *out, size_t size)
{
    struct shelf *shelf = context;
    const struct shelf_entry *entry = &shelf->entries[id];
    assert_true(id < SHELF_ENTRIES);
    if (shelf->refuses_get)
        return TACIT_IO;
    shelf->refuses_get = shelf->gets > 0 && --shelf->gets == 0;
    memcpy(out, entry->bytes, entry->len < size ? entry->len : size);
    return (int)entry->len;
}

static int shelf_del(void *context, uint32_t id)
{
    struct shelf *shelf = context;
    assert_true(id < SHELF_ENTRIES);
    if (shelf->refuses_del)
        return TACIT_IO;
    shelf->entries[id].len = 0;
    return TACIT_OK;
}

void shelf_init(struct shelf *shelf, struct stand *stand)
{
    *shelf = (struct shelf){ .store = { .put = shelf_put,
                                        .get = shelf_get,
                                        .del = shelf_del,
                                        .context = shelf,
                                        .messages = SHELF_ENTRIES - 1 } };
    stand->config.store = &shelf->store;
    stand->config.session_expiry_s = 60;
}

enum tacit_status shelf_reboot(struct stand *stand)
{
    size_t size = tacit_arena_bytes(&stand->config.limits);
    stand->wire.is_open = false;
    stand->wire.hung_up = false;
    stand->wire.to_server.len = 0;
    stand->wire.to_client.len = 0;
    if (stand->arena_size != size) {
        free(stand->arena);
        stand->arena = malloc(size);
        stand->arena_size = size;
    }
    stand->client = tacit_init(stand->arena, size, &stand->config);
    assert_non_null(stand->client);
    enum tacit_status status = tacit_restore(stand->client);
    tacit_start(stand->client);
    return status;
}
