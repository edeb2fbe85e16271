/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/canary_add.h"

#include "pki/canaries.h"
#include "tools/device_add.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"
#include "tools/known_role.h"
#include "tools/passwd.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_ROLE "device"

static enum canary_kind kind_of(const struct identity_options *o)
{
    if (o->topic != NULL)
        return CANARY_TOPIC;
    if (o->account)
        return CANARY_ACCOUNT;
    return o->token_only ? CANARY_TOKEN : CANARY_DEVICE;
}

/* Nothing is marked before it is sure that what is marked can be made. */
static int check(const struct identity_options *o, enum canary_kind kind, struct pki_fault *fault)
{
    const char *name = o->operands[0];
    int kinds = (o->topic != NULL) + o->account + o->token_only;

    if (kinds > 1)
        return pki_fail(fault, -EINVAL, "--account, --token-only, --topic: say one of them");
    if (kind == CANARY_TOPIC && (o->role != NULL || o->out != NULL))
        return pki_fail(fault, -EINVAL, "a decoy topic has no role and no files");
    if (kind == CANARY_TOPIC)
        return 0;
    int error = kind == CANARY_ACCOUNT ? identity_registry_check_name("account", name, fault)
                                       : identity_registry_check_device(name, fault);
    return error == 0 ? known_role_find(o, o->role, NULL, fault) : error;
}

static int mark(const struct identity_options *o, const struct canary *canary,
                struct pki_fault *fault)
{
    struct registry *registry = NULL;
    int error = identity_registry_open(o, &registry, fault);

    if (error == 0)
        error = canaries_add(registry, canary, fault);
    registry_close(registry);
    return error;
}

/* What could not be made is not marked. */
static void unmark(const struct identity_options *o)
{
    struct registry *registry = NULL;
    struct pki_fault fault = { "" };

    if (identity_registry_open(o, &registry, &fault) != 0
        || canaries_remove(registry, o->operands[0], &fault) != 0)
        (void)identity_options_fail(o, IDENTITY_EXIT_FAILED, "%s", fault.text);
    registry_close(registry);
}

static int print_decoy(const struct identity_options *o, const struct canary *canary)
{
    char topic[CANARY_TOPIC_SIZE];

    (void)identity_print_text(canary->topic, topic, sizeof(topic));
    if (o->json)
        return identity_print_document(json_pack("{s:s, s:s, s:s}", "name", canary->name, "kind",
                                                 canaries_kind_text(canary->kind), "topic", topic));
    (void)printf("%s is a decoy: whoever publishes or subscribes to %s is told of in the log\n",
                 canary->name, topic);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* The same commands that make what is real: it looks the same. */
static int make(const struct identity_options *o, const struct canary *canary)
{
    int code = IDENTITY_EXIT_FAILED;

    if (canary->kind == CANARY_TOPIC)
        return print_decoy(o, canary);
    if (canary->kind == CANARY_ACCOUNT)
        code = passwd_give(o);
    else
        code = device_add(o);
    if (code != IDENTITY_EXIT_DONE)
        unmark(o);
    else if (!o->json && !o->generate)
        (void)printf("It is a canary: whoever uses it is told of in the log of tacitd and by tacit "
                     "canary show %s\n",
                     canary->name);
    return code;
}

int canary_add(const struct identity_options *options)
{
    struct identity_options o = *options;
    struct canary canary = { .kind = kind_of(options) };
    struct pki_fault fault = { "" };

    if (o.role == NULL && canary.kind != CANARY_TOPIC)
        o.role = DEFAULT_ROLE;
    o.is_bait = true;
    (void)snprintf(canary.name, sizeof(canary.name), "%s", o.operands[0]);
    (void)snprintf(canary.note, sizeof(canary.note), "%s", o.text != NULL ? o.text : "");
    int error = check(&o, canary.kind, &fault);
    if (error == 0 && o.topic != NULL && strlen(o.topic) >= sizeof(canary.topic))
        error = pki_fail(&fault, -EINVAL, "the topic is longer than %zu bytes",
                         sizeof(canary.topic) - 1);
    if (error == 0 && o.topic != NULL)
        (void)snprintf(canary.topic, sizeof(canary.topic), "%s", o.topic);
    if (error == 0)
        error = mark(&o, &canary, &fault);
    return error == 0 ? make(&o, &canary) : identity_registry_fail(&o, error, &fault);
}
