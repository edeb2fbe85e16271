/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/up.h"

#include "pki/state.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/neighbour.h"
#include "tools/signing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS "state config trust-domain algorithm passphrase-file name port start json "

static const char usage[] =
    "usage: tacit up [--state DIR] [--name HOST]... [--trust-domain DOMAIN] [--json]\n"
    "       tacit up --start [--state DIR] [--port N] [-- tacitd's options]\n"
    "\n"
    "Prepares the state folder of a broker: CA, server certificate, admin identity, registry.\n"
    "What is there is left alone, so it may be said again at any time.\n"
    "\n"
    "  --state DIR            the folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --name HOST            one more host name or address for a new server certificate\n"
    "  --trust-domain DOMAIN  name of a new CA's trust domain (default: a random one)\n"
    "  --algorithm A          kind of a new CA's keys: p256 (default) or ed25519\n"
    "  --start                then become tacitd with this state\n"
    "  --port N               with --start: the port of its first listener\n"
    "  --json                 answer as JSON\n";

static const char *found_or_made(bool made)
{
    return made ? "made now" : "found";
}

static int print_people(const struct identity_options *o, const struct state_made *made)
{
    char argument[IDENTITY_OPTIONS_PATH_SIZE + 16];
    const char *state = identity_options_state_argument(o, argument, sizeof(argument));
    (void)printf("state folder        %s (%s)\n", o->state, found_or_made(made->folder));
    (void)printf("CA                  trust domain %s (%s)\n", made->trust_domain,
                 found_or_made(made->ca));
    (void)printf("server certificate  %s\n", found_or_made(made->server));
    (void)printf("admin identity      %s\n", found_or_made(made->admin));
    (void)printf("registry            %s\n\n", found_or_made(made->registry));
    (void)printf("Next:\n"
                 "  tacitd%s\n"
                 "  tacit device add lamp --role device%s\n"
                 "  tacit device add wall --role controller%s\n",
                 state, state, state);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static int print_json(const struct identity_options *o, const struct state_made *made)
{
    return identity_print_document(
        json_pack("{s:s, s:s, s:{s:b, s:b, s:b, s:b, s:b}}", "state", o->state, "trust_domain",
                  made->trust_domain, "made", "folder", made->folder, "ca", made->ca, "server",
                  made->server, "admin", made->admin, "registry", made->registry));
}

/* Returns only if tacitd cannot be started. */
static int start(struct identity_options *o)
{
    char program[IDENTITY_OPTIONS_PATH_SIZE];
    char port[8];
    char *arguments[64] = { program, (char[]){ "--state" }, o->state };
    size_t count = 3;

    if (neighbour_find("tacitd", program, sizeof(program)) < 0)
        (void)snprintf(program, sizeof(program), "tacitd");
    if (o->port != 0) {
        (void)snprintf(port, sizeof(port), "%u", o->port);
        arguments[count++] = (char[]){ "--port" };
        arguments[count++] = port;
    }
    for (int i = 0; i < o->operand_count && count < MQTT_ARRAY_LEN(arguments) - 1; i++)
        arguments[count++] = o->operands[i];
    arguments[count] = NULL;
    (void)execvp(program, arguments);
    return identity_options_fail(o, IDENTITY_EXIT_FAILED, "cannot start %s: %s", program,
                                 strerror(errno));
}

int command_up(int argc, char **argv)
{
    struct identity_options o;
    struct state_made made;
    struct pki_fault fault = { 0 };

    if (identity_options_parse(argc, argv, "tacit up", OPTIONS, &o) < 0)
        return IDENTITY_EXIT_USAGE;
    if (o.help)
        return fputs(usage, stdout) < 0 ? IDENTITY_EXIT_FAILED : IDENTITY_EXIT_DONE;
    if (o.operand_count > 0 && !o.start)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE, "'%s' means nothing here; see %s",
                                     o.operands[0], "tacit up --help");
    /* tacitd prepares its state itself, after it has seen that it can listen. */
    if (o.start && o.name_count == 0 && o.trust_domain == NULL && o.algorithm == NULL)
        return start(&o);

    enum key_algorithm algorithm = KEY_P256;
    if (o.algorithm != NULL && key_algorithm_parse(o.algorithm, &algorithm) < 0)
        return identity_options_fail(&o, IDENTITY_EXIT_USAGE, "'%s' is neither p256 nor ed25519",
                                     o.algorithm);
    struct signing signing;
    signing_open(&o, &signing);
    const struct state_options options = { .trust_domain = o.trust_domain,
                                           .algorithm = algorithm,
                                           .access = &signing.access,
                                           .server_names = o.names,
                                           .server_name_count = o.name_count };
    int error = state_prepare(o.state, &options, &made, &fault);
    signing_close(&signing);
    if (error < 0)
        return identity_options_fail(&o, IDENTITY_EXIT_FAILED, "%s", fault.text);
    if (o.start)
        return start(&o);
    return o.json ? print_json(&o, &made) : print_people(&o, &made);
}
