/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/input.h"

#include "tools/read_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY_BYTES_MAX 268435455u /* no MQTT packet is longer */

static enum exit_code read_body(struct input *input, const struct options *options)
{
    const char *name = options->from_stdin ? "standard input" : options->file;
    FILE *file = options->from_stdin ? stdin : fopen(options->file, "re");
    int error =
        file == NULL ? -errno : read_all(file, BODY_BYTES_MAX, &input->owned, &input->body.len);
    if (file != NULL && file != stdin)
        (void)fclose(file);
    if (error != 0) {
        options_complain(options, "%s: %s", name, strerror(-error));
        return EXIT_USAGE;
    }
    input->body.data = input->owned;
    return EXIT_DONE;
}

enum exit_code input_open(struct input *out, const struct options *options)
{
    int sources = (options->message != NULL) + (options->file != NULL) + options->from_stdin
                  + options->from_lines + options->empty;
    *out = (struct input){ 0 };
    if (sources != 1) {
        options_complain(options, sources == 0 ? "no message: give one with -m, -f, -s, -l or -n"
                                               : "more than one of -m, -f, -s, -l and -n");
        return EXIT_USAGE;
    }
    if (options->message != NULL)
        out->body = (struct tacit_bytes){ options->message, strlen(options->message) };
    if (options->file != NULL || options->from_stdin)
        return read_body(out, options);
    return EXIT_DONE;
}

void input_close(struct input *input)
{
    free(input->owned);
    free(input->lines);
    *input = (struct input){ 0 };
}

void input_read(struct input *input)
{
    if (input->lines_len > BODY_BYTES_MAX
        || !read_all_room(&input->lines, &input->lines_size, input->lines_len)) {
        input->ended = true;
        return;
    }
    ssize_t got =
        read(STDIN_FILENO, input->lines + input->lines_len, input->lines_size - input->lines_len);
    if (got > 0)
        input->lines_len += (size_t)got;
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        input->ended = true;
}

bool input_line(const struct input *input, struct tacit_bytes *out)
{
    if (input->lines_len == 0)
        return false;
    const char *end = memchr(input->lines, '\n', input->lines_len);
    if (end == NULL && !input->ended)
        return false;
    *out = (struct tacit_bytes){ input->lines,
                                 end != NULL ? (size_t)(end - input->lines) : input->lines_len };
    return true;
}

void input_drop(struct input *input, struct tacit_bytes line)
{
    size_t taken = line.len < input->lines_len ? line.len + 1 : line.len;
    memmove(input->lines, input->lines + taken, input->lines_len - taken);
    input->lines_len -= taken;
}
