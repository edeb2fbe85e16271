/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/identity_options.h"

#include "pki/state.h"
#include "tools/printable.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX      65535
#define DAYS_MAX      3650
#define MESSAGE_BYTES 8192 /* two paths fit */
#define FIRST_ID      256  /* no letter */

enum option_kind {
    OPTION_STATE,
    OPTION_TEXT,
    OPTION_FLAG,
    OPTION_PORT,
    OPTION_DAYS,
    OPTION_NAME,
};

static const struct {
    const char *name;
    enum option_kind kind;
    size_t offset; /* of the member */
} rows[] = {
#define OPTION(name, kind, member) \
    { name, OPTION_##kind, offsetof(struct identity_options, member) },
#include "tools/identity_options.def"
#undef OPTION
};

#define ROWS MQTT_ARRAY_LEN(rows)

int identity_options_fail(const struct identity_options *options, enum identity_exit exit_code,
                          const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list arguments;
    (void)fprintf(stderr, "%s: ", options->command);
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    /* Paths and words of the command line stand in it. */
    (void)printable_put(stderr, span_of(text));
    (void)fputc('\n', stderr);
    return (int)exit_code;
}

static int complain(const struct identity_options *options, const char *what, const char *which)
{
    (void)identity_options_fail(options, IDENTITY_EXIT_USAGE, "%s '%s'; see %s --help", what, which,
                                options->command);
    return -EINVAL;
}

/* 1..max in decimal, nothing else. */
static int read_number(const struct identity_options *options, const char *text, unsigned max,
                       unsigned *out)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value == 0 || value > max) {
        (void)identity_options_fail(options, IDENTITY_EXIT_USAGE,
                                    "'%s' is not a number from 1 to %u", text, max);
        return -EINVAL;
    }
    *out = (unsigned)value;
    return 0;
}

static int set_state(struct identity_options *o, const char *dir)
{
    if (dir[0] == '\0' || strlen(dir) >= sizeof(o->state))
        return complain(o, "no folder can be named", dir);
    memcpy(o->state, dir, strlen(dir) + 1);
    return 0;
}

static int add_name(struct identity_options *o, const char *name)
{
    if (o->name_count == IDENTITY_OPTIONS_NAMES_MAX)
        return complain(o, "too many names, the first one too many is", name);
    o->names[o->name_count++] = name;
    return 0;
}

static int take_port(struct identity_options *o, const char *text)
{
    unsigned port;
    if (read_number(o, text, PORT_MAX, &port) < 0)
        return -EINVAL;
    o->port = (uint16_t)port;
    return 0;
}

/* The last of two would win without a word: for rights that is not good enough. */
static int set_text(struct identity_options *o, size_t row, const char *argument)
{
    const char **text = (void *)((char *)o + rows[row].offset);
    if (*text != NULL) {
        (void)identity_options_fail(o, IDENTITY_EXIT_USAGE, "--%s is given twice", rows[row].name);
        return -EINVAL;
    }
    *text = argument;
    return 0;
}

static int apply(struct identity_options *o, size_t row, const char *argument)
{
    switch (rows[row].kind) {
    case OPTION_STATE:
        return set_state(o, argument);
    case OPTION_TEXT:
        return set_text(o, row, argument);
    case OPTION_FLAG:
        *((bool *)o + rows[row].offset) = true;
        return 0;
    case OPTION_PORT:
        return take_port(o, argument);
    case OPTION_DAYS:
        return read_number(o, argument, DAYS_MAX, &o->days);
    case OPTION_NAME:
        return add_name(o, argument);
    }
    return -EINVAL;
}

/* Is it one of the words, each of which is followed by a space? */
static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    while (*words != '\0') {
        size_t found = strcspn(words, " ");
        if (found == len && memcmp(words, word, len) == 0)
            return true;
        words += found + (words[found] != '\0');
    }
    return false;
}

/* The rows this command knows, --help always among them, ended by a zero row. */
static void select_rows(const char *allowed, struct option out[ROWS + 1])
{
    size_t count = 0;
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, "help") != 0 && !has_word(allowed, rows[i].name))
            continue;
        out[count++] = (struct option){
            .name = rows[i].name,
            .has_arg = rows[i].kind == OPTION_FLAG ? no_argument : required_argument,
            .val = FIRST_ID + (int)i,
        };
    }
    memset(&out[count], 0, sizeof(out[count]));
}

int identity_options_parse(int argc, char **argv, const char *command, const char *allowed,
                           struct identity_options *out)
{
    struct option known[ROWS + 1];
    struct identity_options o = { .command = command };
    int id;

    select_rows(allowed, known);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    while ((id = getopt_long(argc, argv, ":", known, NULL)) != -1) {
        if (id == '?')
            return complain(&o, "unknown option", argv[optind - 1]);
        if (id == ':')
            return complain(&o, "a value is missing after", argv[optind - 1]);
        if (apply(&o, (size_t)(id - FIRST_ID), optarg) < 0)
            return -EINVAL;
    }
    o.operands = argv + optind;
    o.operand_count = argc - optind;
    if (o.state[0] == '\0') {
        if (state_default_dir(o.state) < 0)
            return complain(&o, "no home folder for the state; name one with", "--state");
        o.state_is_default = true;
    }
    *out = o;
    return 0;
}

const char *identity_options_state_argument(const struct identity_options *options, char *buffer,
                                            size_t size)
{
    static const char start[] = " --state '";
    size_t used = sizeof(start) - 1;
    if (options->state_is_default || size < sizeof(start) + 1)
        return "";
    memcpy(buffer, start, used);
    /* Inside single quotes only the quote itself is special to a shell. */
    for (const char *c = options->state; *c != '\0' && used + 6 < size; c++) {
        const char *piece = *c == '\'' ? "'\\''" : NULL;
        size_t len = piece != NULL ? strlen(piece) : 1;
        memcpy(buffer + used, piece != NULL ? piece : c, len);
        used += len;
    }
    memcpy(buffer + used, "'", 2);
    return buffer;
}
