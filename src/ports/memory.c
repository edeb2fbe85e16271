/* SPDX-License-Identifier: Apache-2.0 */
#include <tacit/memory.h>

#include <string.h>

static void take_from_front(struct tacit_memory_buffer *buffer, size_t len)
{
    memmove(buffer->bytes, buffer->bytes + len, buffer->len - len);
    buffer->len -= len;
}

static bool append(struct tacit_memory_buffer *buffer, const void *bytes, size_t len)
{
    if (len > buffer->size - buffer->len)
        return false;
    if (len > 0)
        memcpy(buffer->bytes + buffer->len, bytes, len);
    buffer->len += len;
    return true;
}

static int memory_open(void *context, struct tacit_bytes host, uint16_t port)
{
    struct tacit_memory *memory = context;
    memory->host = host;
    memory->port = port;
    memory->opens++;
    memory->is_open = memory->open_result == TACIT_OK;
    return memory->open_result;
}

static int memory_sendv(void *context, const struct tacit_bytes *pieces, unsigned count)
{
    struct tacit_memory *memory = context;
    size_t taken = 0;
    if (memory->hung_up || !memory->is_open)
        return TACIT_IO;
    for (unsigned i = 0; i < count; i++) {
        size_t used = memory->to_server.len;
        size_t room = memory->to_server.size > used ? memory->to_server.size - used : 0;
        size_t limit = memory->send_limit - taken;
        room = room < limit ? room : limit;
        size_t len = pieces[i].len < room ? pieces[i].len : room;
        (void)append(&memory->to_server, pieces[i].data, len);
        taken += len;
    }
    memory->records += taken > 0;
    return (int)taken;
}

static int memory_receive(void *context, void *out, size_t size)
{
    struct tacit_memory *memory = context;
    size_t len = memory->to_client.len < size ? memory->to_client.len : size;
    if (memory->chunk_bytes > 0 && len > memory->chunk_bytes)
        len = memory->chunk_bytes;
    if (len == 0)
        return memory->hung_up || !memory->is_open ? TACIT_IO : 0;
    memcpy(out, memory->to_client.bytes, len);
    take_from_front(&memory->to_client, len);
    return (int)len;
}

static void memory_close(void *context)
{
    struct tacit_memory *memory = context;
    memory->is_open = false;
    memory->hung_up = false;
    memory->to_client.len = 0;
}

void tacit_memory_init(struct tacit_memory *memory, struct tacit_memory_buffer to_server,
                       struct tacit_memory_buffer to_client)
{
    *memory = (struct tacit_memory){ .to_server = to_server,
                                     .to_client = to_client,
                                     .send_limit = SIZE_MAX };
    memory->to_server.len = 0;
    memory->to_client.len = 0;
}

struct tacit_transport tacit_memory_transport(struct tacit_memory *memory)
{
    return (struct tacit_transport){ .open = memory_open,
                                     .sendv = memory_sendv,
                                     .receive = memory_receive,
                                     .close = memory_close,
                                     .context = memory };
}

bool tacit_memory_feed(struct tacit_memory *memory, const void *bytes, size_t len)
{
    return append(&memory->to_client, bytes, len);
}

void tacit_memory_drop(struct tacit_memory *memory, size_t len)
{
    take_from_front(&memory->to_server, len < memory->to_server.len ? len : memory->to_server.len);
}
