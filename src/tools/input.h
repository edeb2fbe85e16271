/* SPDX-License-Identifier: Apache-2.0 */
/* Where the bodies of messages come from: options, files, lines of standard input. */
#pragma once

#include "tools/options.h"

#include <tacit/transport.h>

struct input {
    struct tacit_bytes body; /* of the message that options give */
    char *owned;             /* its memory, if it was read */
    char *lines;             /* -l: what was read and not yet taken */
    size_t lines_len;
    size_t lines_size;
    bool ended;
};

/* Reads -f and -s whole. Complains itself. */
MQTT_NODISCARD enum exit_code input_open(struct input *out, const struct options *options);
void input_close(struct input *input);

/* -l: reads what standard input has now; sets `ended` at its end. */
void input_read(struct input *input);

/* -l: the next whole line, without its end, borrowed until input_read; false if there
 * is none. The last line need not have an end. input_drop takes it off. */
MQTT_NODISCARD bool input_line(const struct input *input, struct tacit_bytes *out);
void input_drop(struct input *input, struct tacit_bytes line);
