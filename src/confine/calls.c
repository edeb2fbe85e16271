/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/calls.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOW         UINT32_MAX /* the kernel looks at no more of an int */
#define WHOLE       UINT64_MAX
#define SOCKET_TYPE 15         /* without SOCK_NONBLOCK and SOCK_CLOEXEC */
#define OWN_PROCESS UINT64_MAX /* stands for what getpid() says */

enum row_kind {
    ROW_ABSENT = 0,
    ROW_MODULE,  /* allowed where modules are loaded */
    ROW_NETWORK, /* allowed where there is a network */
    ROW_ALLOW,
};

/* Holds when the argument, as far as the mask goes, is the value; mask 0: always. */
struct condition {
    unsigned argument;
    uint64_t mask;
    uint64_t value;
};

struct row {
    int number; /* of the system call; negative: libseccomp's for one of another architecture */
    enum row_kind kind;
    struct condition first;
    struct condition second;
};

/* clang-format off: a row is a line of calls.def. */
static const struct row rows[] = {
#define ROW(call, kind, a, am, av, b, bm, bv) \
    { SCMP_SYS(call), kind, { a, am, av }, { b, bm, bv } },
#define ABSENT(call)                                ROW(call, ROW_ABSENT, 0, 0, 0, 0, 0, 0)
#define ALLOW(call)                                 ROW(call, ROW_ALLOW, 0, 0, 0, 0, 0, 0)
#define ALLOW_IF(call, a, am, av)                   ROW(call, ROW_ALLOW, a, am, av, 0, 0, 0)
#define ALLOW_IF_BOTH(call, a, am, av, b, bm, bv)   ROW(call, ROW_ALLOW, a, am, av, b, bm, bv)
#define MODULE_IF(call, a, am, av)                  ROW(call, ROW_MODULE, a, am, av, 0, 0, 0)
#define MODULE_IF_BOTH(call, a, am, av, b, bm, bv)  ROW(call, ROW_MODULE, a, am, av, b, bm, bv)
#define NETWORK(call)                               ROW(call, ROW_NETWORK, 0, 0, 0, 0, 0, 0)
#define NETWORK_IF(call, a, am, av)                 ROW(call, ROW_NETWORK, a, am, av, 0, 0, 0)
#define NETWORK_IF_BOTH(call, a, am, av, b, bm, bv) ROW(call, ROW_NETWORK, a, am, av, b, bm, bv)
#include "confine/calls.def"
#undef NETWORK_IF_BOTH
#undef NETWORK_IF
#undef NETWORK
#undef MODULE_IF_BOTH
#undef MODULE_IF
#undef ALLOW_IF_BOTH
#undef ALLOW_IF
#undef ALLOW
#undef ABSENT
#undef ROW
};
/* clang-format on */

static unsigned fill(const struct condition *condition, unsigned count, struct scmp_arg_cmp *out)
{
    if (condition->mask == 0)
        return count;
    out[count] = (struct scmp_arg_cmp){
        .arg = condition->argument,
        .op = SCMP_CMP_MASKED_EQ,
        .datum_a = condition->mask,
        .datum_b = condition->value == OWN_PROCESS ? (uint64_t)getpid() : condition->value,
    };
    return count + 1;
}

static int add_row(scmp_filter_ctx filter, const struct row *row)
{
    struct scmp_arg_cmp conditions[2];
    uint32_t action = row->kind == ROW_ABSENT ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW;
    unsigned count = fill(&row->second, fill(&row->first, 0, conditions), conditions);
    int status = seccomp_rule_add_array(filter, action, row->number, count, conditions);

    /* -EDOM: this architecture does not have it; -EEXIST: another row says the same. */
    return status == -EDOM || status == -EEXIST ? 0 : status;
}

static int set_attributes(scmp_filter_ctx filter)
{
    int status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

    /* A program of another architecture, or of the 32-bit ABI, has no business here. */
    if (status == 0)
        status = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (status == 0)
        status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    /* A tree instead of a list: what has conditions is looked up at each call. */
    if (status == 0)
        status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    return status;
}

/* *out_count: different calls that are allowed. Rows of one call follow each other. */
static int make(const struct calls_wanted *wanted, scmp_filter_ctx *out, unsigned *out_count)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    unsigned count = 0;
    int last = -1;

    if (filter == NULL)
        return -ENOMEM;
    int status = set_attributes(filter);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows) && status == 0; i++) {
        const struct row *row = &rows[i];
        if ((row->kind == ROW_MODULE && !wanted->loads_modules)
            || (row->kind == ROW_NETWORK && !wanted->has_network))
            continue;
        status = add_row(filter, row);
        count += row->number >= 0 && row->kind != ROW_ABSENT && row->number != last ? 1 : 0;
        last = row->number;
    }
    if (status != 0) {
        seccomp_release(filter);
        return status;
    }
    *out = filter;
    *out_count = count;
    return 0;
}

int calls_enter(const struct calls_wanted *wanted, unsigned *out)
{
    scmp_filter_ctx filter;
    unsigned count;
    int status = make(wanted, &filter, &count);

    if (status != 0)
        return status;
    status = seccomp_load(filter);
    seccomp_release(filter);
    if (status == 0)
        *out = count;
    return status;
}

int calls_count(unsigned *out)
{
    const struct calls_wanted broker = { .has_network = true };
    scmp_filter_ctx filter;
    int status = make(&broker, &filter, out);

    if (status == 0)
        seccomp_release(filter);
    return status;
}

int calls_look(void)
{
    const uint32_t action = SCMP_ACT_ERRNO(0);
    const unsigned get_action_available = 2;

    return syscall(SYS_seccomp, get_action_available, 0u, &action) == 0 ? 0 : -errno;
}
