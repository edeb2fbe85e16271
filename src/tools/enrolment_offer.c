/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/enrolment_offer.h"

#include "config/config.h"
#include "config/config_file.h"
#include "config/config_term.h"
#include "pki/blocked_list.h"
#include "pki/certificate.h"
#include "pki/state.h"
#include "pki/state_ca.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_HOST "localhost"
#define DEFAULT_PORT 8883
#define HEX_SIZE     65

/* Where a device enrols and connects. */
struct place {
    const char *host;
    uint16_t enrolment_port;
    uint16_t port;
    char ca_sha256[HEX_SIZE];
};

static void ignore_line(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static uint16_t port_of(const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++)
        if (config->listeners[i].is_tls)
            return config->listeners[i].port;
    return DEFAULT_PORT;
}

/* By the configuration that tacitd would read; --port stands for the one that tacitd was given. */
static int read_config(const struct identity_options *o, struct place *out, struct pki_fault *fault)
{
    char path[IDENTITY_OPTIONS_PATH_SIZE];
    const struct config_overrides overrides = { .port = o->port, .shards = -1, .log_format = -1 };
    struct diagnostics diagnostics = { ignore_line, NULL, 0 };
    struct config *config;

    if (config_file_find(o->config, o->state, path, sizeof(path)) < 0)
        return pki_fail(fault, -ENAMETOOLONG, "the path of the configuration is too long");
    if (config_load(path[0] != '\0' ? path : NULL, &settings_disk, &overrides, &diagnostics,
                    &config)
        < 0)
        return pki_fail(fault, -ENOTSUP,
                        "where devices enrol is not known before %s is right; tacitd --check says "
                        "what is wrong",
                        path);
    bool is_on = config->enrolment.is_on;
    out->enrolment_port = config->enrolment.port;
    out->port = port_of(config);
    config_unref(config);
    return is_on ? 0
                 : pki_fail(fault, -ENOTSUP,
                            "enrolment is off in the configuration: see the block enrolment of "
                            "tacit.conf(5)");
}

static int read_pin(const struct identity_options *o, struct place *out, struct pki_fault *fault)
{
    struct certificate *authority;
    struct certificate_facts facts;
    int error = state_ca_root(o->state, &authority, fault);

    if (error < 0)
        return error;
    error = certificate_facts_of(authority, &facts, fault);
    certificate_free(authority);
    for (size_t i = 0; i < 32 && error == 0; i++)
        (void)snprintf(out->ca_sha256 + 2 * i, 3, "%02x", facts.registered.fingerprint[i]);
    return error;
}

static void format_command(const struct place *place, const struct token *token, bool has_key,
                           struct enrolment_offer *out)
{
    bool is_v6 = strchr(place->host, ':') != NULL;
    char port[16] = "";

    if (place->port != DEFAULT_PORT)
        (void)snprintf(port, sizeof(port), " --port %u", place->port);
    (void)snprintf(out->server, sizeof(out->server), "%s%.255s%s:%u", is_v6 ? "[" : "", place->host,
                   is_v6 ? "]" : "", place->enrolment_port);
    (void)snprintf(out->command, sizeof(out->command),
                   "tacit enroll --server %s --ca-sha256 %s --name %s%s%s --token %s", out->server,
                   place->ca_sha256, token->name, port, has_key ? " --new-key" : "", out->token);
}

static int read_expiry(const char *text, int64_t now_s, int64_t *out_s, struct pki_fault *fault)
{
    int64_t date_s = 0;
    int64_t lasts_s = 0;
    const char *instead = text != NULL ? config_term_expiry(text, &date_s, &lasts_s) : NULL;

    if (instead != NULL)
        return pki_fail(fault, -EINVAL, "--expires '%.80s': %s", text, instead);
    if (text != NULL && date_s == 0 && lasts_s == 0)
        return pki_fail(fault, -EINVAL, "--expires: a token has to expire; for example 1h");
    *out_s = date_s != 0 ? date_s : now_s + (lasts_s != 0 ? lasts_s : TOKENS_LIFE_S);
    return 0;
}

/* The TPM that is named, to `room`; NULL where none is. */
static int read_endorsement(const char *text, uint8_t room[REGISTRY_KEY_BYTES], const uint8_t **out,
                            struct pki_fault *fault)
{
    if (text == NULL)
        return 0;
    if (!blocked_list_decode(span_of(text), room, REGISTRY_KEY_BYTES))
        return pki_fail(
            fault, -EINVAL,
            "--ek '%.80s': this is no SHA-256 in 64 digits of hex; tacit keys tpm on the "
            "device prints it",
            text);
    *out = room;
    return 0;
}

int enrolment_offer_make(const struct identity_options *options, struct registry *registry,
                         const struct token *wanted, bool has_key, struct enrolment_offer *out,
                         struct pki_fault *fault)
{
    struct place place = { .host = options->host != NULL ? options->host : DEFAULT_HOST };
    struct token token = *wanted;
    uint8_t endorsement[REGISTRY_KEY_BYTES];
    int64_t now_s = (int64_t)time(NULL);
    int error = read_expiry(options->expires, now_s, &token.expires_s, fault);

    if (error == 0)
        error = read_endorsement(options->endorsement, endorsement, &token.endorsement, fault);
    if (error == 0)
        error = read_config(options, &place, fault);
    if (error == 0)
        error = read_pin(options, &place, fault);
    if (error == 0)
        error = tokens_create(registry, &token, now_s, out->token, fault);
    if (error < 0)
        return error;
    out->expires_s = token.expires_s;
    format_command(&place, &token, has_key, out);
    return 0;
}

void enrolment_offer_print(const struct enrolment_offer *offer)
{
    char until[IDENTITY_PRINT_TIME_SIZE];

    (void)printf("On the device, once, until %s:\n\n  %s\n\n",
                 identity_print_time(offer->expires_s, until), offer->command);
}

json_t *enrolment_offer_json(const struct enrolment_offer *offer)
{
    char until[IDENTITY_PRINT_TIME_SIZE];

    return json_pack("{s:s, s:s, s:s, s:s}", "token", offer->token, "expires",
                     identity_print_time_rfc3339(offer->expires_s, until), "server", offer->server,
                     "command", offer->command);
}
