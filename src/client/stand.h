/* SPDX-License-Identifier: Apache-2.0 */
/* A test stand for the client: a memory transport with the test as the server, a
 * clock the test moves, and randomness it chooses. Bytes are written as hex with
 * blanks, so that the tests do not go through our own encoder. */
#pragma once

#include <tacit/client.h>
#include <tacit/memory.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(text) ((struct tacit_bytes)TACIT_LITERAL(text))

struct stand {
    struct tacit_config config;
    struct tacit_memory wire;
    struct tacit_client *client;
    void *arena;
    size_t arena_size;
    uint64_t now_ms;
    uint32_t random;
    struct tacit_event event; /* of the last poll */
    uint32_t sleep_ms;        /* what it returned */
};

/* Version 5, client id "c", small limits; change stand->config before stand_start. */
void stand_init(struct stand *stand);
void stand_fini(struct stand *stand);

/* Makes the client in an arena of exactly the size it asks for, and starts it. */
void stand_start(struct stand *stand);

/* stand_start, then CONNECT answered by the CONNACK given in hex. */
void stand_connect(struct stand *stand, const char *connack);

/* Polls once. */
enum tacit_event_type stand_poll(struct stand *stand);

/* Polls until there is nothing to tell; fails if there was an event. */
void stand_settle(struct stand *stand);

/* The server says, in hex. */
void stand_feed(struct stand *stand, const char *hex);

/* Exactly these bytes were sent since the last time; polls once first. */
void stand_expect(struct stand *stand, const char *hex);
void stand_expect_nothing(struct stand *stand);

/* Publishes; fails unless it is taken. */
uint32_t stand_publish(struct stand *stand, const char *topic, const char *payload, uint8_t qos);

void stand_assert_bytes(struct tacit_bytes bytes, const char *text);

#define CONNACK_5         "20 03 00 00 00"
#define CONNACK_5_SESSION "20 03 01 00 00"
#define CONNACK_4         "20 02 00 00"
