/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_events.h"

#include "tools/log_show.h"

int sense_events(const struct identity_options *options)
{
    struct identity_options own = *options;

    own.kind = "sense*";
    return log_show(&own);
}
