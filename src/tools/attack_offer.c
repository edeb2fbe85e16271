/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_offer.h"

#include "tools/attack_link.h"
#include "tools/attack_pace.h"

#include <errno.h>

enum attack_offer attack_offer_make(const struct attack_env *env, enum tacit_probe_version only,
                                    const char *ciphers, struct tacit_probe_facts *out)
{
    char error[TACIT_PROBE_ERROR_SIZE];
    struct tacit_probe *probe = NULL;
    enum attack_offer offer = ATTACK_OFFER_UNKNOWN;
    const struct tacit_probe_target target = { .address = env->address, .port = env->port };
    const struct tacit_probe_tls_options options = { .only = only, .ciphers = ciphers };
    struct tacit_probe_tls *tls = tacit_probe_tls_new(&options, error);

    if (tls == NULL)
        return ATTACK_OFFER_UNKNOWN;
    attack_pace_wait(env->pace);
    if (tacit_probe_open(&target, ATTACK_ANSWER_MS, &probe, error) == 0) {
        int failed = tacit_probe_handshake(probe, tls, env->host, NULL, ATTACK_ANSWER_MS);
        tacit_probe_facts(probe, out);
        if (out->has_hello)
            offer = ATTACK_OFFER_TAKEN;
        else if (failed == -EPROTO || failed == -ECONNRESET)
            offer = ATTACK_OFFER_REFUSED;
    }
    tacit_probe_close(probe);
    tacit_probe_tls_free(tls);
    return offer;
}
