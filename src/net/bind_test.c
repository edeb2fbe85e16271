/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
}

static void shards_share_a_port_that_nobody_else_gets(void **state)
{
    (void)state;
    static const unsigned counts[] = { 1, 4 };
    for (size_t i = 0; i < 2; i++) {
        struct listener_options options = { .name = "a", .address = "127.0.0.1" };
        int fds[4];
        int other[4];
        assert_int_equal(listener_bind(&options, counts[i], fds), 0);
        uint16_t port = listener_port(fds[0]);
        assert_true(port != 0);
        for (unsigned k = 1; k < counts[i]; k++)
            assert_int_equal(listener_port(fds[k]), port);
        options.port = port;
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(listener_bind(&options, counts[k], other), -EADDRINUSE);
        close_all(fds, counts[i]);
        assert_int_equal(listener_bind(&options, counts[i], other), 0);
        close_all(other, counts[i]);
    }
}

static void any_address_works(void **state)
{
    (void)state;
    struct listener_options options = { .name = "a" };
    int fds[2];
    assert_int_equal(listener_bind(&options, 2, fds), 0);
    close_all(fds, 2);
}

static void bad_addresses_and_counts_are_refused(void **state)
{
    (void)state;
    int fd = -1;
    struct listener_options options = { .name = "a", .address = "nowhere" };
    assert_int_equal(listener_bind(&options, 1, &fd), -EINVAL);
    options.address = "192.0.2.1"; /* not ours */
    assert_int_equal(listener_bind(&options, 1, &fd), -EADDRNOTAVAIL);
    options.address = "127.0.0.1";
    assert_int_equal(listener_bind(&options, 0, &fd), -EINVAL);
    assert_int_equal(listener_bind(&options, LISTENER_SHARDS_MAX + 1, &fd), -EINVAL);
    assert_int_equal(fd, -1);
}

static void a_left_behind_unix_socket_is_replaced_a_live_one_is_not(void **state)
{
    (void)state;
    char directory[] = "/tmp/tacit-test-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/socket", directory);
    struct listener_options options = { .name = "a", .path = path };
    int fds[2];
    int other[2];
    assert_int_equal(listener_bind(&options, 2, fds), 0);
    assert_int_equal(listener_bind(&options, 2, other), -EADDRINUSE);
    close_all(fds, 2);
    assert_int_equal(listener_bind(&options, 2, other), 0);
    assert_int_equal(listener_port(other[0]), 0);
    close_all(other, 2);
    unlink(path);
    FILE *file = fopen(path, "w"); /* not a socket: not ours to remove */
    assert_non_null(file);
    fclose(file);
    assert_int_equal(listener_bind(&options, 1, fds), -EADDRINUSE);
    unlink(path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_share_a_port_that_nobody_else_gets),
        cmocka_unit_test(any_address_works),
        cmocka_unit_test(bad_addresses_and_counts_are_refused),
        cmocka_unit_test(a_left_behind_unix_socket_is_replaced_a_live_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
