/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_show.h"

#include "tools/log_filter.h"
#include "tools/log_place.h"
#include "tools/log_print.h"

#include <errno.h>
#include <stdio.h>

static int on_line(void *context, struct mqtt_span line)
{
    return log_print_line(context, line);
}

int log_show(const struct identity_options *options)
{
    struct log_place place;
    struct identity_options own = *options;
    size_t rest = 0;
    int error = 0;
    int code = log_filter_check(options);

    if (code == 0)
        code = log_place_open(options, &place);
    if (code != 0)
        return code;
    for (size_t i = 0; i < place.files.count && error == 0; i++) {
        error = log_place_read(&place, i, on_line, &own, &rest);
        /* Removed to make room since it was listed, as the oldest one. */
        error = error == -ENOENT ? 0 : error;
    }
    if (fflush(stdout) != 0 || ferror(stdout) != 0)
        code = IDENTITY_EXIT_FAILED;
    else if (error < 0)
        code = log_place_fail(&place, error);
    log_place_close(&place);
    return code;
}
