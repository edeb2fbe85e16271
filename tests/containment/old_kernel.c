/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel without Landlock, as far as tacitd can see: stands in the place of syscall(). */
#include "probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((visibility("default"))) long syscall(long number, ...)
{
    long (*real)(long, ...);
    void *symbol = dlsym(RTLD_NEXT, "syscall");
    long arguments[6];
    va_list list;

    if (number == SYS_landlock_create_ruleset && getenv(PROBE_OLD_KERNEL) != NULL) {
        errno = ENOSYS;
        return -1;
    }
    va_start(list, number);
    for (unsigned i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    memcpy(&real, &symbol, sizeof(symbol));
    return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                arguments[5]);
}
