/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks know: where the broker is, as whom they may come, and what was found out before
 * the first of them. Nothing changes in it while they run. */
#pragma once

#include "codec/packet.h"
#include "pki/passphrase.h"
#include "ports/probe.h"
#include "tools/attack_options.h"

#include <limits.h>

#define ATTACK_TOPIC_SIZE     512
#define ATTACK_CLIENT_ID_SIZE 200
#define ATTACK_TAG_SIZE       9

struct attack_pace;

/* As whom we come. All strings but those in arrays are borrowed from the options. */
struct attack_identity {
    const char *label; /* "the first identity", for sentences */
    bool is_given;
    bool is_usable; /* the broker let it in */
    bool has_password;
    bool only_exact_id; /* it is let in under its own client id alone, without a suffix */
    const char *user_name;
    char certificate_file[PATH_MAX]; /* "": none */
    char key_file[PATH_MAX];
    char client_id[ATTACK_CLIENT_ID_SIZE];
    struct passphrase password;
    struct tacit_probe_tls *tls; /* with its certificate; NULL: without TLS, or not given */
    char why_not[200];           /* it is not usable */
};

struct attack_env {
    const struct attack_options *options;
    struct attack_pace *pace;
    char host[ATTACK_HOST_SIZE];
    uint16_t port;
    char address[TACIT_PROBE_ADDRESS_SIZE];
    char ca_file[PATH_MAX]; /* "": the CAs of the system */
    bool is_encrypted;
    bool has_anonymous;          /* who brings no credentials is let in */
    struct tacit_probe_tls *tls; /* without a certificate, believes everybody */
    enum mqtt_version version;   /* the newest that the broker speaks */
    /* Where one was not given, it is somebody without credentials, if those are let in. */
    struct attack_identity first, second;
    char tag[ATTACK_TAG_SIZE]; /* of this run: in client ids and topics */
    /* Who may write and read the topic of checks that need messages; "": there is none. */
    char topic[ATTACK_TOPIC_SIZE];
    bool topic_is_made_up;
    const struct attack_identity *writer, *reader; /* NULL without a topic */
};

/* Looks the host up, and refuses one that is neither near nor --i-own; loads credentials. Nothing
 * is sent yet. 0, -EINVAL or -EPERM after a line on standard error; *out can then be closed too. */
MQTT_NODISCARD int attack_env_open(const struct attack_options *options, struct attack_env *out);
void attack_env_close(struct attack_env *env);

/* tacit_probe_tls_new() with options->key_file as a place of keystore/device_key.h. */
struct tacit_probe_tls *attack_env_tls_new(const struct tacit_probe_tls_options *options,
                                           char error[TACIT_PROBE_ERROR_SIZE]);

/* May a broker at this address be attacked? `host` is the target as it was typed. */
bool attack_env_is_allowed(const char *address, const char *host, const char *i_own);

/* "tacit-attack/TAG/WORD", where nobody can have granted anything. */
void attack_env_made_up_topic(const struct attack_env *env, const char *word,
                              char out[ATTACK_TOPIC_SIZE]);
