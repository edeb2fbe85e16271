/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void a_record_is_one_datagram(void **state)
{
    char folder[] = "/tmp/tacit-forward-XXXXXX";
    struct sockaddr_un here = { .sun_family = AF_UNIX };
    char got[256];
    char wanted[256];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(here.sun_path, sizeof(here.sun_path), "%s/log", folder);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&here, sizeof(here)), 0);
    forward_to_syslog(here.sun_path, span_of("{\"seq\":1}"));
    ssize_t len = recv(fd, got, sizeof(got) - 1, 0);
    assert_true(len > 0);
    got[len] = '\0';
    snprintf(wanted, sizeof(wanted), "<85>tacitd[%ld]: {\"seq\":1}", (long)getpid());
    assert_string_equal(got, wanted);
    close(fd);
    /* Nobody is there any more: nothing happens. */
    forward_to_syslog(here.sun_path, span_of("{}"));
    unlink(here.sun_path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_one_datagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
