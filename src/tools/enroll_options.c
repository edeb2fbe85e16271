/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/enroll_options.h"

#include "base/wipe.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 8884
#define FIRST_ID     256 /* no letter */
#define SHA256_HEX   64

static const char usage[] =
    "usage: tacit enroll --server HOST[:PORT] (--ca-sha256 HEX | --cafile FILE) --name NAME\n"
    "                    [--token TOKEN | --token-file FILE] [--port N] [--out DIR] [--new-key]\n"
    "                    [--key-store STORE]\n"
    "       tacit enroll --renew [--as NAME] [--server HOST[:PORT]] [--force] [--new-key]\n"
    "                    [--watch] [--key-store STORE]\n"
    "\n"
    "On the device: makes a key that never leaves it, asks the broker for a certificate, and "
    "writes\n"
    "a profile, so that `tacit pub --as NAME` works. Said again, it goes on where it was stopped.\n"
    "`tacit device add` on the broker's machine prints the first form, to be copied.\n"
    "\n"
    "  --server HOST[:PORT]  where tacitd enrols (default port 8884)\n"
    "  --ca-sha256 HEX       fingerprint of the broker's authority: the token is sent to nobody "
    "else\n"
    "  --cafile FILE         the same by a file with its certificate\n"
    "  --name NAME           what the token was made for\n"
    "  --token TOKEN         the one-time token; others may see it in the list of processes for a\n"
    "                        moment. Without it, it is asked for\n"
    "  --token-file FILE     the token is in a file; - is standard input\n"
    "  --port N              where the broker listens (default 8883)\n"
    "  --out DIR             where key and certificate go (default: beside the profiles)\n"
    "  --new-key             make another key in place of the one that is there\n"
    "  --key-store STORE     where a new key is kept, and made: sealed (default; a file that opens "
    "on\n"
    "                        this machine only), tpm, tpm:HANDLE, pkcs11:URI, or file\n"
    "\n"
    "  --renew               another certificate, when less than a third of the time is left\n"
    "  --as NAME             of this profile (default: the default profile)\n"
    "  --force               now, however much is left\n"
    "  --watch               stay, and renew whenever it is time\n"
    "  --json                answer as JSON\n"
    "\n"
    "Exit codes: 0 done; 1 this machine said no; 2 wrong options; 3 the server said no; 4 no "
    "server,\n"
    "or not the right one.\n";

enum option_kind {
    OPTION_TEXT,
    OPTION_FLAG,
    OPTION_PORT,
    OPTION_SECRET,
};

static const struct {
    const char *name;
    enum option_kind kind;
    size_t offset; /* of the member */
} rows[] = {
#define ROW(name, kind, member)                                      \
    {                                                                \
        name, OPTION_##kind, offsetof(struct enroll_options, member) \
    }
    ROW("server", TEXT, server),
    ROW("ca-sha256", TEXT, ca_sha256),
    ROW("cafile", TEXT, ca_file),
    ROW("name", TEXT, name),
    ROW("as", TEXT, as),
    ROW("out", TEXT, out),
    ROW("token-file", TEXT, token_file),
    ROW("key-store", TEXT, key_store),
    ROW("token", SECRET, token),
    ROW("port", PORT, port),
    ROW("renew", FLAG, renew),
    ROW("force", FLAG, force),
    ROW("watch", FLAG, watch),
    ROW("new-key", FLAG, new_key),
    ROW("json", FLAG, json),
    ROW("help", FLAG, help),
#undef ROW
};

#define ROWS MQTT_ARRAY_LEN(rows)

enum enroll_exit enroll_options_fail(enum enroll_exit code, const char *format, ...)
{
    va_list arguments;

    (void)fputs("tacit enroll: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return code;
}

void enroll_options_print_help(void)
{
    (void)fputs(usage, stdout);
}

/* ---- numbers and places ---- */

static bool read_port(const char *text, uint16_t *out)
{
    char *end;

    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value == 0
        || value > UINT16_MAX)
        return false;
    *out = (uint16_t)value;
    return true;
}

bool enroll_options_split(const char *server, char *out_host, uint16_t *out_port)
{
    const char *colon = strrchr(server, ':');
    const char *first = strchr(server, ':');
    size_t len = strlen(server);
    uint16_t port = DEFAULT_PORT;

    if (server[0] == '[') {
        const char *end = strchr(server, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        if (end[1] == ':' && !read_port(end + 2, &port))
            return false;
        server++;
        len = (size_t)(end - server);
    } else if (colon != NULL && colon == first) {
        if (!read_port(colon + 1, &port))
            return false;
        len = (size_t)(colon - server);
    }
    if (len == 0 || len >= ENROLL_HOST_SIZE || memchr(server, '/', len) != NULL)
        return false;
    memcpy(out_host, server, len);
    out_host[len] = '\0';
    *out_port = port;
    return true;
}

/* ---- the command line ---- */

static bool take_secret(struct enroll_options *o, char *text)
{
    enroll_options_fini(o);
    o->token = strdup(text);
    memset(text, '*', strlen(text));
    return o->token != NULL;
}

static bool apply(struct enroll_options *o, size_t row, char *argument)
{
    char *member = (char *)o + rows[row].offset;

    switch (rows[row].kind) {
    case OPTION_TEXT:
        memcpy(member, &argument, sizeof(argument));
        return true;
    case OPTION_FLAG:
        *(bool *)member = true;
        return true;
    case OPTION_PORT:
        return read_port(argument, &o->port);
    case OPTION_SECRET:
        return take_secret(o, argument);
    }
    return false;
}

static bool complain(const char *what, const char *which)
{
    (void)enroll_options_fail(ENROLL_EXIT_USAGE, "%s%s%s%s; see tacit enroll --help", what,
                              which != NULL ? " '" : "", which != NULL ? which : "",
                              which != NULL ? "'" : "");
    return false;
}

static bool read_words(int argc, char **argv, struct enroll_options *o)
{
    struct option known[ROWS + 1] = { 0 };
    int id;

    for (size_t i = 0; i < ROWS; i++)
        known[i] = (struct option){
            .name = rows[i].name,
            .has_arg = rows[i].kind == OPTION_FLAG ? no_argument : required_argument,
            .val = FIRST_ID + (int)i,
        };
    opterr = 0;
    optind = 0; /* glibc: start anew */
    while ((id = getopt_long(argc, argv, ":", known, NULL)) != -1) {
        if (id == '?')
            return complain("unknown option", argv[optind - 1]);
        if (id == ':')
            return complain("a value is missing after", argv[optind - 1]);
        if (!apply(o, (size_t)(id - FIRST_ID), optarg))
            return complain("this cannot be a port:", optarg);
    }
    return optind == argc || complain("one word too many:", argv[optind]);
}

static bool check_pin(const char *hex)
{
    return strlen(hex) == SHA256_HEX && strspn(hex, "0123456789abcdefABCDEF") == SHA256_HEX;
}

static bool check_renewal(const struct enroll_options *o)
{
    bool is_first = o->token != NULL || o->token_file != NULL || o->name != NULL;

    return !is_first || complain("--renew needs no token, and --as instead of --name", NULL);
}

static bool check_first(const struct enroll_options *o)
{
    if (o->watch || o->force || o->as != NULL)
        return complain("--watch, --force and --as belong to --renew", NULL);
    if (o->server == NULL)
        return complain("which server? Say --server HOST:PORT", NULL);
    if (o->name == NULL)
        return complain("as whom? Say --name NAME, as the token was made", NULL);
    if ((o->ca_sha256 == NULL) == (o->ca_file == NULL))
        return complain("how is the right server known? Say --ca-sha256 HEX or --cafile FILE",
                        NULL);
    if (o->ca_sha256 != NULL && !check_pin(o->ca_sha256))
        return complain("this is no SHA-256 in 64 digits of hex:", o->ca_sha256);
    if (o->token != NULL && o->token_file != NULL)
        return complain("--token and --token-file: say one of them", NULL);
    return true;
}

static bool check(struct enroll_options *o)
{
    o->has_store = o->key_store != NULL;
    if (o->has_store && device_key_parse_store(o->key_store, &o->store) < 0)
        return complain("no store of keys (sealed, tpm, tpm:0x81000010, pkcs11:..., file):",
                        o->key_store);
    if (o->renew && o->has_store && !o->new_key)
        return complain("--key-store is for a new key: say --new-key as well", NULL);
    if (o->server != NULL && !enroll_options_split(o->server, o->host, &o->enrolment_port))
        return complain("this is neither HOST nor HOST:PORT:", o->server);
    return o->renew ? check_renewal(o) : check_first(o);
}

bool enroll_options_parse(int argc, char **argv, struct enroll_options *out)
{
    struct enroll_options o = { 0 };

    if (!read_words(argc, argv, &o) || (!o.help && !check(&o))) {
        enroll_options_fini(&o);
        return false;
    }
    *out = o;
    return true;
}

void enroll_options_fini(struct enroll_options *options)
{
    if (options->token != NULL)
        wipe_bytes(options->token, strlen(options->token));
    free(options->token);
    options->token = NULL;
}
