/* SPDX-License-Identifier: Apache-2.0 */
#include <tacit/blocking.h>

#include "base/attrs.h"
#include "ports/stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SHORT_MS 30u
#define LONG_MS  5000u

static const struct tacit_bytes here = TACIT_LITERAL("127.0.0.1");

struct line {
    struct server server;
    struct tacit_blocking blocking;
    struct tacit_transport transport;
};

/* A connection that has to be opened still; its other end listens. */
static void begin(struct line *line)
{
    *line = (struct line){ .server = stand_listen() };
    line->blocking = (struct tacit_blocking){ .posix = tacit_posix_insecure_new(),
                                              .open_ms = LONG_MS,
                                              .send_ms = SHORT_MS,
                                              .receive_ms = SHORT_MS };
    assert_non_null(line->blocking.posix);
    line->transport = tacit_blocking_transport(&line->blocking);
}

static void end(struct line *line)
{
    line->transport.close(line->transport.context);
    tacit_posix_free(line->blocking.posix);
    if (line->server.peer >= 0)
        assert_int_equal(close(line->server.peer), 0);
    if (line->server.listener >= 0)
        assert_int_equal(close(line->server.listener), 0);
}

static void connect_it(struct line *line)
{
    void *context = line->transport.context;
    assert_int_equal(line->transport.open(context, here, line->server.port), TACIT_OK);
    line->server.peer = accept(line->server.listener, NULL, NULL);
    assert_true(line->server.peer >= 0);
}

/* One call opens it, and bytes go both ways. */
static void test_one_call_each(void **state)
{
    struct line line;
    struct tacit_bytes pieces[] = { TACIT_LITERAL("one"), TACIT_LITERAL("two") };
    char got[16];
    (void)state;
    begin(&line);
    connect_it(&line);
    void *context = line.transport.context;
    assert_int_equal(line.transport.sendv(context, pieces, 2), 6);
    assert_int_equal(recv(line.server.peer, got, sizeof(got), 0), 6);
    assert_memory_equal(got, "onetwo", 6);
    assert_int_equal(send(line.server.peer, "back", 4, 0), 4);
    assert_int_equal(line.transport.receive(context, got, sizeof(got)), 4);
    end(&line);
}

/* Nothing in time is no failure, and takes that time. */
static void test_nothing_comes(void **state)
{
    struct line line;
    char got[16];
    (void)state;
    begin(&line);
    connect_it(&line);
    uint64_t began_ms = tacit_posix_now_ms();
    assert_int_equal(line.transport.receive(line.transport.context, got, sizeof(got)), 0);
    assert_true(tacit_posix_now_ms() - began_ms >= SHORT_MS - 1);
    end(&line);
}

/* Who does not read is not waited for without end. */
static void test_nobody_reads(void **state)
{
    static const char much[65536];
    struct line line;
    struct tacit_bytes piece = { much, sizeof(much) };
    int taken = 1;
    (void)state;
    begin(&line);
    connect_it(&line);
    for (unsigned i = 0; i < 4096 && taken > 0; i++)
        taken = line.transport.sendv(line.transport.context, &piece, 1);
    assert_int_equal(taken, 0);
    assert_int_equal(line.transport.sendv(line.transport.context, &piece, 0), 0);
    end(&line);
}

static void test_who_hangs_up(void **state)
{
    struct line line;
    char got[16];
    (void)state;
    begin(&line);
    connect_it(&line);
    assert_int_equal(close(line.server.peer), 0);
    line.server.peer = -1;
    assert_int_equal(line.transport.receive(line.transport.context, got, sizeof(got)), TACIT_IO);
    end(&line);
}

static void test_nobody_listens(void **state)
{
    struct line line;
    (void)state;
    begin(&line);
    assert_int_equal(close(line.server.listener), 0);
    line.server.listener = -1;
    assert_int_equal(line.transport.open(line.transport.context, here, line.server.port), TACIT_IO);
    end(&line);
}

/* A listener whose queue is full does not answer: `open` gives up in its time. */
static void test_nobody_answers(void **state)
{
    struct line line, others[4];
    (void)state;
    begin(&line);
    for (unsigned i = 0; i < MQTT_ARRAY_LEN(others); i++) {
        begin(&others[i]);
        others[i].blocking.open_ms = 1;
        (void)others[i].transport.open(others[i].transport.context, here, line.server.port);
    }
    line.blocking.open_ms = SHORT_MS;
    assert_int_equal(line.transport.open(line.transport.context, here, line.server.port),
                     TACIT_TIMEOUT);
    for (unsigned i = 0; i < MQTT_ARRAY_LEN(others); i++)
        end(&others[i]);
    end(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_call_each),  cmocka_unit_test(test_nothing_comes),
        cmocka_unit_test(test_nobody_reads),   cmocka_unit_test(test_who_hangs_up),
        cmocka_unit_test(test_nobody_listens), cmocka_unit_test(test_nobody_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
