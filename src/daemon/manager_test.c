/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manager.h"

#include "base/attrs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A manager that listens; the kernel chooses its abstract name. */
static int listen_somewhere(char *out_name, size_t size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t len = sizeof(sa_family_t);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    len = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    size_t name_len = len - offsetof(struct sockaddr_un, sun_path) - 1;
    (void)snprintf(out_name, size, "@%.*s", (int)name_len, address.sun_path + 1);
    return fd;
}

static void test_it_is_told(void **state)
{
    char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    char got[64];
    int fd = listen_somewhere(name, sizeof(name));

    (void)state;
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    assert_int_equal(manager_tell("READY=1"), 0);
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 7);
    assert_memory_equal(got, "READY=1", 7);
    close(fd);
    assert_int_equal(manager_tell("READY=1"), -ECONNREFUSED);
}

static void test_without_one_nothing_happens(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(manager_tell("READY=1"), 0);
}

static void test_what_is_no_name_is_refused(void **state)
{
    char long_name[256];
    const char *names[] = { "", "/", "@", "relative", "vsock:2:1", long_name };

    (void)state;
    memset(long_name, 'x', sizeof(long_name));
    long_name[0] = '/';
    long_name[sizeof(long_name) - 1] = '\0';
    for (size_t i = 0; i < MQTT_ARRAY_LEN(names); i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        assert_int_equal(manager_tell("READY=1"), -EINVAL);
    }
}

static void set_watchdog(const char *us, const char *pid)
{
    assert_int_equal(us != NULL ? setenv("WATCHDOG_USEC", us, 1) : unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(pid != NULL ? setenv("WATCHDOG_PID", pid, 1) : unsetenv("WATCHDOG_PID"), 0);
}

static void test_the_watchdog(void **state)
{
    char own[24];

    (void)state;
    (void)snprintf(own, sizeof(own), "%ld", (long)getpid());
    set_watchdog(NULL, NULL);
    assert_int_equal(manager_watchdog_ms(), 0);
    set_watchdog("30000000", NULL);
    assert_int_equal(manager_watchdog_ms(), 30000);
    set_watchdog("30000000", own);
    assert_int_equal(manager_watchdog_ms(), 30000);
    set_watchdog("30000000", "1");
    assert_int_equal(manager_watchdog_ms(), 0);
    set_watchdog("30000000x", own);
    assert_int_equal(manager_watchdog_ms(), 0);
    set_watchdog("-1", own);
    assert_int_equal(manager_watchdog_ms(), 0);
    set_watchdog("99999999999999999999999", own);
    assert_int_equal(manager_watchdog_ms(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_told),
        cmocka_unit_test(test_without_one_nothing_happens),
        cmocka_unit_test(test_what_is_no_name_is_refused),
        cmocka_unit_test(test_the_watchdog),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
