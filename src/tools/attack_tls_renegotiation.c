/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_env.h"
#include "tools/attack_link.h"
#include "tools/attack_pace.h"

static struct tacit_probe_tls *tls_1_2_of(const struct attack_env *env, char *error)
{
    bool has_certificate = env->first.certificate_file[0] != '\0';
    const struct tacit_probe_tls_options options = {
        .only = TACIT_PROBE_TLS_1_2,
        .certificate_file = has_certificate ? env->first.certificate_file : NULL,
        .key_file = has_certificate ? env->first.key_file : NULL,
    };

    return attack_env_tls_new(&options, error);
}

static void judge(const struct attack_env *env, struct tacit_probe *probe,
                  struct tacit_probe_tls *tls, struct attack_finding *out)
{
    struct tacit_probe_facts facts;

    if (tacit_probe_handshake(probe, tls, env->host, NULL, ATTACK_ANSWER_MS) < 0) {
        tacit_probe_facts(probe, &facts);
        attack_check_judge(out, facts.has_hello ? ATTACK_UNCLEAR : ATTACK_SAFE,
                           "TLS 1.2 was refused (%s); TLS 1.3 has no renegotiation",
                           tacit_probe_error(probe));
        return;
    }
    if (tacit_probe_renegotiate(probe, ATTACK_ANSWER_MS) == 0)
        attack_check_judge(out, ATTACK_OPEN, "a second handshake was done at our wish");
    else
        attack_check_judge(out, ATTACK_SAFE, "a second handshake was refused (%s)",
                           tacit_probe_error(probe));
}

void attack_tls_renegotiation(const struct attack_env *env, struct attack_finding *out)
{
    char error[TACIT_PROBE_ERROR_SIZE];
    struct tacit_probe *probe = NULL;
    const struct tacit_probe_target target = { .address = env->address, .port = env->port };
    struct tacit_probe_tls *tls = tls_1_2_of(env, error);

    attack_pace_wait(env->pace);
    if (tls == NULL || tacit_probe_open(&target, ATTACK_ANSWER_MS, &probe, error) < 0)
        attack_check_judge(out, ATTACK_UNCLEAR, "no connection: %s", error);
    else
        judge(env, probe, tls, out);
    tacit_probe_close(probe);
    tacit_probe_tls_free(tls);
}
