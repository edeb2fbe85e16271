/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/ca_show.h"

#include "pki/state.h"
#include "pki/state_ca.h"
#include "tools/identity_print.h"
#include "tools/signing.h"

#include <stdio.h>

/* All that is shown. */
struct picture {
    char domain[IDENTITY_URI_DOMAIN_SIZE];
    struct certificate *root;
    struct certificate_list issuing;
    struct certificate *server; /* NULL: none */
    struct state_ca_keys keys;
    bool has_token;
};

static int load(const struct identity_options *o, struct picture *p, struct pki_fault *fault)
{
    char path[2][STATE_PATH_SIZE];
    int error = state_check(o->state, fault);
    if (error == 0)
        error = state_path(o->state, STATE_CA_CERTIFICATE, path[0]);
    if (error == 0)
        error = state_path(o->state, STATE_SERVER_CERTIFICATE, path[1]);
    if (error == 0)
        error = certificate_list_load(path[0], &p->issuing, fault);
    if (error == 0)
        error = ca_trust_domain_of(p->issuing.all[0], p->domain, fault);
    if (error == 0)
        error = state_ca_root(o->state, &p->root, fault);
    if (error == 0)
        error = state_ca_look(o->state, &p->keys, fault);
    if (error == 0 && certificate_load(path[1], &p->server, NULL) < 0)
        p->server = NULL;
    return error;
}

static void print_certificate(const char *title, const struct certificate *certificate)
{
    struct certificate_facts facts;
    char names[1024];
    char to[IDENTITY_PRINT_TIME_SIZE];
    if (certificate_facts_of(certificate, &facts, NULL) < 0)
        return;
    certificate_names(certificate, names, sizeof(names));
    (void)printf("%s\n  subject      %s\n  names        %s\n  key          %s\n"
                 "  serial       %s\n",
                 title, facts.common_name, names, key_algorithm_text(facts.algorithm),
                 facts.registered.serial);
    (void)printf("  SHA-256      ");
    for (size_t i = 0; i < sizeof(facts.registered.fingerprint); i++)
        (void)printf("%02x", facts.registered.fingerprint[i]);
    (void)printf("\n  valid until  %s\n", identity_print_time(facts.registered.not_after_s, to));
}

static const char *issuing_key(const struct picture *p)
{
    if (p->has_token)
        return "token";
    return !p->keys.has_key ? "elsewhere" : p->keys.is_sealed ? "sealed" : "plain";
}

static const char *root_key(const struct picture *p)
{
    if (!p->keys.has_root)
        return "none";
    return !p->keys.has_root_key ? "elsewhere" : p->keys.is_sealed ? "sealed" : "plain";
}

static json_t *list_json(const struct certificate_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        if (json_array_append_new(array, identity_print_certificate_json(list->all[i])) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static int print_json(const struct identity_options *o, const struct picture *p)
{
    return identity_print_document(
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:{s:s, s:s}, s:b, s:o?}", "state", o->state,
                  "trust_domain", p->domain, "root", identity_print_certificate_json(p->root), "ca",
                  identity_print_certificate_json(p->issuing.all[0]), "issuing",
                  list_json(&p->issuing), "keys", "root", root_key(p), "issuing", issuing_key(p),
                  "unfinished", (int)p->keys.is_unfinished, "server",
                  p->server != NULL ? identity_print_certificate_json(p->server) : NULL));
}

static int print_people(const struct picture *p)
{
    (void)printf("trust domain   %s\n", p->domain);
    if (p->keys.has_root) {
        print_certificate("root", p->root);
        (void)printf("  key is       %s\n", root_key(p));
    }
    for (size_t i = 0; i < p->issuing.count; i++)
        print_certificate(i > 0              ? "issuing CA of before"
                          : p->keys.has_root ? "issuing CA"
                                             : "CA (one tier; `tacit ca renew` gives it a second)",
                          p->issuing.all[i]);
    (void)printf("signing key    %s\n", issuing_key(p));
    if (p->keys.is_unfinished)
        (void)printf("A renewal was cut short; say `tacit ca renew` again.\n");
    if (p->server != NULL)
        print_certificate("server", p->server);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int ca_show(const struct identity_options *options)
{
    struct picture p = { 0 };
    struct signing signing;
    struct pki_fault fault = { "out of memory" };
    int result = load(options, &p, &fault);
    if (result < 0) {
        result = identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    } else {
        signing_open(options, &signing);
        p.has_token = signing.access.key != NULL;
        signing_close(&signing);
        result = options->json ? print_json(options, &p) : print_people(&p);
    }
    certificate_free(p.root);
    certificate_free(p.server);
    certificate_list_fini(&p.issuing);
    return result;
}
