/* SPDX-License-Identifier: Apache-2.0 */
/* A transport without a network, for tests: what the client sends lies in one
 * buffer, what it receives comes from another, and the test plays the server. */
#pragma once

#include "tacit/transport.h"

#include <stdbool.h>

struct tacit_memory_buffer {
    uint8_t *bytes; /* borrowed from the test */
    size_t size;
    size_t len;
};

/* Fields may be set by the test at any time. */
struct tacit_memory {
    struct tacit_memory_buffer to_server;
    struct tacit_memory_buffer to_client;
    int open_result;    /* what `open` answers: TACIT_OK, TACIT_AGAIN or a failure */
    size_t send_limit;  /* most bytes that one sendv takes; 0: none */
    size_t chunk_bytes; /* most bytes that one receive gives; 0: no limit */
    bool hung_up;       /* nothing more comes, and nothing goes */
    bool is_open;
    unsigned opens;
    struct tacit_bytes host; /* of the last open; borrowed from the client */
    uint16_t port;
    unsigned records; /* calls of sendv that took something */
};

/* Two buffers of the caller's, both empty; what there is room for goes through. */
void tacit_memory_init(struct tacit_memory *memory, struct tacit_memory_buffer to_server,
                       struct tacit_memory_buffer to_client);

struct tacit_transport tacit_memory_transport(struct tacit_memory *memory);

/* What the server says next. False if the buffer is full. */
bool tacit_memory_feed(struct tacit_memory *memory, const void *bytes, size_t len);

/* Forgets the first `len` bytes that the client sent. */
void tacit_memory_drop(struct tacit_memory *memory, size_t len);
