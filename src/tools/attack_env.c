/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_env.h"

#include "keystore/device_key.h"
#include "tools/attack_pace.h"
#include "tools/profile.h"

#include <tacit/posix.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PORT_TLS 8883

static int complain(int code, const char *what, const char *detail)
{
    (void)fprintf(stderr, "tacit attack: %s: %s\n", what, detail);
    return code;
}

bool attack_env_is_allowed(const char *address, const char *host, const char *i_own)
{
    if (tacit_probe_reach(address) != TACIT_PROBE_PUBLIC)
        return true;
    return i_own != NULL && strcasecmp(i_own, host) == 0;
}

static int copy(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len >= size)
        return complain(-EINVAL, "this is too long", text);
    memcpy(out, text, len + 1);
    return 0;
}

/* What the profile says counts where the options say nothing. */
static int use_profile(struct attack_env *env, struct attack_identity *who, const char *name)
{
    struct profile profile;
    int error = profile_load(name, &profile);

    if (error < 0)
        return complain(-EINVAL, name,
                        error == -ENOENT ? "there is no such profile" : strerror(-error));
    who->is_given = true;
    if (env->host[0] == '\0') {
        memcpy(env->host, profile.host, sizeof(env->host));
        env->port = profile.port != 0 ? profile.port : PORT_TLS;
    }
    if (env->ca_file[0] == '\0')
        memcpy(env->ca_file, profile.ca_file, sizeof(env->ca_file));
    memcpy(who->certificate_file, profile.certificate_file, sizeof(who->certificate_file));
    memcpy(who->key_file, profile.key_file, sizeof(who->key_file));
    return copy(who->client_id, sizeof(who->client_id), profile.client_id);
}

static int load_password(struct attack_identity *who, const char *path)
{
    struct pki_fault fault = { 0 };

    if (passphrase_load(path, &who->password, &fault) < 0)
        return complain(-EINVAL, path, fault.text);
    who->has_password = true;
    return 0;
}

static int choose_client_id(struct attack_identity *who, const char *given)
{
    if (given != NULL)
        return copy(who->client_id, sizeof(who->client_id), given);
    if (who->client_id[0] == '\0' && who->certificate_file[0] != '\0')
        return tacit_probe_common_name(who->certificate_file, who->client_id,
                                       sizeof(who->client_id))
                       == 0
                   ? 0
                   : complain(-EINVAL, who->certificate_file, "no certificate with a common name");
    if (who->client_id[0] == '\0' && who->user_name != NULL)
        return copy(who->client_id, sizeof(who->client_id), who->user_name);
    return 0;
}

static int load_identity(struct attack_env *env, const struct attack_identity_options *o,
                         struct attack_identity *who)
{
    int error = o->as != NULL ? use_profile(env, who, o->as) : 0;

    who->user_name = o->user_name;
    who->is_given |= o->certificate_file != NULL || o->user_name != NULL;
    if (error == 0 && o->certificate_file != NULL)
        error = copy(who->certificate_file, sizeof(who->certificate_file), o->certificate_file);
    if (error == 0 && o->key_file != NULL)
        error = copy(who->key_file, sizeof(who->key_file), o->key_file);
    if (error == 0 && o->password_file != NULL)
        error = load_password(who, o->password_file);
    return error == 0 ? choose_client_id(who, o->client_id) : error;
}

struct tacit_probe_tls *attack_env_tls_new(const struct tacit_probe_tls_options *options,
                                           char error[TACIT_PROBE_ERROR_SIZE])
{
    struct tacit_probe_tls_options copy = *options;
    struct tacit_key hook = { .sign = NULL };
    struct pki_fault fault = { "" };

    if (options->key_file != NULL && device_key_hook(options->key_file, &hook, &fault) < 0) {
        (void)snprintf(error, TACIT_PROBE_ERROR_SIZE, "%.199s", fault.text);
        return NULL;
    }
    if (hook.sign != NULL)
        copy.key = &hook;
    return tacit_probe_tls_new(&copy, error);
}

static int open_tls(const struct attack_env *env, const struct attack_identity *who,
                    struct tacit_probe_tls **out)
{
    char error[TACIT_PROBE_ERROR_SIZE];
    bool has_certificate = who->certificate_file[0] != '\0';
    /* A password goes to nobody who has not proved to be the broker. A certificate proves itself
     * without giving anything away. */
    bool must_verify = who->has_password && !env->options->insecure;
    const struct tacit_probe_tls_options options = {
        .ca_file = env->ca_file[0] != '\0' ? env->ca_file : NULL,
        .certificate_file = has_certificate ? who->certificate_file : NULL,
        .key_file = has_certificate ? who->key_file : NULL,
        .must_verify = must_verify,
    };

    *out = attack_env_tls_new(&options, error);
    return *out != NULL ? 0 : complain(-EINVAL, "TLS", error);
}

static int open_all_tls(struct attack_env *env)
{
    const struct attack_identity nobody = { .label = "" };
    int error = open_tls(env, &nobody, &env->tls);

    if (error == 0)
        error = open_tls(env, &env->first, &env->first.tls);
    return error == 0 ? open_tls(env, &env->second, &env->second.tls) : error;
}

static int find_host(struct attack_env *env)
{
    char error[TACIT_PROBE_ERROR_SIZE];

    if (env->host[0] == '\0')
        return complain(-EINVAL, "which broker?", "say HOST:PORT, or --as NAME");
    if (tacit_probe_resolve(env->host, env->address, error) < 0)
        return complain(-EINVAL, "no such host", error);
    if (attack_env_is_allowed(env->address, env->host, env->options->i_own))
        return 0;
    (void)fprintf(stderr,
                  "tacit attack: %s is %s, which is neither this machine nor a private network.\n"
                  "What follows is an attack. If the broker is yours, say: --i-own %s\n",
                  env->host, env->address, env->host);
    return -EPERM;
}

int attack_env_open(const struct attack_options *options, struct attack_env *out)
{
    uint32_t random = 0;
    int error;

    *out = (struct attack_env){
        .options = options,
        .port = (uint16_t)options->port,
        .is_encrypted = !options->plaintext,
        .version = MQTT_VERSION_5,
        .first = { .label = "the first identity" },
        .second = { .label = "the second identity" },
    };
    memcpy(out->host, options->host, sizeof(out->host));
    (void)tacit_posix_random(NULL, &random, sizeof(random));
    (void)snprintf(out->tag, sizeof(out->tag), "%06x", random & 0xFFFFFFu);
    error =
        copy(out->ca_file, sizeof(out->ca_file), options->ca_file != NULL ? options->ca_file : "");
    if (error == 0)
        error = load_identity(out, &options->first, &out->first);
    if (error == 0)
        error = load_identity(out, &options->second, &out->second);
    if (error == 0)
        error = find_host(out);
    if (error == 0 && out->is_encrypted)
        error = open_all_tls(out);
    if (error == 0) {
        out->pace = attack_pace_new(options->rate);
        error = out->pace != NULL ? 0 : complain(-ENOMEM, "memory", strerror(ENOMEM));
    }
    return error;
}

void attack_env_close(struct attack_env *env)
{
    attack_pace_free(env->pace);
    tacit_probe_tls_free(env->tls);
    tacit_probe_tls_free(env->first.tls);
    tacit_probe_tls_free(env->second.tls);
    passphrase_fini(&env->first.password);
    passphrase_fini(&env->second.password);
}

void attack_env_made_up_topic(const struct attack_env *env, const char *word,
                              char out[ATTACK_TOPIC_SIZE])
{
    (void)snprintf(out, ATTACK_TOPIC_SIZE, "tacit-attack/%s/%s", env->tag, word);
}
