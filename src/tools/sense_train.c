/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_train.h"

#include "config/config_time.h"
#include "tools/sense_order.h"

#include <stdlib.h>
#include <string.h>

/* What of it is wanted. */
static unsigned wishes(const struct identity_options *o)
{
    return (o->again ? 1u : 0u) + (o->finish ? 1u : 0u) + (o->duration != NULL ? 1u : 0u)
           + (o->forget != NULL ? 1u : 0u);
}

static enum sensing_order_kind kind_of(const struct identity_options *o)
{
    if (o->again)
        return SENSING_ORDER_AGAIN;
    if (o->finish)
        return SENSING_ORDER_FINISH;
    return o->forget != NULL ? SENSING_ORDER_FORGET : SENSING_ORDER_LEARN;
}

static const char *word_of(enum sensing_order_kind kind)
{
    switch (kind) {
    case SENSING_ORDER_SAVE:
    case SENSING_ORDER_TAKE:
    case SENSING_ORDER_KINDS:
        break;
    case SENSING_ORDER_AGAIN:
        return "again";
    case SENSING_ORDER_LEARN:
        return "for";
    case SENSING_ORDER_FINISH:
        return "finish";
    case SENSING_ORDER_FORGET:
        return "forget";
    }
    return "";
}

/* 0, or the exit code after saying what is wrong. */
static int read_wish(const struct identity_options *o, struct sensing_order *out)
{
    const char *name = o->forget != NULL ? o->forget : o->operand_count > 0 ? o->operands[0] : "";
    int64_t for_s = 0;

    if (wishes(o) != 1 || (o->forget != NULL) == (o->operand_count > 0))
        return identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                     "write ROLE and one of --again, --for TIME and --finish; or "
                                     "--forget NAME of a device");
    if (o->force && !o->finish)
        return identity_options_fail(o, IDENTITY_EXIT_USAGE, "--force goes with --finish");
    if (name[0] == '\0' || strlen(name) > SENSING_ORDER_NAME_BYTES)
        return identity_options_fail(o, IDENTITY_EXIT_USAGE, "nothing can be called '%.140s'",
                                     name);
    if (o->duration != NULL && config_time_duration(o->duration, &for_s) != 0)
        return identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                     "--for %.40s: write a time such as 30m, 12h or 7d",
                                     o->duration);
    *out = (struct sensing_order){
        .kind = kind_of(o),
        .is_forced = o->force,
        .for_ms = (uint64_t)for_s * 1000,
        .name = span_of(name),
    };
    return 0;
}

int sense_train(const struct identity_options *options)
{
    struct sensing_order order;
    int code = read_wish(options, &order);

    if (code != 0)
        return code;
    struct sensing_answer *answer = malloc(sizeof(*answer));
    if (answer == NULL)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "out of memory");
    code = sense_order_give(options, &order, answer);
    if (code == 0)
        code =
            sense_order_tell(options, word_of(order.kind), (const char *)order.name.data, answer);
    free(answer);
    return code;
}
