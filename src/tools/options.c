/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
    KIND_FLAG = 0,
    KIND_TEXT,
    KIND_SECRET,
    KIND_LIST,
    KIND_NUMBER,
    KIND_PORT,
    KIND_QOS,
    KIND_SECONDS,
    KIND_SECONDS16,
    KIND_MILLISECONDS, /* written in seconds, with decimals */
    KIND_VERSION,
    KIND_PROPERTY,
};

struct option_row {
    char letter; /* 0: none */
    const char *name;
    enum kind kind;
    size_t offset; /* in struct options */
    unsigned commands;
    const char *argument; /* NULL: none */
    const char *help;
};

enum { P = OPTION_PUB, S = OPTION_SUB, R = OPTION_REQUEST, B = OPTION_BENCH };

static const struct option_row rows[] = {
#define OPTION(letter, name, kind, member, commands, argument, help) \
    { letter, name, KIND_##kind, offsetof(struct options, member), commands, argument, help },
#include "tools/options.def"
#undef OPTION
};

static const char *command_name(enum option_command command)
{
    switch (command) {
    case OPTION_PUB:
        return "pub";
    case OPTION_SUB:
        return "sub";
    case OPTION_REQUEST:
        return "request";
    case OPTION_BENCH:
        return "bench";
    }
    return "";
}

void options_complain(const struct options *options, const char *format, ...)
{
    va_list arguments;
    if (options->quiet)
        return;
    (void)fprintf(stderr, "tacit %s: ", command_name(options->command));
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

bool options_wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0)
            return true;
    return argc == 2 && strcmp(argv[1], "-h") == 0;
}

void options_print(enum option_command command)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        const struct option_row *row = &rows[i];
        char left[64];
        if ((row->commands & command) == 0)
            continue;
        (void)snprintf(left, sizeof(left), "%c%c%s --%s %s", row->letter != 0 ? '-' : ' ',
                       row->letter != 0 ? row->letter : ' ', row->letter != 0 ? "," : " ",
                       row->name, row->argument != NULL ? row->argument : "");
        (void)printf("  %-38s %s\n", left, row->help);
    }
}

static const struct option_row *row_find(const struct options *options, const char *word)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        const struct option_row *row = &rows[i];
        if ((row->commands & options->command) == 0)
            continue;
        if (word[1] == '-' ? strcmp(word + 2, row->name) == 0
                           : row->letter != 0 && word[1] == row->letter && word[2] == '\0')
            return row;
    }
    return NULL;
}

static bool take_number(const char *text, uint32_t maximum, uint32_t *out)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || number > maximum)
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool take_milliseconds(const char *text, uint32_t *out)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0) || seconds > 4000000)
        return false;
    *out = (uint32_t)(seconds * 1000);
    return true;
}

static bool take_version(const char *text, uint8_t *out)
{
    static const struct {
        const char *text;
        uint8_t version;
    } known[] = {
        { "5", 5 }, { "mqttv5", 5 }, { "311", 4 }, { "mqttv311", 4 }, { "31", 3 }, { "mqttv31", 3 },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(known); i++) {
        if (strcmp(text, known[i].text) == 0) {
            *out = known[i].version;
            return true;
        }
    }
    return false;
}

static bool take_list(struct option_list *list, const char *text)
{
    if (list->count == OPTIONS_LIST_MAX)
        return false;
    list->item[list->count++] = text;
    return true;
}

static bool take_small_number(const char *text, uint32_t maximum, size_t width, void *place)
{
    uint32_t number = 0;
    if (!take_number(text, maximum, &number))
        return false;
    if (width == sizeof(uint8_t))
        *(uint8_t *)place = (uint8_t)number;
    else if (width == sizeof(uint16_t))
        *(uint16_t *)place = (uint16_t)number;
    else
        *(uint32_t *)place = number;
    return true;
}

/* Others see a process's arguments; what has been read need not stay there. */
static bool take_secret(char *text, const char **place)
{
    *place = strdup(text);
    memset(text, '*', strlen(text));
    return *place != NULL;
}

static bool take_value(struct options *options, const struct option_row *row, char *text)
{
    void *place = (char *)options + row->offset;
    switch (row->kind) {
    case KIND_TEXT:
        *(const char **)place = text;
        return true;
    case KIND_SECRET:
        return take_secret(text, place);
    case KIND_LIST:
        return take_list(place, text);
    case KIND_NUMBER:
    case KIND_SECONDS:
        return take_small_number(text, UINT32_MAX, sizeof(uint32_t), place);
    case KIND_PORT:
    case KIND_SECONDS16:
        return take_small_number(text, UINT16_MAX, sizeof(uint16_t), place);
    case KIND_QOS:
        return take_small_number(text, 2, sizeof(uint8_t), place);
    case KIND_MILLISECONDS:
        return take_milliseconds(text, place);
    case KIND_VERSION:
        return take_version(text, place);
    case KIND_FLAG:
    case KIND_PROPERTY:
        break;
    }
    return false;
}

/* Takes the option at argv[0]; returns the arguments used, 0 after a complaint. */
static int take_option(struct options *options, int argc, char **argv)
{
    const struct option_row *row = row_find(options, argv[0]);
    const char *culprit;
    if (row == NULL) {
        options_complain(options, "unknown option %s; try --help", argv[0]);
        return 0;
    }
    if (row->kind == KIND_FLAG) {
        *(bool *)(void *)((char *)options + row->offset) = true;
        return 1;
    }
    if (argc < 2) {
        options_complain(options, "%s needs %s", argv[0], row->argument);
        return 0;
    }
    if (row->kind == KIND_PROPERTY) {
        int taken = property_option_parse(&options->properties, argc - 1, argv + 1, &culprit);
        if (taken == 0)
            options_complain(options, "%s: '%s' is not a property here, or not its value", argv[0],
                             culprit);
        return taken == 0 ? 0 : taken + 1;
    }
    if (take_value(options, row, argv[1]))
        return 2;
    options_complain(options, "%s: '%s' is not %s", argv[0], argv[1], row->argument);
    return 0;
}

static bool take_argument(struct options *options, char *word)
{
    if (options->command == OPTION_BENCH && options->scenario == NULL) {
        options->scenario = word;
        return true;
    }
    bool takes_many = options->command == OPTION_SUB;
    if (options->topics.count == 0 || takes_many)
        return take_list(&options->topics, word);
    if (options->message != NULL || options->command == OPTION_BENCH) {
        options_complain(options, "one argument too many: %s", word);
        return false;
    }
    options->message = word;
    return true;
}

bool options_parse(struct options *out, enum option_command command, int argc, char **argv)
{
    struct options options = { .command = command };
    for (int i = 1; i < argc;) {
        bool is_option = argv[i][0] == '-' && argv[i][1] != '\0';
        int taken = 1;
        if (is_option)
            taken = take_option(&options, argc - i, argv + i);
        else if (!take_argument(&options, argv[i]))
            taken = 0;
        if (taken == 0)
            return false;
        i += taken;
    }
    *out = options;
    return true;
}
