/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_options.h"

#include "tools/attack_check.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ID         1000
#define HELP_COLUMN      32
#define PORT_TLS         8883
#define PORT_PLAIN       1883
#define DEFAULT_PATIENCE 30
#define DEFAULT_RATE     50

enum kind {
    KIND_FLAG,
    KIND_TEXT,
    KIND_NUMBER,
    KIND_LIST,
};

static const struct row {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *argument, *help;
} rows[] = {
#define OPTION(name, kind, member, argument, help) \
    { name, KIND_##kind, offsetof(struct attack_options, member), argument, help },
#include "tools/attack_options.def"
#undef OPTION
};

#define ROWS MQTT_ARRAY_LEN(rows)

static int complain(const char *what, const char *word)
{
    (void)fprintf(stderr, "tacit attack: %s '%s'; see tacit attack --help\n", what, word);
    return -EINVAL;
}

/* 0 to 65535, which is enough for every number here. */
static int read_number(const char *text, uint32_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > UINT16_MAX)
        return -EINVAL;
    *out = (uint32_t)value;
    return 0;
}

int attack_options_target(const char *text, char out_host[ATTACK_HOST_SIZE], uint32_t *out_port)
{
    bool is_bracketed = text[0] == '[';
    const char *host = text + is_bracketed;
    size_t len = strcspn(host, is_bracketed ? "]" : ":");
    const char *rest = host + len;
    uint32_t port = *out_port;

    if (is_bracketed && *rest++ != ']')
        return -EINVAL;
    /* More colons than one and no brackets: an address of IPv6 alone. */
    if (!is_bracketed && *rest == ':' && strchr(rest + 1, ':') != NULL) {
        len = strlen(host);
        rest = host + len;
    }
    if (len == 0 || len >= ATTACK_HOST_SIZE || host[0] == '-')
        return -EINVAL;
    if (*rest != '\0' && (*rest != ':' || read_number(rest + 1, &port) < 0 || port == 0))
        return -EINVAL;
    memcpy(out_host, host, len);
    out_host[len] = '\0';
    *out_port = port;
    return 0;
}

static int add_check(struct attack_list *list, const char *id)
{
    if (attack_check_find(id) == NULL)
        return complain("there is no check", id);
    if (list->count == ATTACK_LIST_MAX)
        return complain("too many checks with", id);
    list->item[list->count++] = id;
    return 0;
}

static int apply(struct attack_options *o, const struct row *row, const char *argument)
{
    void *member = (char *)o + row->offset;

    switch (row->kind) {
    case KIND_FLAG:
        *(bool *)member = true;
        return 0;
    case KIND_TEXT:
        if (*(const char **)member != NULL)
            return complain("this was said twice:", row->name);
        *(const char **)member = argument;
        return 0;
    case KIND_NUMBER:
        return read_number(argument, member) < 0 ? complain("this is no number:", argument) : 0;
    case KIND_LIST:
        return add_check(member, argument);
    }
    return -EINVAL;
}

static int check_identity(const struct attack_identity_options *identity)
{
    if ((identity->certificate_file == NULL) != (identity->key_file == NULL))
        return complain("a certificate and its key go together:", identity->key_file != NULL
                                                                      ? identity->key_file
                                                                      : identity->certificate_file);
    if (identity->user_name == NULL && identity->password_file != NULL)
        return complain("whose password is it? There is no user name for", identity->password_file);
    return 0;
}

static int check(const struct attack_options *o)
{
    if (o->rate == 0 || o->rate > ATTACK_RATE_MAX)
        return complain("--rate is 1 to", "1000");
    if (o->patience_s == 0 || o->patience_s > ATTACK_PATIENCE_MAX)
        return complain("--patience is 1 to", "300");
    return check_identity(&o->first) < 0 ? -EINVAL : check_identity(&o->second);
}

static int take_operands(int argc, char **argv, struct attack_options *o)
{
    if (optind + 1 < argc)
        return complain("one broker at a time, not also", argv[optind + 1]);
    if (optind < argc && attack_options_target(argv[optind], o->host, &o->port) < 0)
        return complain("write HOST:PORT, not", argv[optind]);
    return 0;
}

/* Ended by a zero row. */
static void list_options(struct option out[ROWS + 1])
{
    size_t count = 0;

    for (; count < ROWS; count++)
        out[count] = (struct option){
            .name = rows[count].name,
            .has_arg = rows[count].kind == KIND_FLAG ? no_argument : required_argument,
            .val = FIRST_ID + (int)count,
        };
    memset(&out[count], 0, sizeof(out[count]));
}

/* getopt takes the beginning of a name for the whole: --password would be a file then, and a secret
 * its name. */
static bool is_whole_name(const char *word)
{
    size_t len = strcspn(word, "=");

    for (size_t i = 0; i < ROWS; i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, word, len) == 0)
            return true;
    return false;
}

static int check_names(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strncmp(argv[i], "--", 2) == 0 && !is_whole_name(argv[i] + 2)) {
            (void)fprintf(stderr,
                          "tacit attack: unknown option '--%.*s'; see tacit attack --help\n",
                          (int)strcspn(argv[i] + 2, "="), argv[i] + 2);
            return -EINVAL;
        }
    return 0;
}

int attack_options_parse(int argc, char **argv, struct attack_options *out)
{
    struct option known[ROWS + 1];
    struct attack_options o = { .plain_port = PORT_PLAIN,
                                .patience_s = DEFAULT_PATIENCE,
                                .rate = DEFAULT_RATE };
    int id;

    if (check_names(argc, argv) < 0)
        return -EINVAL;
    list_options(known);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    while ((id = getopt_long(argc, argv, ":", known, NULL)) != -1) {
        if (id == '?')
            return complain("unknown option", argv[optind - 1]);
        if (id == ':')
            return complain("a value is missing after", argv[optind - 1]);
        if (apply(&o, &rows[id - FIRST_ID], optarg) < 0)
            return -EINVAL;
    }
    if (take_operands(argc, argv, &o) < 0 || check(&o) < 0)
        return -EINVAL;
    if (o.port == 0 && o.host[0] != '\0')
        o.port = o.plaintext ? PORT_PLAIN : PORT_TLS;
    *out = o;
    return 0;
}

static bool list_has(const struct attack_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->item[i], id) == 0)
            return true;
    return false;
}

bool attack_options_has(const struct attack_options *options, const char *id)
{
    return (options->only.count == 0 || list_has(&options->only, id))
           && !list_has(&options->skip, id);
}

void attack_options_print(void)
{
    (void)fputs("usage: tacit attack HOST[:PORT] [OPTION...]\n"
                "       tacit attack --list\n"
                "\n"
                "Tries on a broker of your own what attackers try on those of others, says what it "
                "saw, and\ngrades it from A to F. Works with any broker. What each check does, and "
                "how it can be wrong:\ndocs/attack.md, tacit-attack(1).\n"
                "\n",
                stdout);
    for (size_t i = 0; i < ROWS; i++) {
        int width = printf("  --%s%s%s", rows[i].name, rows[i].argument != NULL ? " " : "",
                           rows[i].argument != NULL ? rows[i].argument : "");
        (void)printf("%*s%s\n",
                     rows[i].help[0] != '\0' && width < HELP_COLUMN ? HELP_COLUMN - width : 1, "",
                     rows[i].help);
    }
    (void)fputs("\nExit code: 0 nothing is open; 1 it could not be done; 2 usage; 3 something is "
                "open.\n",
                stdout);
}
