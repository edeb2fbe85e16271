/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "config/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_TLS       8883
#define PORT_PLAINTEXT 1883
#define PATH_MAX_BYTES 107 /* of a Unix socket */

/* ---- addresses ---- */

static bool is_ipv4(const char *text)
{
    unsigned dots = 0;
    unsigned value = 0;
    unsigned digits = 0;

    for (;; text++) {
        if (isdigit((unsigned char)*text)) {
            value = value * 10 + (unsigned)(*text - '0');
            digits++;
            if (digits > 3 || value > 255)
                return false;
            continue;
        }
        if (digits == 0 || (*text != '.' && *text != '\0'))
            return false;
        if (*text == '\0')
            return dots == 3;
        dots++;
        value = 0;
        digits = 0;
    }
}

/* By its characters; the kernel has the last word when it is bound. */
static bool is_ipv6(const char *text)
{
    return strchr(text, ':') != NULL && strspn(text, "0123456789abcdefABCDEF:.") == strlen(text);
}

static bool is_loopback(const char *address)
{
    return strcmp(address, "::1") == 0 || (is_ipv4(address) && strncmp(address, "127.", 4) == 0);
}

const char *config_listener_address(const struct setting *item, struct diagnostics *diagnostics)
{
    if (item == NULL || strcmp(item->text, "*") == 0)
        return "";
    if (strcmp(item->text, "localhost") == 0)
        return "127.0.0.1";
    if (!is_ipv4(item->text) && !is_ipv6(item->text)) {
        settings_complain(item, diagnostics,
                          "address = \"%.100s\": write a numeric address, localhost, or \"*\" "
                          "for all",
                          item->text);
        return "";
    }
    return item->text;
}

/* ---- one block ---- */

struct reading {
    const struct settings_block *block;
    const struct config *config;
    struct diagnostics *diagnostics;
    struct config_listener *listener;
};

static const struct setting *value_of(const struct reading *r, const char *key)
{
    return settings_value(r->block, key);
}

static void refuse_without_tls(const struct reading *r)
{
    static const char *const keys[] = { "tls-min",          "certificate",         "key",
                                        "client-ca",        "client-certificates", "crl",
                                        "certificate-role", "crl-stale",           "tls-detach" };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(keys); i++) {
        const struct setting *item = value_of(r, keys[i]);
        if (item != NULL)
            settings_complain(item, r->diagnostics,
                              "'%s' has no meaning without TLS; remove it, or write tls = on",
                              item->key);
    }
}

static void read_plaintext(const struct reading *r)
{
    static const char *const words[] = { "i-accept-eavesdropping" };
    const struct setting *item = value_of(r, "plaintext");
    unsigned choice = 0;

    refuse_without_tls(r);
    if (item == NULL)
        return;
    config_value_choice(item, words, MQTT_ARRAY_LEN(words), r->diagnostics, &choice);
    r->listener->is_exposed = true;
}

static void read_staleness(const struct reading *r)
{
    static const char *const choices[] = { "refuse", "accept" };
    const struct setting *item = value_of(r, "crl-stale");
    unsigned chosen = 0;

    config_value_choice(item, choices, MQTT_ARRAY_LEN(choices), r->diagnostics, &chosen);
    r->listener->accepts_stale_crl = chosen == 1;
    if (item != NULL && value_of(r, "crl") == NULL)
        settings_complain(item, r->diagnostics,
                          "'crl-stale' has no meaning without 'crl'; remove it, or name a list");
}

void config_listener_detach(const struct settings_block *block, struct diagnostics *diagnostics,
                            enum config_detach *inout)
{
    static const char *const words[] = { "off", "on", "always" };
    unsigned choice = *inout;

    config_value_choice(settings_value(block, "tls-detach"), words, MQTT_ARRAY_LEN(words),
                        diagnostics, &choice);
    *inout = (enum config_detach)choice;
}

static void read_tls(const struct reading *r)
{
    static const char *const versions[] = { "1.3", "1.2" };
    static const char *const clients[] = { "required", "optional", "none" };
    unsigned version = 0;
    unsigned asked = CONFIG_CLIENTS_REQUIRED;
    const struct setting *plaintext = value_of(r, "plaintext");

    if (plaintext != NULL)
        settings_complain(plaintext, r->diagnostics,
                          "'plaintext' has no meaning with TLS; remove it, or write tls = off");
    config_value_choice(value_of(r, "tls-min"), versions, MQTT_ARRAY_LEN(versions), r->diagnostics,
                        &version);
    config_value_choice(value_of(r, "client-certificates"), clients, MQTT_ARRAY_LEN(clients),
                        r->diagnostics, &asked);
    r->listener->allow_tls_1_2 = version == 1;
    r->listener->clients = (enum config_clients)asked;
    read_staleness(r);
    r->listener->detach = r->config->detach;
    config_listener_detach(r->block, r->diagnostics, &r->listener->detach);

    const struct setting *certificate = value_of(r, "certificate");
    const struct setting *key = value_of(r, "key");
    if ((certificate == NULL) == (key == NULL))
        return;
    const struct setting *alone = certificate != NULL ? certificate : key;
    settings_complain(alone, r->diagnostics,
                      "certificate and key belong together; set both or none");
}

static void read_socket(const struct reading *r)
{
    static const char *const not_both[] = { "address", "port", "tls", "plaintext" };
    const struct setting *path = value_of(r, "path");

    if (path->text[0] != '/' || strlen(path->text) > PATH_MAX_BYTES)
        settings_complain(path, r->diagnostics,
                          "path = \"%.100s\": write an absolute path of at most %d bytes",
                          path->text, PATH_MAX_BYTES);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(not_both); i++) {
        const struct setting *item = value_of(r, not_both[i]);
        if (item != NULL)
            settings_complain(item, r->diagnostics,
                              "'%s' has no meaning for a Unix socket; remove it", item->key);
    }
    refuse_without_tls(r);
}

/* Promise W6: no password travels in the clear. A Unix socket is not overheard. */
static void read_passwords(const struct reading *r)
{
    static const char *const words[] = { "off", "on", "scram" };
    const struct setting *item = value_of(r, "passwords");
    unsigned choice = CONFIG_PASSWORDS_OFF;

    config_value_choice(item, words, MQTT_ARRAY_LEN(words), r->diagnostics, &choice);
    r->listener->passwords = (enum config_passwords)choice;
    if (choice != CONFIG_PASSWORDS_ON || r->listener->is_tls || value_of(r, "path") != NULL)
        return;
    settings_complain(item, r->diagnostics,
                      "passwords = on without TLS would be overheard; write tls = on, or "
                      "passwords = scram, which sends none");
}

static void read_durability(const struct reading *r)
{
    r->listener->durability = config_value_durability(value_of(r, "durability"), r->diagnostics);
}

static void read_port(const struct reading *r)
{
    uint64_t port = r->listener->is_tls ? PORT_TLS : PORT_PLAINTEXT;

    config_value_number(value_of(r, "port"), 1, 65535, r->diagnostics, &port);
    r->listener->port = (uint16_t)port;
}

static int copy(const struct reading *r, const char *key, char **out)
{
    const struct setting *item = value_of(r, key);

    if (item == NULL)
        return 0;
    if (item->text[0] == '\0')
        settings_complain(item, r->diagnostics, "'%s' is empty; write a value or remove it", key);
    *out = strdup(item->text);
    return *out != NULL ? 0 : -ENOMEM;
}

static int copy_file(const struct reading *r, const char *key, char **out)
{
    return config_value_file(value_of(r, key), r->diagnostics, out);
}

static int copy_role(const struct reading *r, const char *key, char **out)
{
    const char *role = config_role_name(r->block, key, r->config, r->diagnostics);

    if (role == NULL)
        return 0;
    *out = strdup(role);
    return *out != NULL ? 0 : -ENOMEM;
}

static int copy_names(const struct reading *r)
{
    struct config_listener *l = r->listener;
    const struct {
        const char *key;
        char **out;
        int (*copy)(const struct reading *r, const char *key, char **out);
    } names[] = {
        { "path", &l->path, copy },
        { "certificate", &l->certificate, copy_file },
        { "key", &l->key, copy_file },
        { "client-ca", &l->client_ca, copy_file },
        { "crl", &l->crl, copy_file },
        { "anonymous-role", &l->anonymous_role, copy_role },
        { "certificate-role", &l->certificate_role, copy_role },
    };

    l->name = strdup(r->block->title);
    l->address = strdup(config_listener_address(value_of(r, "address"), r->diagnostics));
    if (l->name == NULL || l->address == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(names); i++) {
        if (names[i].copy(r, names[i].key, names[i].out) != 0)
            return -ENOMEM;
    }
    return 0;
}

int config_listener_read(const struct settings_block *block, const struct config *config,
                         struct diagnostics *diagnostics, struct config_listener *out)
{
    static const char *const ids[] = { "device", "any" };
    struct reading r = { block, config, diagnostics, out };
    bool is_tls = true;
    unsigned id_rule = 0;

    *out = (struct config_listener){ .file = block->file,
                                     .line = block->line,
                                     .column = block->column };
    if (!identity_name_is_valid(block->title))
        settings_complain_block(
            block, diagnostics,
            "listener \"%.100s\": a name is made of letters, digits and . _ : -", block->title);
    config_value_choice(value_of(&r, "client-ids"), ids, MQTT_ARRAY_LEN(ids), diagnostics,
                        &id_rule);
    out->client_ids_are_free = id_rule == 1;
    if (value_of(&r, "path") != NULL) {
        read_socket(&r);
        read_passwords(&r);
        read_durability(&r);
        return copy_names(&r);
    }
    config_value_bool(value_of(&r, "tls"), diagnostics, &is_tls);
    out->is_tls = is_tls;
    if (is_tls)
        read_tls(&r);
    else
        read_plaintext(&r);
    read_port(&r);
    read_passwords(&r);
    read_durability(&r);
    return copy_names(&r);
}

bool config_listener_needs_state(const struct config_listener *listener)
{
    bool has_own = listener->certificate != NULL
                   && (listener->clients == CONFIG_CLIENTS_NONE || listener->client_ca != NULL);

    return listener->is_tls && !has_own;
}

void config_listener_fini(struct config_listener *listener)
{
    free(listener->name);
    free(listener->address);
    free(listener->path);
    free(listener->certificate);
    free(listener->key);
    free(listener->client_ca);
    free(listener->crl);
    free(listener->anonymous_role);
    free(listener->certificate_role);
    config_tokens_fini(listener);
}

/* ---- all together ---- */

static void complain(const struct config_listener *listener, struct diagnostics *diagnostics,
                     const char *format, ...) __attribute__((format(printf, 3, 4)));

static void complain(const struct config_listener *listener, struct diagnostics *diagnostics,
                     const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    diagnostics_verror(diagnostics, listener->file, listener->line, listener->column, format,
                       arguments);
    va_end(arguments);
}

bool config_listener_is_local(const struct config_listener *listener)
{
    return listener->path != NULL || is_loopback(listener->address);
}

/* Promise W1: nobody's words travel in the clear unless the operator said so. */
static void check_exposure(const struct config_listener *listener, struct diagnostics *diagnostics)
{
    if (listener->is_tls || listener->is_exposed || config_listener_is_local(listener))
        return;
    complain(listener, diagnostics,
             "listener \"%s\" without TLS can be overheard by everybody on the way; write "
             "tls = on, or address = \"127.0.0.1\", or, knowing this, "
             "plaintext = \"i-accept-eavesdropping\"",
             listener->name);
}

static void check_anybody(const struct config_listener *listener, struct diagnostics *diagnostics)
{
    bool has_certificates = listener->is_tls && listener->clients != CONFIG_CLIENTS_NONE;

    if (has_certificates || listener->anonymous_role != NULL
        || listener->passwords != CONFIG_PASSWORDS_OFF || listener->token_count > 0)
        return;
    complain(listener, diagnostics,
             "listener \"%s\" asks for no certificates, so nobody may come in; write "
             "anonymous-role = \"...\" to say what anybody may do%s",
             listener->name,
             listener->is_tls ? ", client-certificates = required, or passwords = on" : "");
}

static void check_passwords(const struct config_listener *listener, struct diagnostics *diagnostics)
{
    bool takes_some = listener->passwords != CONFIG_PASSWORDS_OFF || listener->token_count > 0;

    if (takes_some && listener->is_tls && listener->clients == CONFIG_CLIENTS_REQUIRED)
        complain(listener, diagnostics,
                 "listener \"%s\" takes passwords or tokens, but lets nobody in without a "
                 "certificate; write "
                 "client-certificates = optional",
                 listener->name);
}

static bool share_place(const struct config_listener *a, const struct config_listener *b)
{
    if (a->path != NULL || b->path != NULL)
        return a->path != NULL && b->path != NULL && strcmp(a->path, b->path) == 0;
    return a->port == b->port
           && (strcmp(a->address, b->address) == 0 || a->address[0] == '\0'
               || b->address[0] == '\0');
}

static void check_twins(const struct config *config, size_t which, struct diagnostics *diagnostics)
{
    const struct config_listener *listener = &config->listeners[which];

    for (size_t i = 0; i < which; i++) {
        if (share_place(&config->listeners[i], listener))
            complain(listener, diagnostics,
                     "listener \"%s\" is at the same %s as \"%s\"; give it another", listener->name,
                     listener->path != NULL ? "path" : "port", config->listeners[i].name);
    }
}

void config_listener_check(const struct config *config, struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        check_exposure(listener, diagnostics);
        check_anybody(listener, diagnostics);
        check_passwords(listener, diagnostics);
        check_twins(config, i, diagnostics);
    }
}
