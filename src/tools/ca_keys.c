/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/ca_keys.h"

#include "pki/certificate.h"
#include "pki/state.h"
#include "pki/state_ca.h"
#include "tools/ca_show.h"
#include "tools/identity_print.h"
#include "tools/signing.h"
#include "tools/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int fault_out(const struct identity_options *o, const struct pki_fault *fault)
{
    return identity_options_fail(o, IDENTITY_EXIT_FAILED, "%s", fault->text);
}

int ca_keys_renew(const struct identity_options *options)
{
    struct signing signing;
    struct pki_fault fault = { "out of memory" };
    signing_open(options, &signing);
    int error = state_ca_renew(options->state, &signing.access, (int64_t)time(NULL), &fault);
    signing_close(&signing);
    if (error < 0)
        return fault_out(options, &fault);
    if (!options->json)
        (void)printf("A running tacitd takes it up by itself. Devices of the CA before come in\n"
                     "until their certificates expire.\n");
    return ca_show(options);
}

/* ---- giving out ---- */

static int load_chain(const struct identity_options *o, struct certificate_list *out,
                      struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    struct certificate *root;
    int error = state_check(o->state, fault);
    if (error == 0)
        error = state_path(o->state, STATE_CA_CERTIFICATE, path);
    if (error == 0 && o->chain)
        error = certificate_list_load(path, out, fault);
    if (error == 0)
        error = state_ca_root(o->state, &root, fault);
    if (error < 0)
        return error;
    /* Of a folder with one tier the root is there already. */
    if (out->count > 0 && certificate_is_self_signed(out->all[out->count - 1])) {
        certificate_free(root);
        return 0;
    }
    error = certificate_list_add(out, root);
    return error < 0 ? pki_fail(fault, error, "%s: too many certificates", path) : 0;
}

static int print_chain(const struct identity_options *o, const struct certificate_list *list)
{
    struct pki_fault fault = { "out of memory" };
    char *pem;
    if (o->out != NULL) {
        if (certificate_list_save(list, o->out, &fault) < 0)
            return fault_out(o, &fault);
        return o->json ? identity_print_document(json_pack("{s:s}", "file", o->out))
                       : IDENTITY_EXIT_DONE;
    }
    if (certificate_list_encode(list, &pem) < 0)
        return fault_out(o, &fault);
    int result = IDENTITY_EXIT_DONE;
    if (o->json)
        result = identity_print_document(json_pack("{s:s}", "pem", pem));
    else if (fputs(pem, stdout) < 0 || fflush(stdout) != 0)
        result = IDENTITY_EXIT_FAILED;
    free(pem);
    return result;
}

int ca_keys_export(const struct identity_options *options)
{
    struct certificate_list list = { 0 };
    struct pki_fault fault = { "out of memory" };
    int error = load_chain(options, &list, &fault);
    int result = error < 0 ? fault_out(options, &fault) : print_chain(options, &list);
    certificate_list_fini(&list);
    return result;
}

/* ---- under a passphrase ---- */

/* Twice, since nobody sees what is typed. */
static int ask_new(const struct identity_options *o, struct passphrase *out)
{
    struct passphrase again = { 0 };
    if (terminal_ask_passphrase("New passphrase of the CA's keys: ", out) < 0
        || terminal_ask_passphrase("The same again: ", &again) < 0)
        return identity_options_fail(o, IDENTITY_EXIT_FAILED,
                                     "no passphrase: there is no terminal to ask at, or nothing "
                                     "was typed; or give --passphrase-file FILE");
    bool is_same = again.len == out->len && memcmp(again.text, out->text, again.len) == 0;
    passphrase_fini(&again);
    if (!is_same)
        return identity_options_fail(o, IDENTITY_EXIT_FAILED,
                                     "the two passphrases differ; nothing was changed");
    return IDENTITY_EXIT_DONE;
}

static int find_new(const struct identity_options *o, struct passphrase *out)
{
    struct pki_fault fault = { "out of memory" };
    if (o->passphrase_file == NULL)
        return ask_new(o, out);
    return passphrase_load(o->passphrase_file, out, &fault) < 0 ? fault_out(o, &fault)
                                                                : IDENTITY_EXIT_DONE;
}

int ca_keys_seal(const struct identity_options *options)
{
    struct passphrase passphrase = { 0 };
    struct pki_fault fault = { "out of memory" };
    int result = find_new(options, &passphrase);
    if (result == IDENTITY_EXIT_DONE && state_ca_seal(options->state, &passphrase, &fault) < 0)
        result = fault_out(options, &fault);
    passphrase_fini(&passphrase);
    if (result != IDENTITY_EXIT_DONE)
        return result;
    if (!options->json)
        (void)printf("The CA's keys are sealed. Without the passphrase nothing can be signed, and "
                     "nobody\ncan give it back to you.\n");
    return ca_show(options);
}

int ca_keys_unseal(const struct identity_options *options)
{
    struct signing signing;
    struct pki_fault fault = { "out of memory" };
    signing_open(options, &signing);
    int error = state_ca_unseal(options->state, &signing.access, &fault);
    signing_close(&signing);
    return error < 0 ? fault_out(options, &fault) : ca_show(options);
}
