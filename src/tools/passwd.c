/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/passwd.h"

#include "base/wipe.h"
#include "pki/accounts.h"
#include "tools/administration.h"
#include "tools/identity_options.h"
#include "tools/identity_registry.h"
#include "tools/known_role.h"
#include "tools/passwd_import.h"
#include "tools/passwd_input.h"
#include "tools/passwd_list.h"

#include <errno.h>
#include <stdio.h>

static const char usage[] =
    "usage: tacit passwd NAME [--role ROLE] [--tenant T] [--site S]\n"
    "                    [--generate | --password-file FILE]\n"
    "       tacit passwd --import FILE --role ROLE [--tenant T] [--site S]\n"
    "       tacit passwd --list\n"
    "       tacit passwd --remove | --suspend | --resume NAME\n"
    "\n"
    "Makes an account that comes in by user name and password over TLS, or gives one a new\n"
    "password, which is asked for twice; not at a terminal, a line of standard input is read.\n"
    "A listener takes passwords where it says passwords = on. Certificates are safer: see\n"
    "`tacit device add`.\n"
    "\n"
    "  --role ROLE           what it may do; needed for a new account\n"
    "  --tenant, --site      what %{tenant} and %{site} stand for in its role\n"
    "  --generate            make up a password and print it, once\n"
    "  --password-file FILE  the password is the first line of a file\n"
    "  --import FILE         accounts from a password file of mosquitto ($6$ and $7$)\n"
    "  --list                all accounts\n"
    "  --remove              the account ends, and with it its connections\n"
    "  --suspend, --resume   it may not come in until further notice; it may again\n"
    "  --config FILE         where roles are defined (default: the file that tacitd would read)\n"
    "  --state DIR           the state folder (default: $TACIT_STATE, else the one tacitd uses)\n"
    "  --json                answer as JSON\n";

#define OPTIONS                                                                             \
    "state json config role tenant site generate password-file import list remove suspend " \
    "resume "

/* One command at work: operands[0] is the account. */
struct change {
    const struct identity_options *options;
    const char *name;
    struct registry *registry;
    struct pki_fault fault;
};

static int end(struct change *c, int error, const char *what)
{
    registry_close(c->registry);
    if (error < 0)
        return identity_registry_fail(c->options, error, &c->fault);
    if (c->options->json)
        (void)printf("{\"name\": \"%s\", \"done\": \"%s\"}\n", c->name, what);
    else
        (void)printf("%s: %s; a running tacitd takes it up within a second\n", c->name, what);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* ---- a new password ---- */

static int check(struct change *c)
{
    const struct identity_options *o = c->options;
    int error = identity_registry_check_name("account", c->name, &c->fault);

    if (error == 0 && o->tenant != NULL)
        error = identity_registry_check_name("tenant", o->tenant, &c->fault);
    if (error == 0 && o->site != NULL)
        error = identity_registry_check_name("site", o->site, &c->fault);
    if (error == 0 && o->role != NULL)
        error = known_role_find(o, o->role, NULL, &c->fault);
    return error;
}

static void fill(char out[REGISTRY_TEXT_SIZE], const char *given)
{
    if (given != NULL)
        (void)snprintf(out, REGISTRY_TEXT_SIZE, "%s", given);
}

/* An account that there is keeps what is not said. */
static int store(struct change *c, struct account *account, bool is_new)
{
    const struct identity_options *o = c->options;
    const struct account_secret secret = { account->verifier, &account->scram };
    int error = 0;

    fill(account->name, c->name);
    fill(account->role, o->role);
    fill(account->tenant, o->tenant);
    fill(account->site, o->site);
    if (is_new) {
        account->status = REGISTRY_ACTIVE;
        return accounts_add(c->registry, account, &c->fault);
    }
    const struct registry_place place = { account->role, account->tenant, account->site };
    if (o->role != NULL || o->tenant != NULL || o->site != NULL)
        error = accounts_set_place(c->registry, c->name, &place, &c->fault);
    return error == 0 ? accounts_set_secret(c->registry, c->name, &secret, &c->fault) : error;
}

/* Before anybody types: may there be such an account? */
static int find(struct change *c, struct account *out, bool *out_is_new)
{
    struct registry_entry device;
    int error = accounts_find(c->registry, c->name, out, &c->fault);

    *out_is_new = error == -ENOENT;
    if (error != -ENOENT)
        return error;
    if (registry_find(c->registry, c->name, &device, NULL) == 0)
        return pki_fail(&c->fault, -EEXIST,
                        "'%s' is a device with a certificate, which is better than a password; an "
                        "account needs another name",
                        c->name);
    if (c->options->role == NULL)
        return pki_fail(&c->fault, -EINVAL,
                        "there is no account '%s' yet; to make it, say --role ROLE", c->name);
    return 0;
}

static int set_password(struct change *c, char password[PASSWD_INPUT_SIZE], bool *out_is_new)
{
    struct account account = { .name = "" };
    int error = check(c);

    if (error == 0)
        error = identity_registry_open(c->options, &c->registry, &c->fault);
    if (error == 0)
        error = find(c, &account, out_is_new);
    if (error == 0)
        error = passwd_input_read(c->options, password, &c->fault);
    if (error == 0)
        error = accounts_make_secret(span_of(password), &account, &c->fault);
    if (error == 0)
        error = store(c, &account, *out_is_new);
    wipe_bytes(&account, sizeof(account));
    return error;
}

int passwd_give(const struct identity_options *options)
{
    struct change c = { .options = options, .name = options->operands[0] };
    char password[PASSWD_INPUT_SIZE] = "";
    bool is_new = false;
    int error = set_password(&c, password, &is_new);

    if (error == 0 && options->generate && options->json)
        (void)printf("{\"name\": \"%s\", \"password\": \"%s\"}\n", c.name, password);
    else if (error == 0 && options->generate)
        (void)printf("%s\n", password);
    wipe_bytes(password, sizeof(password));
    if (error < 0 || !options->generate)
        return end(&c, error, is_new ? "account made" : "password changed");
    registry_close(c.registry);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* ---- the others ---- */

static int change_account(const struct identity_options *o)
{
    struct change c = { .options = o, .name = o->operands[0] };
    int error = identity_registry_check_name("account", c.name, &c.fault);

    if (error == 0)
        error = identity_registry_open(o, &c.registry, &c.fault);
    if (error == 0 && o->remove)
        error = accounts_remove(c.registry, c.name, &c.fault);
    else if (error == 0)
        error = accounts_set_status(c.registry, c.name,
                                    o->suspend ? REGISTRY_SUSPENDED : REGISTRY_ACTIVE, &c.fault);
    return end(&c, error, o->remove ? "removed" : o->suspend ? "suspended" : "active");
}

static int run(const struct identity_options *o)
{
    unsigned modes = (unsigned)o->list + (unsigned)o->remove + (unsigned)o->suspend
                     + (unsigned)o->resume + (o->import != NULL ? 1u : 0u);
    int wanted = o->list || o->import != NULL ? 0 : 1;

    if (modes > 1)
        return identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                     "--list, --import, --remove, --suspend, --resume: say one of "
                                     "them");
    if (o->operand_count < wanted)
        return identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                     "which one? Give the name of the "
                                     "account");
    if (o->operand_count > wanted)
        return identity_options_fail(o, IDENTITY_EXIT_USAGE, "'%s' is one word too many",
                                     o->operands[wanted]);
    if (o->list)
        return passwd_list(o);
    if (o->import != NULL)
        return administration_note(o, passwd_import(o));
    return administration_note(o, modes > 0 ? change_account(o) : passwd_give(o));
}

int command_passwd(int argc, char **argv)
{
    struct identity_options o;

    if (identity_options_parse(argc, argv, "tacit passwd", OPTIONS, &o) < 0)
        return IDENTITY_EXIT_USAGE;
    if (o.help)
        return fputs(usage, stdout) < 0 ? IDENTITY_EXIT_FAILED : IDENTITY_EXIT_DONE;
    return run(&o);
}
