/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/probe.h"
#include "ports/stand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SHORT_MS 30
#define LONG_MS  5000
#define MUCH     (64u * 1024u * 1024u) /* more than the kernel takes */

static struct tacit_probe *connect_to(struct server *server, const char *source)
{
    char error[TACIT_PROBE_ERROR_SIZE];
    struct tacit_probe *probe = NULL;
    socklen_t len = sizeof(server->from);
    const struct tacit_probe_target target = { .address = "127.0.0.1",
                                               .port = server->port,
                                               .source = source };

    assert_int_equal(tacit_probe_open(&target, LONG_MS, &probe, error), 0);
    server->peer = accept(server->listener, (struct sockaddr *)&server->from, &len);
    assert_true(server->peer >= 0);
    return probe;
}

static void end(struct server *server, struct tacit_probe *probe)
{
    tacit_probe_close(probe);
    if (server->peer >= 0)
        (void)close(server->peer);
    (void)close(server->listener);
}

static void says_that_nobody_is_there(void **state)
{
    char error[TACIT_PROBE_ERROR_SIZE];
    struct tacit_probe *probe = NULL;
    struct server server = stand_listen();
    const struct tacit_probe_target target = { .address = "127.0.0.1", .port = server.port };
    const struct tacit_probe_target nowhere = { .address = "no digits", .port = 1 };

    (void)state;
    end(&server, NULL);
    assert_int_equal(tacit_probe_open(&target, LONG_MS, &probe, error), -ECONNREFUSED);
    assert_non_null(strstr(error, "refused"));
    assert_int_equal(tacit_probe_open(&nowhere, LONG_MS, &probe, error), -EINVAL);
    assert_null(probe);
}

static void comes_from_the_address_it_is_told(void **state)
{
    struct server server = stand_listen();
    struct tacit_probe *probe = connect_to(&server, "127.0.0.2");

    (void)state;
    assert_int_equal(ntohl(server.from.sin_addr.s_addr), INADDR_LOOPBACK + 1);
    end(&server, probe);
}

static void waits_no_longer_than_it_may(void **state)
{
    struct server server = stand_listen();
    struct tacit_probe *probe = connect_to(&server, NULL);
    char byte = 0;

    (void)state;
    assert_int_equal(tacit_probe_receive(probe, &byte, 1, SHORT_MS), 0);
    assert_int_equal(write(server.peer, "x", 1), 1);
    assert_int_equal(tacit_probe_receive(probe, &byte, 1, LONG_MS), 1);
    assert_int_equal(byte, 'x');
    (void)close(server.peer);
    server.peer = -1;
    assert_int_equal(tacit_probe_receive(probe, &byte, 1, LONG_MS), -ECONNRESET);
    assert_non_null(strstr(tacit_probe_error(probe), "closed"));
    end(&server, probe);
}

static void says_how_much_was_taken(void **state)
{
    struct server server = stand_listen();
    struct tacit_probe *probe = connect_to(&server, NULL);
    char *much = calloc(1, MUCH);

    (void)state;
    assert_non_null(much);
    int64_t taken = tacit_probe_send(probe, much, MUCH, SHORT_MS);
    assert_true(taken > 0 && taken < MUCH);
    free(much);
    end(&server, probe);
}

static struct tacit_probe_tls *tls_of(const struct tacit_probe_tls_options *options)
{
    char error[TACIT_PROBE_ERROR_SIZE];
    struct tacit_probe_tls *tls = tacit_probe_tls_new(options, error);

    assert_non_null(tls);
    return tls;
}

static void ends_a_handshake_with_who_says_nothing(void **state)
{
    const struct tacit_probe_tls_options options = { .only = TACIT_PROBE_TLS_1_2 };
    struct tacit_probe_tls *tls = tls_of(&options);
    struct server server = stand_listen();
    struct tacit_probe *probe = connect_to(&server, NULL);
    struct tacit_probe_facts facts;
    struct tacit_probe_certificate certificate;

    (void)state;
    assert_int_equal(tacit_probe_handshake(probe, tls, "localhost", NULL, SHORT_MS), -ETIMEDOUT);
    tacit_probe_facts(probe, &facts);
    assert_false(facts.has_hello);
    assert_false(tacit_probe_certificate(probe, "localhost", &certificate));
    end(&server, probe);
    tacit_probe_tls_free(tls);
}

static void refuses_what_is_no_tls(void **state)
{
    const struct tacit_probe_tls_options options = { .ciphers = "ALL" };
    struct tacit_probe_tls *tls = tls_of(&options);
    struct server server = stand_listen();
    struct tacit_probe *probe = connect_to(&server, NULL);

    (void)state;
    assert_int_equal(write(server.peer, "this is no TLS at all", 21), 21);
    assert_int_equal(tacit_probe_handshake(probe, tls, "127.0.0.1", NULL, LONG_MS), -EPROTO);
    assert_true(tacit_probe_error(probe)[0] != '\0');
    end(&server, probe);
    tacit_probe_tls_free(tls);
}

static void names_the_file_that_is_wrong(void **state)
{
    char error[TACIT_PROBE_ERROR_SIZE];
    char name[16] = "untouched";
    const struct tacit_probe_tls_options options = { .ca_file = "/nonexistent/ca.crt" };

    (void)state;
    assert_null(tacit_probe_tls_new(&options, error));
    assert_non_null(strstr(error, "/nonexistent/ca.crt"));
    assert_int_equal(tacit_probe_common_name("/nonexistent/a.crt", name, sizeof(name)), -ENOENT);
    assert_string_equal(name, "untouched");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_that_nobody_is_there),
        cmocka_unit_test(comes_from_the_address_it_is_told),
        cmocka_unit_test(waits_no_longer_than_it_may),
        cmocka_unit_test(says_how_much_was_taken),
        cmocka_unit_test(ends_a_handshake_with_who_says_nothing),
        cmocka_unit_test(refuses_what_is_no_tls),
        cmocka_unit_test(names_the_file_that_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
