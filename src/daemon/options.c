/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include "config/suggest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_name {
    NAME_CONFIG,
    NAME_STATE,
    NAME_PORT,
    NAME_SHARDS,
    NAME_LOG_FORMAT,
    NAME_CHECK,
    NAME_HELP,
    NAME_HELP_LIMITS,
    NAME_VERSION,
    NAME_COUNT,
};

static const char *const names[NAME_COUNT] = {
    [NAME_CONFIG] = "--config",
    [NAME_STATE] = "--state",
    [NAME_PORT] = "--port",
    [NAME_SHARDS] = "--shards",
    [NAME_LOG_FORMAT] = "--log-format",
    [NAME_CHECK] = "--check",
    [NAME_HELP] = "--help",
    [NAME_HELP_LIMITS] = "--help-limits",
    [NAME_VERSION] = "--version",
};

static bool takes_value(enum option_name name)
{
    return name <= NAME_LOG_FORMAT;
}

/* Returns NAME_COUNT for what is no option. */
static enum option_name name_of(const char *word, size_t len)
{
    unsigned name = 0;

    if (len == 2 && memcmp(word, "-c", 2) == 0)
        return NAME_CONFIG;
    if (len == 2 && memcmp(word, "-p", 2) == 0)
        return NAME_PORT;
    if (len == 2 && memcmp(word, "-h", 2) == 0)
        return NAME_HELP;
    while (name < NAME_COUNT && (strlen(names[name]) != len || memcmp(names[name], word, len) != 0))
        name++;
    return (enum option_name)name;
}

static int refuse_word(const char *word, char *out_why)
{
    const char *nearest = suggest_nearest(word, names, NAME_COUNT);

    if (nearest != NULL)
        snprintf(out_why, DIAGNOSTIC_BYTES, "unknown option '%.100s'; did you mean '%s'?", word,
                 nearest);
    else
        snprintf(out_why, DIAGNOSTIC_BYTES, "unknown option '%.100s'; try tacitd --help", word);
    return -EINVAL;
}

static bool read_number(const char *text, long low, long high, long *out)
{
    char *end = NULL;

    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high)
        return false;
    *out = value;
    return true;
}

static int refuse_value(enum option_name name, const char *value, const char *advice, char *out_why)
{
    snprintf(out_why, DIAGNOSTIC_BYTES, "%s '%.100s': %s", names[name], value, advice);
    return -EINVAL;
}

static int set_value(enum option_name name, const char *value, struct options *options,
                     char *out_why)
{
    struct config_overrides *overrides = &options->overrides;
    long number = 0;

    if (value[0] == '\0')
        return refuse_value(name, value, "a value is missing", out_why);
    switch (name) {
    case NAME_CONFIG:
        options->config = value;
        return 0;
    case NAME_STATE:
        overrides->state = value;
        return 0;
    case NAME_PORT:
        if (!read_number(value, 1, 65535, &number))
            return refuse_value(name, value, "write a number from 1 to 65535", out_why);
        overrides->port = (uint16_t)number;
        return 0;
    case NAME_SHARDS:
        if (!read_number(value, 0, CONFIG_SHARDS_MAX, &number))
            return refuse_value(name, value, "write a number from 0 (one per processor) to 256",
                                out_why);
        overrides->shards = (int)number;
        return 0;
    case NAME_LOG_FORMAT:
        if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0)
            return refuse_value(name, value, "write text or json", out_why);
        overrides->log_format = strcmp(value, "json") == 0 ? CONFIG_LOG_JSON : CONFIG_LOG_TEXT;
        return 0;
    case NAME_CHECK:
    case NAME_HELP:
    case NAME_HELP_LIMITS:
    case NAME_VERSION:
    case NAME_COUNT:
        break;
    }
    return refuse_value(name, value, "takes no value", out_why);
}

static void set_wish(enum option_name name, struct options *options)
{
    static const enum options_wish wishes[NAME_COUNT] = {
        [NAME_CHECK] = OPTIONS_CHECK,
        [NAME_HELP] = OPTIONS_HELP,
        [NAME_HELP_LIMITS] = OPTIONS_HELP_LIMITS,
        [NAME_VERSION] = OPTIONS_VERSION,
    };
    options->wish = wishes[name];
}

int options_parse(int argc, char *const *argv, struct options *out, char *out_why)
{
    struct options options = { .overrides = { .shards = -1, .log_format = -1 } };

    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        size_t len = equals != NULL ? (size_t)(equals - argv[i]) : strlen(argv[i]);
        enum option_name name = name_of(argv[i], len);
        if (name == NAME_COUNT)
            return refuse_word(argv[i], out_why);
        if (!takes_value(name) && equals == NULL) {
            set_wish(name, &options);
            continue;
        }
        if (equals == NULL && i + 1 == argc)
            return refuse_value(name, "", "a value is missing", out_why);
        const char *value = equals != NULL ? equals + 1 : argv[++i];
        int status = set_value(name, value, &options, out_why);
        if (status != 0)
            return status;
    }
    *out = options;
    return 0;
}

void options_print_help(void)
{
    fputs("usage: tacitd [options]\n"
          "\n"
          "An MQTT broker that is closed until opened: TLS with client certificates on port\n"
          "8883, and everything denied that no role grants. Needs no configuration.\n"
          "\n"
          "  -c, --config FILE    configuration; else DIR/tacit.conf, else\n"
          "                       /etc/tacit/tacit.conf, else the built-in one\n"
          "      --state DIR      state folder: CA, keys, registry, sessions\n"
          "  -p, --port N         port of the first listener; the built-in enrolment gets\n"
          "                       the next one\n"
          "      --shards N       threads; 0: one per processor\n"
          "      --log-format F   text or json\n"
          "      --check          check the configuration and leave: 0 good, 1 bad\n"
          "  -h, --help           this\n"
          "      --help-limits    every limit with its unit, default and bounds\n"
          "      --version\n"
          "\n"
          "SIGTERM, SIGINT: say good-bye, keep the state, end. SIGHUP: read the\n"
          "configuration again.\n"
          "Exit: 0 as asked, 1 the machine said no, 2 wrong usage or configuration.\n",
          stdout);
}

void options_print_limits(void)
{
    fputs("limits { ... } in tacit.conf; sizes also with KiB MiB GiB, times with s m h d\n\n",
          stdout);
    for (size_t i = 0; i < limits_count(); i++) {
        const struct limit_row *row = limits_row(i);
        for (const char *at = row->name; *at != '\0'; at++)
            putchar(*at == '_' ? '-' : *at);
        printf(" = %" PRIu64 " %s (%" PRIu64 " to %" PRIu64 ")\n    %s\n", row->preset, row->unit,
               row->low, row->high, row->text);
    }
}
