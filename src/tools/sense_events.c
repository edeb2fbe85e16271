/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_events.h"

#include "tools/log_show.h"

static int show(const struct identity_options *options, const char *kind)
{
    struct identity_options own = *options;

    own.kind = kind;
    return log_show(&own);
}

int sense_events(const struct identity_options *options)
{
    return show(options, "sense*");
}

int sense_dry_run(const struct identity_options *options)
{
    return show(options, "sense-dry-run");
}
